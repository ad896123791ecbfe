# Tests conformance/<device>: the suite, as `sampan check` runs it. A device that this machine lacks,
# or a kind of memory that its driver lacks, shows as skipped, with the reason in the output.
function(sampan_add_conformance_test name device environment)
  add_test(NAME conformance/${name} COMMAND sampan_command check --device ${device})
  set_tests_properties(conformance/${name} PROPERTIES
    LABELS conformance
    TIMEOUT 1500
    RUN_SERIAL ON
    ENVIRONMENT "${environment}"
    SKIP_REGULAR_EXPRESSION "sampan: (not_found|unsupported)[: ]")
endfunction()

sampan_add_conformance_test(cpu cpu "")
sampan_add_conformance_test(opencl opencl:0 "")
foreach(memory svm usm buffer)
  sampan_add_conformance_test(opencl-${memory} opencl:0 SAMPAN_OPENCL_MEMORY=${memory})
endforeach()

# Level Zero's real loader over the emulated driver, once more with the loader's check of parameters.
if(TARGET sampan_emulated_level_zero)
  sampan_add_conformance_test(level_zero-emulated level_zero:0 SAMPAN_TEST_DRIVERS=1)
  sampan_add_conformance_test(level_zero-validated level_zero:0
    "SAMPAN_TEST_DRIVERS=1;ZE_ENABLE_VALIDATION_LAYER=1;ZE_ENABLE_PARAMETER_VALIDATION=1")
endif()

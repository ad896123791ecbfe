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

# Backends whose hardware is rare, on the emulated drivers of tests/drivers, which are always there.
set(emulated "")
foreach(backend cuda hip)
  if(TARGET sampan_emulated_${backend})
    sampan_add_conformance_test(${backend}-emulated ${backend}:0 SAMPAN_TEST_DRIVERS=1)
    set_tests_properties(conformance/${backend}-emulated PROPERTIES SKIP_REGULAR_EXPRESSION "")
    list(APPEND emulated --device ${backend}:0)
  endif()
endforeach()

# The language model writes the same tokens on all of them, also when it moves from one to another.
if(emulated)
  add_test(NAME run.emulated COMMAND sampan_command run --tokens 16 --device cpu:0 ${emulated})
  add_test(NAME run.emulated_migrate COMMAND
    sampan_command run --tokens 12 --migrate cuda:1@5 --device cpu:0 ${emulated})
  set_tests_properties(run.emulated run.emulated_migrate PROPERTIES
    LABELS run TIMEOUT 600 ENVIRONMENT SAMPAN_TEST_DRIVERS=1)
endif()

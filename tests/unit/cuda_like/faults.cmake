# sampan_cuda_like_fault_test(<backend> <ELF machine> <allocation> <host allocation>): the failures of a
# driver, on its emulated one.
function(sampan_cuda_like_fault_test backend machine allocate host_allocate)
  set(common ${PROJECT_SOURCE_DIR}/tests/unit)
  set(target sampan_unit_${backend}_fault)
  add_executable(${target} ${common}/cuda_like/fault_test.cpp ${common}/opencl/plugin.cpp)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${common}/opencl)
  target_compile_definitions(${target} PRIVATE
    SAMPAN_TEST_PLUGIN="$<TARGET_FILE:sampan_${backend}>"
    SAMPAN_TEST_MACHINE=${machine}
    SAMPAN_TEST_ALLOCATE="${allocate}"
    SAMPAN_TEST_HOST_ALLOCATE="${host_allocate}")
  target_link_libraries(${target} PRIVATE sampan_warnings GTest::gtest_main ${CMAKE_DL_LIBS})
  add_dependencies(${target} sampan_${backend})
  gtest_discover_tests(${target}
    TEST_PREFIX "unit/${backend}_emulated."
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS unit TIMEOUT 300 ENVIRONMENT SAMPAN_TEST_DRIVERS=1)
endfunction()

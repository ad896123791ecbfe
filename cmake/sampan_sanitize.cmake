# SAMPAN_SANITIZE=address,undefined or thread, for everything but kernels compiled ahead of time (see
# sampan_add_cpu_kernels). Optimised a little and with line numbers only, whatever the build type: full
# optimisation doubles the compile time of instrumented code and blurs its reports.
set(SAMPAN_SANITIZED OFF) # the list of sanitizers as a switch: its comma ends a generator expression
if(SAMPAN_SANITIZE)
  set(SAMPAN_SANITIZED ON)
  add_compile_options(-fsanitize=${SAMPAN_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1 -g1)
  add_link_options(-fsanitize=${SAMPAN_SANITIZE})
  # ctest reads this before it starts any test, so that programs which tests start inherit it, too.
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES
    ${PROJECT_SOURCE_DIR}/tests/sanitizers/environment.cmake)
endif()

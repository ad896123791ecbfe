# Runs PROGRAM with ARGUMENTS on Oclgrind's simulated OpenCL device, and fails unless what Oclgrind
# reports is as EXPECT says: nothing where EXPECT is empty, else something that matches it.
#
#   cmake -DOCLGRIND=... -DPROGRAM=... -DARGUMENTS=a;b -DLOG=FILE [-DEXPECT=REGEX] -P check.cmake
if(NOT OCLGRIND)
  message("SKIPPED: oclgrind is not installed")
  return()
endif()
file(REMOVE ${LOG})
# The backend opens its library by itself, past the wrapper's preloading. Optimised code would hide what
# the source does wrong; many compute units make attention split its keys and merge.
get_filename_component(folder ${OCLGRIND} DIRECTORY)
find_library(runtime NAMES oclgrind-rt HINTS ${folder}/../lib PATH_SUFFIXES oclgrind NO_CACHE)
if(NOT runtime)
  message(FATAL_ERROR "oclgrind is installed without its liboclgrind-rt.so")
endif()
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env SAMPAN_OPENCL_LIBRARY=${runtime} SAMPAN_OPENCL_BINARIES=0
    ${OCLGRIND} --data-races --uninitialized --compute-units 64 --build-options -cl-opt-disable
    --log ${LOG} ${PROGRAM} ${ARGUMENTS}
  RESULT_VARIABLE result)
set(report "")
if(EXISTS ${LOG})
  file(READ ${LOG} report LIMIT 100000)
endif()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the program ended with ${result}\n${report}")
endif()
if(EXPECT)
  if(NOT report MATCHES "${EXPECT}")
    message(FATAL_ERROR "Oclgrind should have reported '${EXPECT}', but said: ${report}")
  endif()
elseif(NOT report STREQUAL "")
  message(FATAL_ERROR "Oclgrind reports:\n${report}")
endif()

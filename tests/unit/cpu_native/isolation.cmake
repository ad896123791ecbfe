# Fails if an object file of one instruction level defines a symbol that another object may share: a
# weak one whose name does not contain the level's own namespace. The linker would keep one of the copies for all, and
# a CPU without AVX-512 could then meet AVX-512 code in, say, std::min.
#
# cmake -DNM=nm -DLEVEL=x86_64_v4 "-DOBJECTS=a.o|b.o" -P isolation.cmake
string(REPLACE "|" ";" objects "${OBJECTS}")
if(NOT objects)
  message(FATAL_ERROR "no object files to check")
endif()
foreach(object IN LISTS objects)
  execute_process(COMMAND ${NM} --defined-only --demangle ${object} OUTPUT_VARIABLE symbols
    COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${symbols}")
  if(NOT lines)
    message(FATAL_ERROR "${object} defines nothing")
  endif()
  foreach(line IN LISTS lines)
    if(line MATCHES " [WVu] " AND NOT line MATCHES "sampan::cpu::native::${LEVEL}::")
      message(FATAL_ERROR "${object} shares a symbol: ${line}")
    endif()
  endforeach()
endforeach()

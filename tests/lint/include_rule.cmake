# Who may include whom. Run with -DSOURCE=<source tree> -DLEAST=<includes there are at least>.
#
# Each row: a folder, then the quoted includes that its files may have beside those of files next to
# them, then the angle includes that they may not have; regular expressions, "-" for none. A file
# belongs to the row of its longest folder.
set(cpp_standard "[a-z_0-9]+")
set(c_standard "std(arg|bool|def|int|io|lib)\\.h|string\\.h|math\\.h")
set(vendor "(CL|cuda|cuda_runtime|nvrtc|hip|hsa|level_zero|ze_api|acl)[/.].*|cuda.*\\.h|ze[st]?_api\\.h")
set(ours "(sampan|core|ops|backends|kernels|dialect)/.*")
set(public "sampan/[a-z_0-9]+\\.h|sampan/ops/[a-z_0-9]+\\.h")

set(rows
  "include/sampan"        "${public}"                                          "not:${cpp_standard}|${c_standard}"
  "include/sampan/plugin" "-"                                                  "not:${c_standard}"
  "src/core"              "core/.*|sampan/.*"                                  "${ours}|${vendor}"
  "src/ops"               "ops/.*|${public}|sampan/plugin/backend\\.h"         "${ours}|${vendor}"
  "src/backends/common"   "backends/common/.*|sampan/plugin/.*"                "${ours}|${vendor}"
  "src/backends/cuda_like" "backends/(common|cuda_like)/.*|sampan/plugin/.*"   "${ours}|${vendor}"
  "src/backends"          "backends/(common|cuda_like|SELF)/.*|sampan/plugin/.*|dialect/.*_abi\\.h" "${ours}"
  "kernels"               "-"                                                  "${ours}|${vendor}"
  "kernels/reference"     "reference/.*"                                       "not:${cpp_standard}"
  "tools"                 "${public}"                                          "${ours}|${vendor}"
  "examples"              "${public}"                                          "${ours}|${vendor}"
  "tests/conformance"     "${public}"                                          "${ours}|${vendor}"
  "bench"                 "${public}"                                          "${ours}"
)

# Sets `out` to what is wrong with one include of `file`, or to nothing.
function(check_include out file folder quoted angle)
  set(${out} "" PARENT_SCOPE)
  if(NOT line MATCHES "#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]")
    return()  # by a macro: the compiler's business
  endif()
  set(kind "${CMAKE_MATCH_1}")
  set(name "${CMAKE_MATCH_2}")
  if(kind STREQUAL "<")
    if(angle MATCHES "^not:(.*)$")
      if(NOT name MATCHES "^(${CMAKE_MATCH_1})$")
        set(${out} "<${name}>" PARENT_SCOPE)
      endif()
    elseif(name MATCHES "^(${angle})$")
      set(${out} "<${name}>" PARENT_SCOPE)
    endif()
    return()
  endif()
  if(name MATCHES "\\.\\.")
    set(${out} "\"${name}\"" PARENT_SCOPE)
    return()
  endif()
  get_filename_component(here ${file} DIRECTORY)
  if(EXISTS ${SOURCE}/${here}/${name} OR name MATCHES "^(${quoted})$")
    return()
  endif()
  # Folders on the search path of others: the dialect's for kernels, two libraries' for the command.
  set(neighbours_kernels kernels/dialect)
  set(neighbours_tools examples/llm tests/conformance)
  foreach(neighbour IN LISTS neighbours_${folder})
    if(EXISTS ${SOURCE}/${neighbour}/${name})
      return()
    endif()
  endforeach()
  set(${out} "\"${name}\"" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${SOURCE}
  ${SOURCE}/include/*.h ${SOURCE}/src/*.h ${SOURCE}/src/*.cpp ${SOURCE}/src/*.c
  ${SOURCE}/kernels/*.h ${SOURCE}/kernels/*.k ${SOURCE}/kernels/*.cpp
  ${SOURCE}/tools/*.h ${SOURCE}/tools/*.cpp ${SOURCE}/examples/*.h ${SOURCE}/examples/*.cpp
  ${SOURCE}/tests/conformance/*.h ${SOURCE}/tests/conformance/*.cpp
  ${SOURCE}/bench/*.h ${SOURCE}/bench/*.cpp)
set(problems 0)
set(includes 0)
foreach(file IN LISTS files)
  set(folder "")
  set(rest ${rows})
  while(rest)
    list(POP_FRONT rest row_folder row_quoted row_angle)
    string(LENGTH "${row_folder}" length)
    string(LENGTH "${folder}" best)
    if(length GREATER best AND file MATCHES "^${row_folder}/")
      set(folder ${row_folder})
      set(quoted "${row_quoted}")
      set(angle "${row_angle}")
    endif()
  endwhile()
  if(NOT folder)
    message(SEND_ERROR "${file}: no row of the include rule says what it may include")
    math(EXPR problems "${problems} + 1")
    continue()
  endif()
  if(file MATCHES "^src/backends/([^/]+)/")
    string(REPLACE "SELF" "${CMAKE_MATCH_1}" quoted "${quoted}")
  endif()
  file(STRINGS ${SOURCE}/${file} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    math(EXPR includes "${includes} + 1")
    check_include(wrong ${file} ${folder} "${quoted}" "${angle}")
    if(wrong)
      message(SEND_ERROR "${file} may not include ${wrong} (rule for ${folder})")
      math(EXPR problems "${problems} + 1")
    endif()
  endforeach()
endforeach()
if(includes LESS LEAST)
  message(FATAL_ERROR "only ${includes} includes found below ${SOURCE}: is this the source tree?")
endif()
list(LENGTH files count)
message(STATUS "${includes} includes in ${count} files, ${problems} against the rule")

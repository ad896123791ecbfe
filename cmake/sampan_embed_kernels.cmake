# sampan_embed_kernels(<output.cpp> FILES <name.k> … ROOT <folder>)
# Compiles kernel texts into C++: names relative to ROOT. A changed kernel rebuilds one small file.
function(sampan_embed_kernels output)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "ROOT" "FILES")
  set(paths ${ARG_FILES})
  list(TRANSFORM paths PREPEND ${ARG_ROOT}/)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DROOT=${ARG_ROOT} "-DFILES=${ARG_FILES}"
            -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed_kernels_script.cmake
    DEPENDS ${paths} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed_kernels_script.cmake
    COMMENT "Embedding the kernels' texts"
    VERBATIM)
endfunction()

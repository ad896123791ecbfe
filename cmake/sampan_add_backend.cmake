# sampan_add_backend(NAME <name> SOURCES <file>... [LIBS <target>...] [EXAMPLE])
# Builds the plug-in libsampan_<name>.so into lib/sampan, where the loader looks. It exports
# sampan_backend_query and nothing else. The names of all backends end up in the global property
# SAMPAN_BACKENDS. An EXAMPLE is built into lib/examples instead, where the loader doesn't look, and
# isn't installed.
function(sampan_add_backend)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "EXAMPLE" "NAME" "SOURCES;LIBS")
  set(target sampan_${ARG_NAME})
  add_library(${target} MODULE ${ARG_SOURCES})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_definitions(${target} PRIVATE SAMPAN_VERSION="${PROJECT_VERSION}")
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE sampan_backend_common sampan_warnings ${ARG_LIBS})
  set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/backend_exports.map)
  target_link_options(${target} PRIVATE -Wl,--version-script=${exports} -Wl,--no-undefined)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${exports})
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden
    C_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/$<IF:$<BOOL:${ARG_EXAMPLE}>,examples,sampan>)
  set_property(GLOBAL APPEND PROPERTY SAMPAN_BACKENDS ${ARG_NAME})
  if(ARG_EXAMPLE)
    return()
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/sampan)
endfunction()

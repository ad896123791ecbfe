# The installed tree: headers, library, plug-ins (by sampan_add_backend), command, package files.
include(CMakePackageConfigHelpers)

install(TARGETS sampan EXPORT sampan_targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sampan DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sampan)
install(EXPORT sampan_targets NAMESPACE sampan:: DESTINATION ${package_dir} FILE sampan-targets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sampan-config.cmake.in
  ${PROJECT_BINARY_DIR}/sampan-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sampan-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/sampan-config.cmake ${PROJECT_BINARY_DIR}/sampan-config-version.cmake
  DESTINATION ${package_dir})
# Relative, so that the tree may be installed to, or moved to, another place.
file(RELATIVE_PATH SAMPAN_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/sampan.pc.in ${PROJECT_BINARY_DIR}/sampan.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sampan.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

# `find_package(spikard COMPONENTS ...)`: every module is exported under spikard:: and may be linked alone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY SPIKARD_MODULES)
foreach(module ${modules})
  get_target_property(sets spikard_${module} HEADER_SETS)
  set(headers)
  if(sets)
    set(headers FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spikard-core)
  endif()
  install(TARGETS spikard_${module} EXPORT spikard-targets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spikard-core ${CMAKE_INSTALL_INCLUDEDIR} ${headers})
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/spikard DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(EXPORT spikard-targets NAMESPACE spikard:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spikard)
# A build tree can be linked without installing it (find_package with its path): bindings/python does.
set(exported spikard_flags)
foreach(module ${modules})
  list(APPEND exported spikard_${module})
endforeach()
export(TARGETS ${exported} NAMESPACE spikard:: FILE ${CMAKE_BINARY_DIR}/spikard-targets.cmake)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/spikard-config.cmake.in ${CMAKE_BINARY_DIR}/spikard-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spikard)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/spikard-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/spikard-config.cmake ${CMAKE_BINARY_DIR}/spikard-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spikard)

# Debian's static libraries are not position-independent, so what libspikard needs beyond the C and C++ runtimes travels beside it.
if(SPIKARD_BUNDLE)
  set_target_properties(spikard_shared PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS spikard_shared RUNTIME_DEPENDENCY_SET spikard-bundle LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT bundle)
  install(RUNTIME_DEPENDENCY_SET spikard-bundle
          PRE_EXCLUDE_REGEXES "^lib(c|m|dl|rt|pthread|gcc_s|stdc\\+\\+)\\.so" "^ld-linux"
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT bundle)
endif()

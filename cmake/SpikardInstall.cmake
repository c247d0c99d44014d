# `find_package(spikard COMPONENTS ...)`: every module is exported under spikard:: and may be linked alone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY SPIKARD_MODULES)
foreach(module ${modules})
  install(TARGETS spikard_${module} EXPORT spikard-targets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spikard/core)
endforeach()

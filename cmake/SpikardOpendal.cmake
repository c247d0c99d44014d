# The shared library of object stores: spikard_opendal_library, made by tools/opendal outside of the build tree.
include(GNUInstallDirs)
set(crate ${CMAKE_SOURCE_DIR}/core/storage/opendal/rust)
set(sources ${crate}/Cargo.toml ${crate}/Cargo.lock)
foreach(source abi call check lib list options sign store text transport)
  list(APPEND sources ${crate}/src/${source}.rs)
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})  # its path follows them

execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/opendal --path OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "SPIKARD_STORAGE_OPENDAL needs cargo and rustc 1.91: run tools/bootstrap, or configure with -DSPIKARD_STORAGE_OPENDAL=OFF")
endif()
add_custom_command(OUTPUT ${library} COMMAND ${CMAKE_SOURCE_DIR}/tools/opendal DEPENDS ${sources} COMMENT "Object stores: ${library}" VERBATIM)
add_custom_target(spikard_opendal_library ALL DEPENDS ${library})
add_dependencies(spikard_storage_opendal spikard_opendal_library)
# A bundle finds it beside libspikard, everything else also where it was made.
if(SPIKARD_BUNDLE)
  target_compile_definitions(spikard_storage_opendal PRIVATE SPIKARD_OPENDAL_LIBRARY="")
  install(FILES ${library} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT bundle)
else()
  target_compile_definitions(spikard_storage_opendal PRIVATE SPIKARD_OPENDAL_LIBRARY="${library}")
endif()
install(FILES ${library} DESTINATION ${CMAKE_INSTALL_LIBDIR})

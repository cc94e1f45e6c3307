# SPDX-License-Identifier: GPL-3.0-or-later
# The two shared libraries, what is installed, how others find it (find_package, pkg-config), and the packages.
include(CMakePackageConfigHelpers)

# A shared library of what the folders' static ones hold. It exports what carries TUBES_API, nothing else. SONAME and
# inline namespace move together (tubes::v0, libtubes-*.so.0).
function(tubes_shared_library name output)
    cmake_parse_arguments(ARG "" "" "ARCHIVES;LIBRARIES" ${ARGN})
    string(REPLACE ";" "," archives "${ARG_ARCHIVES}")
    add_library(${name} SHARED "${PROJECT_SOURCE_DIR}/tubes/include/tubes/export.hpp")
    target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} "$<LINK_LIBRARY:WHOLE_ARCHIVE,${archives}>")
    # The same archives come again as dependencies of dependencies.
    set_target_properties(${name} PROPERTIES LINK_LIBRARY_OVERRIDE "WHOLE_ARCHIVE,${archives}")
    target_link_options(${name} PRIVATE LINKER:-z,defs "LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map")
    set_target_properties(${name} PROPERTIES LINK_DEPENDS "${PROJECT_SOURCE_DIR}/cmake/exports.map")
    target_include_directories(${name} INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
                                                 "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/tubes/include>")
    target_compile_features(${name} INTERFACE cxx_std_20)
    target_link_libraries(${name} INTERFACE Boost::headers Threads::Threads)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME ${output} VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR} LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
    if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        set_target_properties(${name} PROPERTIES INSTALL_RPATH "$ORIGIN")
    endif()
    string(REPLACE "tubes-" "" exported ${output})
    set_target_properties(${name} PROPERTIES EXPORT_NAME ${exported})
    add_library(tubes::${exported} ALIAS ${name})
endfunction()

tubes_shared_library(tubes_client tubes-client ARCHIVES tubes_client_objects)
file(GLOB tubes_public_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tubes/include/tubes/*.hpp")
target_sources(tubes_client PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/tubes/include"
                                   FILES ${tubes_public_headers})
set_target_properties(tubes_client PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
set(tubes_libraries tubes_client)
set(tubes_pkg_config tubes-client)
if(TARGET tubes_engine)
    # Before the archives, so that the public classes come from the one library that owns them.
    tubes_shared_library(tubes_engine_shared tubes-engine ARCHIVES tubes_engine tubes_engine_state LIBRARIES tubes_client)
    target_link_libraries(tubes_engine_shared INTERFACE tubes_client)
    list(APPEND tubes_libraries tubes_engine_shared)
    list(APPEND tubes_pkg_config tubes-engine)
endif()

install(TARGETS ${tubes_libraries} EXPORT tubes-targets
    LIBRARY COMPONENT libtubes NAMELINK_COMPONENT tubes-dev
    FILE_SET HEADERS COMPONENT tubes-dev)
set(tubes_cmake_folder "${CMAKE_INSTALL_LIBDIR}/cmake/tubes")
install(EXPORT tubes-targets NAMESPACE tubes:: DESTINATION "${tubes_cmake_folder}" COMPONENT tubes-dev)
configure_package_config_file("${PROJECT_SOURCE_DIR}/packaging/tubes-config.cmake.in"
    "${PROJECT_BINARY_DIR}/packaging/tubes-config.cmake" INSTALL_DESTINATION "${tubes_cmake_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/packaging/tubes-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/packaging/tubes-config.cmake"
              "${PROJECT_BINARY_DIR}/packaging/tubes-config-version.cmake"
    DESTINATION "${tubes_cmake_folder}" COMPONENT tubes-dev)
foreach(name ${tubes_pkg_config})
    configure_file("${PROJECT_SOURCE_DIR}/packaging/${name}.pc.in" "${PROJECT_BINARY_DIR}/packaging/${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/packaging/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT tubes-dev)
endforeach()

install(FILES README.md ARCHITECTURE.md CHANGELOG.md TYPE DOC COMPONENT docs)
install(DIRECTORY docs/ TYPE DOC COMPONENT docs PATTERN Doxyfile EXCLUDE)

# SPDX-License-Identifier: GPL-3.0-or-later
# How a folder becomes a target, and a test file becomes a ctest entry.

# Settings every target of ours shares.
add_library(tubes_settings INTERFACE)
target_include_directories(tubes_settings INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/tubes/include"
                                                    "${PROJECT_BINARY_DIR}/generated")
target_compile_options(tubes_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual
                                                -Werror=return-type)
# g++ 12 sees overruns and uninitialised members in std::string, std::variant and coroutine frames that are not there
# (GCC bugs 105329, 105562, 103993); clang, which builds the same sources, does not.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(tubes_settings INTERFACE
        $<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds;-Wno-maybe-uninitialized;-Wno-mismatched-new-delete;-Wno-restrict>)
endif()
target_compile_definitions(tubes_settings INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)

# tubes_folder(NAME [PUBLIC ours...] [PRIVATE third-party...] SOURCES files...): a static library for one folder.
function(tubes_folder name)
    cmake_parse_arguments(ARG "NO_PCH" "" "PUBLIC;PRIVATE;SOURCES" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC tubes_settings ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
    if(NOT ARG_NO_PCH)
        target_precompile_headers(${name} REUSE_FROM tubes_pch)
    endif()
endfunction()

# tubes_test(NAME LABEL label [TIMEOUT seconds] [FILTER pattern] [LIBRARIES ...] SOURCES files...): a GoogleTest program,
# one ctest entry per test, or per test that the pattern names.
function(tubes_test name)
    cmake_parse_arguments(ARG "RUN_SERIAL" "LABEL;TIMEOUT;FILTER" "LIBRARIES;SOURCES" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 60)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE tubes_settings ${ARG_LIBRARIES} GTest::gmock GTest::gtest_main)
    target_precompile_headers(${name} REUSE_FROM tubes_pch)
    set(properties LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
    if(ARG_RUN_SERIAL)
        list(APPEND properties RUN_SERIAL ON)
    endif()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "${ARG_FILTER}" PROPERTIES ${properties})
endfunction()
include(GoogleTest)

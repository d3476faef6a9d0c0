# SPDX-License-Identifier: Apache-2.0
# The four shapes of target in this tree. Each folder declares its own in a few lines.

# bpmp_library(NAME SOURCES a.cc ... DEPS other ...)
function(bpmp_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE bpmp_flags)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  if(BPMP_BUILD_FUZZERS)
    # The fuzzers steer by the coverage of what they fuzz, not only by their own.
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# bpmp_executable(NAME SOURCES main.cc DEPS other ...)
function(bpmp_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} bpmp_flags)
endfunction()

# bpmp_test(NAME LABELS unit SOURCES a_test.cc ... DEPS other ...)
# One binary a folder; every GoogleTest case becomes a ctest test with the labels.
function(bpmp_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  bpmp_executable(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS} GTest::gmock_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# bpmp_fuzzer(NAME CORPUS dir SOURCES a_fuzzer.cc DEPS other ...)
# ctest replays the corpus and fuzzes for a minute more; longer runs: docs/testing.md.
function(bpmp_fuzzer name)
  cmake_parse_arguments(arg "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  if(NOT BPMP_BUILD_FUZZERS)
    return()
  endif()
  bpmp_executable(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set(scratch ${CMAKE_CURRENT_BINARY_DIR}/${name}.corpus)
  file(MAKE_DIRECTORY ${scratch})
  add_test(NAME ${name} COMMAND ${name} -max_total_time=60 -timeout=5 -rss_limit_mb=2048
           -print_final_stats=1 ${scratch} ${arg_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# bpmp_cold(SOURCE...): code of this folder that runs seldom is compiled for size where the rest is for
# speed: what it takes in memory counts, its own time doesn't.
function(bpmp_cold)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
endfunction()

# bpmp_knows_sources(SOURCE...): tests of this folder that read files of the tree have BPMP_SOURCE_DIR. Only
# they: a checkout elsewhere can't take their objects out of ccache.
function(bpmp_knows_sources)
  set_source_files_properties(${ARGN} PROPERTIES
    COMPILE_DEFINITIONS BPMP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# tilewright_test(NAME name SOURCES a_test.cpp ... LIBRARIES target ...): one doctest executable, one CTest entry.
# PARTS part ...: one CTest entry for each part instead, of the test cases whose names begin with `part:`.
# Tests that need SystemC elaborate inside one process; doctest's main is in tests/doctest_main.cpp.
function(tilewright_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;LIBRARIES;PARTS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT TARGET tilewright_doctest_main)  # compiled once for all tests: it is most of what doctest costs
    add_library(tilewright_doctest_main OBJECT "${CMAKE_SOURCE_DIR}/tests/doctest_main.cpp")
    target_link_libraries(tilewright_doctest_main PRIVATE doctest::doctest)
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE tilewright_doctest_main)
  target_link_libraries(${ARG_NAME} PRIVATE tilewright_options tilewright_cold doctest::doctest tilewright_quick_link
                                            ${ARG_LIBRARIES})
  # GCC 12 at -O1 sees uninitialised or too long strings where there are none.
  target_compile_options(${ARG_NAME} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-array-bounds>)
  tilewright_reuse_headers(${ARG_NAME} test)
  target_compile_definitions(${ARG_NAME} PRIVATE TILEWRIGHT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(NOT ARG_PARTS)
    add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
    set_tests_properties(${ARG_NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endif()
  foreach(part IN LISTS ARG_PARTS)
    add_test(NAME ${ARG_NAME}_${part} COMMAND ${ARG_NAME} "--test-case=${part}:*")
    set_tests_properties(${ARG_NAME}_${part} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endforeach()
endfunction()

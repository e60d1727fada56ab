# Headers that most files of a target include, read once and reused (precompiled). A compiler accepts them only where options
# and definitions are equal, so there is one target for each such set:
#
#   tilewright_reuse_headers(target standard|json|hot|systemc|test)
#
#   standard  the C++ library and fmt        json     and nlohmann's JSON        test  and doctest, with a test's options
#   hot       as standard, for link-time     systemc  and SystemC, likewise
#             optimisation
#
# Files still include what they use: a tool that reads one file alone (clang-tidy, fuzzing) has no precompiled header.
set(TILEWRIGHT_STANDARD_HEADERS <algorithm> <array> <cmath> <cstdint> <filesystem> <fstream> <functional> <limits> <map> <memory>
    <optional> <set> <span> <sstream> <string> <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)

# NAME; HEADERS beyond the standard ones; LIBRARIES whose options and definitions its users have.
function(tilewright_header_set)
  cmake_parse_arguments(ARG "" "NAME" "HEADERS;LIBRARIES" ${ARGN})
  add_library(tilewright_headers_${ARG_NAME} OBJECT "${CMAKE_SOURCE_DIR}/cmake/precompiled.cpp")
  target_link_libraries(tilewright_headers_${ARG_NAME} PRIVATE tilewright_options fmt::fmt ${ARG_LIBRARIES})
  target_precompile_headers(tilewright_headers_${ARG_NAME} PRIVATE ${TILEWRIGHT_STANDARD_HEADERS} ${ARG_HEADERS})
endfunction()

tilewright_header_set(NAME standard)
tilewright_header_set(NAME json HEADERS <nlohmann/json.hpp> LIBRARIES nlohmann_json::nlohmann_json)
tilewright_header_set(NAME hot LIBRARIES tilewright_hot)
tilewright_header_set(NAME systemc HEADERS <systemc> LIBRARIES tilewright_hot SystemC::SystemC)
tilewright_header_set(NAME test HEADERS <doctest/doctest.h> LIBRARIES tilewright_cold doctest::doctest)

function(tilewright_reuse_headers target set)
  target_link_libraries(${target} PRIVATE fmt::fmt)
  target_precompile_headers(${target} REUSE_FROM tilewright_headers_${set})
endfunction()

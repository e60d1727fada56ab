// SPDX-License-Identifier: Apache-2.0
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

// The distribution's libsystemc holds a main() that calls sc_main; tests bring their own main, so this is never run.
extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }

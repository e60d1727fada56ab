// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "harness/bench.h"

namespace tw::gpu {

struct Suite {
  const char* name;  // of the record, too: NAME.json
  const char* what;
  void (*run)(Bench&);
};

// The whole program of a table of suites: reads the options (--help names them), runs the suites asked for on
// the current card and writes one record each. `name` is the program's in messages and in the records' command.
// Returns the exit code: 0 ok, 1 a CUDA call failed or data were wrong, 2 usage.
int bench_main(int count, char** arguments, const char* name, std::span<const Suite> suites);

}  // namespace tw::gpu

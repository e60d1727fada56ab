// SPDX-License-Identifier: Apache-2.0
//
// The command line: parses it, runs the command, turns CLI11's complaints into ours ("did you mean", exit
// code 2).
#pragma once

#include <string>
#include <vector>

namespace tilewright::cli {

// `arguments` without the program's name. Returns the exit code of the command; everything that goes wrong is
// thrown.
int run_application(const std::vector<std::string>& arguments);

}  // namespace tilewright::cli

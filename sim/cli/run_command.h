// SPDX-License-Identifier: Apache-2.0
//
// `tilewright run FILE`: one experiment, results on stdout and, if asked for, in a folder.
#pragma once

#include "sim/cli/options.h"

namespace tilewright::cli {

// Returns the exit code; throws UserError, Interrupted, InternalError.
int run_command(const RunOptions& options);

}  // namespace tilewright::cli

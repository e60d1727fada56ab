// SPDX-License-Identifier: Apache-2.0
//
// A failure as the user sees it: message, the line it is about with the place marked, notes.
#pragma once

#include <string>

#include "sim/base/error.h"

namespace tilewright::cli {

// Ends in a newline. Reads the files that the diagnostics name; a line that cannot be read is left out.
std::string failure_text(const UserError& error);

}  // namespace tilewright::cli

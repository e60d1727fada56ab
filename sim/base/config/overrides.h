// SPDX-License-Identifier: Apache-2.0
//
// `--set path.to.key=value`: changes one value of a composed tree before it is checked.
#pragma once

#include <string>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/node.h"

namespace tilewright::config {

// Lists are indexed by number, or "*" for every element. Unknown keys are inserted; the strict decoder
// reports them.
void apply_override(Node& root, const std::string& text, Diagnostics& diagnostics);

}  // namespace tilewright::config

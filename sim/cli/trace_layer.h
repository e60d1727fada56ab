// SPDX-License-Identifier: Apache-2.0
//
// One layer of the experiment's first path on its first machine, written to a VCD file instead of being priced.
#pragma once

#include <string>

#include "sim/cli/experiment.h"

namespace tilewright::cli {

// Returns one line that says what was traced. Throws UserError for a layer that the path does not have (with the nearest
// name), for one without work, and where the file cannot be written.
std::string trace_layer(const ExperimentSpec& experiment, accel::Fidelity fidelity, const std::string& layer,
                        const std::string& vcd);

}  // namespace tilewright::cli

// SPDX-License-Identifier: Apache-2.0
//
// Every machine of an experiment on every path that it names, as plain records.
#pragma once

#include "sim/base/record.h"
#include "sim/cli/experiment.h"

namespace tilewright::cli {

// Configuration hash and command are the caller's.
ExperimentRecord run_experiment(const ExperimentSpec& experiment, accel::Fidelity fidelity, bool functional);

}  // namespace tilewright::cli

// SPDX-License-Identifier: Apache-2.0
//
// The GPU's twins as `tilewright validate` asks for them.
#pragma once

#include "sim/validate/gpu_records.h"

namespace tilewright::cli {

// A recorded point on the machine file of its card (configs/arch/<card>.yaml); nothing where there is no such
// file or no twin.
validate::TwinSimulator gpu_twins();

}  // namespace tilewright::cli

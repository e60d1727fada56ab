// SPDX-License-Identifier: Apache-2.0
//
// What a DramSpec must fulfil beyond the type of each field. The loader turns the list into diagnostics; the
// channels refuse a specification with any.
#pragma once

#include <string>
#include <vector>

#include "arch/dram.h"

namespace tilewright::memory {

struct DramSpecProblem {
  std::string field;  // name of the DramSpec field at fault
  std::string message;
};

std::vector<DramSpecProblem> dram_spec_problems(const arch::DramSpec& spec);

// Throws UserError that names every problem.
void check_dram_spec(const arch::DramSpec& spec);

}  // namespace tilewright::memory

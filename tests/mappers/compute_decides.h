// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mappers/model/model.h"

namespace tilewright::mappers::testing {

// Compute is at least 1.25 times every other term, and at most 1 % of it is expected to be waited.
inline bool compute_decides(const Evaluation& evaluation) {
  const double compute = evaluation.terms[static_cast<std::size_t>(Term::kCompute)];
  for (std::size_t i = 0; i < kTermCount; ++i) {
    if (static_cast<Term>(i) != Term::kCompute && compute < 1.25 * evaluation.terms[i]) {
      return false;
    }
  }
  return evaluation.waits <= 0.01 * compute;
}

}  // namespace tilewright::mappers::testing

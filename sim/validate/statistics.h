// SPDX-License-Identifier: Apache-2.0
//
// How far the simulator is from what was measured, over groups of points.
#pragma once

#include <optional>
#include <vector>

#include "sim/base/validation_record.h"

namespace tilewright::validate {

// One row per suite, family, split and metric, in the order of first appearance.
//   mape       mean of |error|                  max_error  the largest |error|, at worst_id (the first of
//   equals) bias       mean of error                    pearson    of the values themselves rank Spearman's:
//   Pearson's of the ranks, equal values sharing their mean rank
// Correlations need three points and some variation on both sides; the baseline's error needs every point's.
std::vector<ValidationSummary> summarise(const std::vector<ValidationPoint>& points);

std::optional<double> pearson(const std::vector<double>& a, const std::vector<double>& b);
std::vector<double> ranks(const std::vector<double>& values);  // from 1

}  // namespace tilewright::validate

// SPDX-License-Identifier: Apache-2.0
//
// The results of one `tilewright run` as JSON: the contract of the command line (docs/report.md;
// run.schema.json). Joules, seconds, fractions; counts stay integers; the order of keys is fixed; equal
// records give equal bytes, so nothing of the day, the host or the time a run took is in it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sim/base/record.h"
#include "sim/report/text.h"

namespace tilewright::report {

// Throws InternalError for a number that is not finite: JSON has none, and no result may be one. Layers of the
// reference path have their energies and stalls, so that `tilewright report` can draw its figures again.
nlohmann::ordered_json json_report(const ExperimentRecord& record, const TextOptions& options = {});

}  // namespace tilewright::report

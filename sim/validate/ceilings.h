// SPDX-License-Identifier: Apache-2.0
//
// The errors of the day as a ceiling (kind: error_ceilings): accuracy cannot get worse, and points cannot go
// missing, without somebody saying so.
#pragma once

#include <string>
#include <vector>

#include "sim/base/config/schema.h"
#include "sim/base/validation_record.h"

namespace tilewright::validate {

struct Ceiling {
  std::string suite, family;
  Split split = Split::kValidation;
  std::string metric;
  std::size_t n = 0;  // at least so many points
  double mape = 0;    // at most, as max_error
  double max_error = 0;
};
struct CeilingFile {
  std::vector<Ceiling> ceilings;
};
void describe(config::Schema<Ceiling>& schema);
void describe(config::Schema<CeilingFile>& schema);

// What is worse than its ceiling, what has none, and what a ceiling of a suite that was run no longer finds.
std::vector<std::string> broken(const CeilingFile& file, const ValidationRecord& record);

// The file that the record would need, errors rounded up to a tenth of a per cent.
std::string ceilings_yaml(const ValidationRecord& record);

}  // namespace tilewright::validate

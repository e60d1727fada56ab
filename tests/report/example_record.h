// SPDX-License-Identifier: Apache-2.0
//
// A record small enough to check every printed number by hand. The arithmetic is in example_record.cpp.
#pragma once

#include "sim/base/record.h"

namespace tilewright::report {

ExperimentRecord example_record();

}  // namespace tilewright::report

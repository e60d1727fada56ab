// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/base/validation_record.h"

namespace tilewright::report {

ValidationRecord example_validation();

}  // namespace tilewright::report

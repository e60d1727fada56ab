// SPDX-License-Identifier: Apache-2.0
//
// Random layers of tens of thousands of cycles and more, on machines of the size that ship, under random mappings.
#pragma once

#include "tests/mappers/random_case.h"

namespace tilewright::mappers::testing {

RandomCase large_case(uint64_t seed);

}  // namespace tilewright::mappers::testing

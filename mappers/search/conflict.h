// SPDX-License-Identifier: Apache-2.0
//
// Which constraints are to blame where nothing can be mapped.
#pragma once

#include <string>
#include <vector>

#include "mappers/search/mapspace.h"
#include "sim/base/error.h"

namespace tilewright::mappers {

// The error of a layer that no mapping under the constraints fits: it names one constraint, or a set of which no smaller one
// would do; or, where constraints are not to blame, the buffer that is too small. `factors` as of Mapspace.
UserError no_mapping(LayerModel& model, const MappingConstraints& constraints, Factors factors);

// Constraints are left out one after the other, each for good where there is still no mapping without it: what remains is a
// smallest set in the sense that any fewer of them would leave a mapping. Empty where the constraints allow one.
std::vector<std::string> conflicting_constraints(LayerModel& model, const MappingConstraints& constraints, Factors factors);

}  // namespace tilewright::mappers

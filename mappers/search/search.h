// SPDX-License-Identifier: Apache-2.0
//
// Chooses how a layer is laid onto a machine.
#pragma once

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

// The first mapper: always legal, never silly, the same for the same arguments. Vector-unit layers have no
// choice and get a default mapping. Throws UserError (exit 1) naming the buffer that is too small, and by how
// much, where no tile fits.
Mapping choose_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                       const Residency& residency);

}  // namespace tilewright::mappers

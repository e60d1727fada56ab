// SPDX-License-Identifier: Apache-2.0
//
// Whether a layer can be mapped onto a machine at all, and if not, what is too small; as cheap as two plans.
#pragma once

#include "mappers/lower/lower.h"

namespace tilewright::mappers {

// The smallest mapping of any: one PE, one pixel, one lane, one slot each. Where it does not fit, none does.
Mapping smallest_mapping(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency);

bool fits_at_all(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency);
// Throws UserError (exit 1) naming the buffer that is too small, and by how much, where nothing fits.
void require_fit(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency);

}  // namespace tilewright::mappers

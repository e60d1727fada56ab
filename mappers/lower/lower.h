// SPDX-License-Identifier: Apache-2.0
//
// Writes a mapped layer out as a tile program. The program is complete and legal (check_program passes); when
// things happen is the machine's business.
//
// What it leaves out: the gap between tokens where a layer reads only the first channels of a wider tensor
// (addresses are dense); neighbouring rows of a bilinear resize across tile borders.
#pragma once

#include "mappers/lower/plan.h"
#include "sim/base/error.h"

namespace tilewright::mappers {

// Throws UserError (exit 1) where the mapping does not fit the machine: which buffer, how much it lacks.
TileProgram lower(const workloads::Layer& layer, const Mapping& mapping, const arch::AcceleratorSpec& spec,
                  const Residency& residency, bool with_coordinates = false);

// "layer "Conv2DFuse": pe.weight_buffer is too small: 98304 bytes are needed, it has 65536 (32768 short)".
UserError does_not_fit(const workloads::Layer& layer, const Shortfall& shortfall);

// What a vector-unit layer lacks on this machine; empty where it fits.
Shortfall vector_shortfall(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                           const Residency& residency);

// Bytes of the global buffer that a mapping takes, which must fit; without what is reserved for others.
uint64_t occupied_bytes(const workloads::Layer& layer, const Mapping& mapping, const arch::AcceleratorSpec& spec,
                        const Residency& residency);

}  // namespace tilewright::mappers

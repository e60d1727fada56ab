// SPDX-License-Identifier: Apache-2.0
//
// Laws that hold on every run, whatever the timing: what goes in comes out. Checked against sums over the program, which
// neither fidelity computed.
#pragma once

#include "sim/accel/layout.h"
#include "sim/accel/simulator.h"

namespace tilewright::accel {

// Throws InternalError naming the law and both sides.
void check_conservation(const LayerResult& result, const mappers::TileProgram& program,
                        const arch::AcceleratorSpec& spec);

// No run of this program can take longer: everything one after the other, every packet and transaction at its slowest.
Cycle cycle_limit(const mappers::TileProgram& program, const arch::AcceleratorSpec& spec);

}  // namespace tilewright::accel

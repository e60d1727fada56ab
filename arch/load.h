// SPDX-License-Identifier: Apache-2.0
//
// Machine files (configs/arch/*.yaml, kind: accelerator) and memories (configs/arch/dram/*.yaml, kind: dram).
// The YAML keys are the field names of arch/accelerator.h and arch/dram.h; every number must be written, with
// its `source:`, so that no constant of a machine hides in the program. Throws UserError with every problem
// found.
#pragma once

#include "arch/accelerator.h"
#include "arch/dram.h"
#include "sim/base/config/load.h"

namespace tilewright::arch {

std::span<const config::EnumName<Dataflow>> enumeration_names(Dataflow);
std::string_view name(Dataflow dataflow);
std::span<const config::EnumName<Bypass>> enumeration_names(Bypass);

void describe(config::Schema<DramSpec>& schema);
void describe(config::Schema<PeSpec>& schema);
void describe(config::Schema<GlobalBufferSpec>& schema);
void describe(config::Schema<NocSpec>& schema);
void describe(config::Schema<DmaSpec>& schema);
void describe(config::Schema<VectorUnitSpec>& schema);
void describe(config::Schema<OperatingPoint>& schema);
void describe(config::Schema<AcceleratorSpec>& schema);

config::Resolved<AcceleratorSpec> load_accelerator(const std::filesystem::path& path,
                                                   const config::Overrides& overrides = {});
config::Resolved<DramSpec> load_dram(const std::filesystem::path& path,
                                     const config::Overrides& overrides = {});

// The clock that the machine reaches at a voltage: linear between the measured operating points around it,
// which are in rising order; nothing outside of them.
std::optional<Hertz> reachable_clock(const std::vector<OperatingPoint>& points, Volts voltage);

}  // namespace tilewright::arch

// SPDX-License-Identifier: Apache-2.0
//
// Machine files of GPUs (configs/arch/*.yaml, kind: gpu). The YAML keys are the field names of arch/gpu.h; every number must
// be written, with its `source:`. Throws UserError with every problem found.
#pragma once

#include "arch/gpu.h"
#include "arch/load.h"

namespace tilewright::arch {

void describe(config::Schema<InstructionSpec>& schema);
void describe(config::Schema<RegisterFileSpec>& schema);
void describe(config::Schema<SubCoreSpec>& schema);
void describe(config::Schema<SharedMemorySpec>& schema);
void describe(config::Schema<SynchronisationSpec>& schema);
void describe(config::Schema<CopySpec>& schema);
void describe(config::Schema<TmaSpec>& schema);
void describe(config::Schema<MatrixSpec>& schema);
void describe(config::Schema<GlobalPathSpec>& schema);
void describe(config::Schema<L2Spec>& schema);
void describe(config::Schema<LaunchSpec>& schema);
void describe(config::Schema<GatherEngineSpec>& schema);
void describe(config::Schema<GpuEnergySpec>& schema);
void describe(config::Schema<GpuSpec>& schema);

config::Resolved<GpuSpec> load_gpu(const std::filesystem::path& path, const config::Overrides& overrides = {});

}  // namespace tilewright::arch

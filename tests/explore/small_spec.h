// SPDX-License-Identifier: Apache-2.0
//
// Two paths of a SegFormer-B0 on a small image: an exploration that tests can evaluate in no time.
#pragma once

#include "sim/explore/exploration_spec.h"

namespace tilewright::explore {

inline ExplorationSpec small_spec(uint32_t image_size, uint64_t budget, std::vector<Parameter> parameters = {}) {
  ExplorationSpec spec;
  spec.name = "small";
  spec.machine = TILEWRIGHT_SOURCE_DIR "/configs/arch/magnet_16pe_5nm_lpddr5.yaml";
  spec.workload.name = "b0";
  spec.workload.network = workloads::NetworkName::kSegformerB0Ade;
  spec.workload.image_height = spec.workload.image_width = image_size;
  spec.workload.paths.resize(2);
  spec.workload.paths[0].name = "full";
  spec.workload.paths[1].name = "narrow";
  spec.workload.paths[1].fuse_input_channels = 512;
  spec.mapper.budget = budget;
  spec.parameters = std::move(parameters);
  return spec;
}

}  // namespace tilewright::explore

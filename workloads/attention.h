// SPDX-License-Identifier: Apache-2.0
//
// Attention problems (configs/workloads, kind: attention) and the kernels that solve them (configs/kernels, kind: kernel). The
// same kernel files make the CUDA kernels of gpu_ref. YAML keys are the field names. Throws UserError with every problem found.
//
// Not modelled: causal masks, grouped heads, backward.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/config/load.h"
#include "workloads/machine_code.h"
#include "workloads/masks/masks.h"

namespace tilewright::masks {
std::span<const config::EnumName<MaskKind>> enumeration_names(MaskKind);
}  // namespace tilewright::masks

namespace tilewright::workloads {

enum class KernelSource : uint8_t { kDense, kBlockSparse, kGather };
enum class Overlap : uint8_t { kNone, kPipelined, kPingpong };
std::span<const config::EnumName<KernelSource>> enumeration_names(KernelSource);
std::span<const config::EnumName<Overlap>> enumeration_names(Overlap);
std::string_view name(KernelSource source);
std::string_view name(Overlap overlap);

// One warpgroup of producers and query_tile / 64 of consumers a CTA.
struct AttentionKernel {
  std::string name;  // of the file
  KernelSource kernel = KernelSource::kDense;
  uint32_t head_size = 128;
  uint32_t query_tile = 128;   // M
  uint32_t key_tile = 128;     // N
  uint32_t key_block = 128;    // rows that a list entry stands for: a tile's box; 1 where keys are gathered
  uint32_t stages = 2;
  uint32_t producer_warps = 1;
  uint32_t consumer_warpgroups = 2;
  uint32_t cluster_size = 1;
  uint32_t producer_registers = 24;
  uint32_t consumer_registers = 240;
  Overlap overlap = Overlap::kPingpong;
  std::shared_ptr<const MachineCode> code;  // of machine_code.json beside the file; null if that does not have it

  masks::Tiling tiling() const;
};

struct MaskSpec {
  masks::MaskKind kind = masks::MaskKind::kDense;
  uint64_t seed = 1;
  std::vector<double> densities{1.0};  // one run each
  uint32_t query_group = 128;
  uint32_t run_length = 1;
  uint32_t block_queries = 128;
  uint32_t block_keys = 128;
  uint32_t window = 0;
  uint32_t period = 1;
  uint32_t width = 1;
  bool mixed = false;  // densities grow over the heads from a quarter to seven quarters of the given one
};

struct AttentionProblem {
  std::string name;
  std::string description;
  uint32_t heads = 12;
  uint32_t queries = 0;
  uint32_t keys = 0;
  MaskSpec mask;

  masks::Mask mask_of(double density, uint32_t head) const;
};

void describe(config::Schema<AttentionKernel>& schema);
void describe(config::Schema<MaskSpec>& schema);
void describe(config::Schema<AttentionProblem>& schema);

AttentionKernel load_attention_kernel(const std::filesystem::path& path, const config::Overrides& overrides = {});

}  // namespace tilewright::workloads

// SPDX-License-Identifier: Apache-2.0
#include "workloads/attention.h"

#include <fmt/format.h>

namespace tilewright::masks {

std::span<const config::EnumName<MaskKind>> enumeration_names(MaskKind) {
  static constexpr config::EnumName<MaskKind> kNames[] = {{MaskKind::kDense, "dense"},
                                                          {MaskKind::kUniform, "uniform"},
                                                          {MaskKind::kRuns, "runs"},
                                                          {MaskKind::kLocalWindow, "local_window"},
                                                          {MaskKind::kStripes, "stripes"},
                                                          {MaskKind::kDiagonals, "diagonals"},
                                                          {MaskKind::kRandomBlocks, "random_blocks"}};
  return kNames;
}

}  // namespace tilewright::masks

namespace tilewright::workloads {

using config::Checker;

std::span<const config::EnumName<KernelSource>> enumeration_names(KernelSource) {
  static constexpr config::EnumName<KernelSource> kNames[] = {
      {KernelSource::kDense, "dense"}, {KernelSource::kBlockSparse, "block_sparse"}, {KernelSource::kGather, "gather"}};
  return kNames;
}

std::span<const config::EnumName<Overlap>> enumeration_names(Overlap) {
  static constexpr config::EnumName<Overlap> kNames[] = {
      {Overlap::kNone, "none"}, {Overlap::kPipelined, "pipelined"}, {Overlap::kPingpong, "pingpong"}};
  return kNames;
}

std::string_view name(KernelSource source) {
  return enumeration_names(source)[static_cast<std::size_t>(source)].name;
}

std::string_view name(Overlap overlap) {
  return enumeration_names(overlap)[static_cast<std::size_t>(overlap)].name;
}

masks::Tiling AttentionKernel::tiling() const {
  masks::Tiling tiling;
  tiling.query_tile = query_tile;
  tiling.key_tile = kernel == KernelSource::kBlockSparse ? key_block : key_tile;
  tiling.kind = kernel == KernelSource::kDense         ? masks::ListKind::kDense
                : kernel == KernelSource::kBlockSparse ? masks::ListKind::kBlock
                                                       : masks::ListKind::kGathered;
  return tiling;
}

masks::Mask AttentionProblem::mask_of(double density, uint32_t head) const {
  masks::Mask made;
  made.kind = mask.kind;
  made.queries = queries;
  made.keys = keys;
  made.seed = masks::head_seed(mask.seed, head);
  made.density = density;
  if (mask.mixed) {
    const double place = heads > 1 ? static_cast<double>(head) / (heads - 1) : 0.5;
    made.density = std::min(1.0, density * (0.25 + 1.5 * place));
  }
  made.query_group = mask.query_group;
  made.run_length = mask.run_length;
  made.block_queries = mask.block_queries;
  made.block_keys = mask.block_keys;
  made.window = mask.window;
  made.period = mask.period;
  made.width = mask.width;
  return made;
}

namespace {

void check_kernel(const AttentionKernel& kernel, Checker& check) {
  if (kernel.head_size != 64 && kernel.head_size != 128) {
    check.error("head_size", fmt::format("must be 64 or 128, is {}", kernel.head_size));
  }
  if (kernel.query_tile != 64 * kernel.consumer_warpgroups) {
    check.error("query_tile", fmt::format("must be 64 x 'consumer_warpgroups' ({}), is {}",
                                          64 * kernel.consumer_warpgroups, kernel.query_tile));
  }
  if (kernel.key_tile % 16 != 0) {
    check.error("key_tile", fmt::format("must be a multiple of 16, is {}", kernel.key_tile));
  }
  if (kernel.kernel == KernelSource::kGather ? kernel.key_block != 1 : kernel.key_tile % kernel.key_block != 0) {
    check.error("key_block", fmt::format("must {}, is {}",
                                         kernel.kernel == KernelSource::kGather
                                             ? std::string("be 1 where keys are gathered")
                                             : fmt::format("divide 'key_tile' ({})", kernel.key_tile),
                                         kernel.key_block));
  }
  const uint32_t producers = kernel.kernel == KernelSource::kGather ? 4 : 1;
  if (kernel.producer_warps != producers) {
    check.error("producer_warps", fmt::format("must be {} for '{}', is {}", producers, name(kernel.kernel), kernel.producer_warps));
  }
}

}  // namespace

void describe(config::Schema<AttentionKernel>& schema) {
  using K = AttentionKernel;
  schema.kind("kernel", "an attention kernel: what its CTAs look like");
  const auto count = [&](uint32_t K::*member, const char* key, const char* doc, double minimum, double maximum) {
    schema.field(member, key, doc).required().range(minimum, maximum);
  };
  schema.field(&K::kernel, "kernel", "where a tile's keys come from").required();
  count(&K::head_size, "head_size", "columns of Q, K and V", 16, 256);
  count(&K::query_tile, "query_tile", "queries of a CTA", 64, 192);
  count(&K::key_tile, "key_tile", "keys worked on at a time", 16, 256);
  count(&K::key_block, "key_block", "keys that a list entry stands for", 1, 256);
  count(&K::stages, "stages", "tiles of K, and as many of V, in shared memory", 1, 8);
  count(&K::producer_warps, "producer_warps", "warps that load", 1, 4);
  count(&K::consumer_warpgroups, "consumer_warpgroups", "of 64 queries each", 1, 3);
  count(&K::cluster_size, "cluster_size", "CTAs that share their tiles by multicast", 1, 4);
  count(&K::producer_registers, "producer_registers", "of a thread", 24, 256);
  count(&K::consumer_registers, "consumer_registers", "of a thread", 24, 256);
  schema.field(&K::overlap, "overlap", "how softmax hides behind matrix work").required();
  schema.check(check_kernel);
}

void describe(config::Schema<MaskSpec>& schema) {
  using M = MaskSpec;
  schema.name("mask", "which query-key pairs are kept (workloads/masks/masks.h)");
  schema.field(&M::kind, "kind", "recipe").required();
  schema.field(&M::seed, "seed", "of the recipe; every head draws its own from it");
  schema.field(&M::densities, "densities", "kept shares; one run each").non_empty().range(0, 1);
  schema.field(&M::query_group, "query_group", "uniform, runs: queries that share a row").range(1, 1 << 20);
  schema.field(&M::run_length, "run_length", "runs: neighbouring keys kept together").range(1, 1 << 20);
  schema.field(&M::block_queries, "block_queries", "random_blocks: queries of a block").range(1, 1 << 20);
  schema.field(&M::block_keys, "block_keys", "random_blocks: keys of a block").range(1, 1 << 20);
  schema.field(&M::window, "window", "local_window: keys on either side").range(0, 1 << 20);
  schema.field(&M::period, "period", "stripes, diagonals: distance").range(1, 1 << 20);
  schema.field(&M::width, "width", "stripes, diagonals: keys kept of each period").range(1, 1 << 20);
  schema.field(&M::mixed, "mixed", "densities grow over the heads from a quarter to seven quarters of the given one");
}

void describe(config::Schema<AttentionProblem>& schema) {
  using P = AttentionProblem;
  schema.kind("attention", "an attention problem, forward, without a causal mask");
  schema.field(&P::name, "name", "shown in reports").required().non_empty();
  schema.field(&P::description, "description", "one sentence").required().non_empty();
  schema.field(&P::heads, "heads", "batch x heads").required().range(1, 4096);
  schema.field(&P::queries, "queries", "tokens that ask").required().range(1, 1 << 20);
  schema.field(&P::keys, "keys", "tokens that are asked").required().range(1, 1 << 20);
  schema.field(&P::mask, "mask", "what sparse kernels keep; dense ones ignore it").required();
}

AttentionKernel load_attention_kernel(const std::filesystem::path& path, const config::Overrides& overrides) {
  AttentionKernel kernel = config::load<AttentionKernel>(path, overrides).value;
  kernel.name = path.stem().string();
  kernel.code = load_machine_code(path.parent_path() / "machine_code.json", kernel);
  return kernel;
}

}  // namespace tilewright::workloads

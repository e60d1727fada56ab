// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <vector>
#include "attention/phase.cuh"
#include "attention/problem.h"
#include "harness/check.h"
using namespace tw::gpu;
namespace masks = tilewright::masks;
int main() {
  for (const Kernel& kernel : attention_kernels()) {
    if (kernel.cluster_size > 1) continue;
    for (const int ctas : {1, 132 * kernel.ctas_per_sm}) {
      const int keys = 8192, queries = ctas * kernel.query_tile;
      Problem problem(1, queries, keys, kernel.head_size);
      problem.fill(Fill::kNormal, 20251);
      MaskRecipe recipe;
      recipe.mask.queries = static_cast<uint32_t>(queries);
      recipe.mask.keys = keys;
      recipe.mask.seed = 1;
      recipe.mask.density = 0.5;
      if (kernel.source == Source::kBlocks) {
        recipe.mask.kind = masks::MaskKind::kRandomBlocks;
        recipe.mask.block_queries = recipe.mask.block_keys = static_cast<uint32_t>(kernel.query_tile);
      } else if (kernel.source == Source::kGathered) {
        recipe.mask.kind = masks::MaskKind::kUniform;
        recipe.mask.query_group = static_cast<uint32_t>(kernel.query_tile);
      }
      const Lists lists = build_lists(kernel, 1, recipe);
      problem.use_lists(lists);
      DeviceBuffer<Stamp> stamps(static_cast<size_t>(ctas));
      Arguments arguments = make_arguments(kernel, problem.tensors(), problem.lists(), stamps.get());
      for (int i = 0; i < 3; ++i) launch(kernel, arguments, nullptr);
      TW_CUDA(cudaDeviceSynchronize());
      std::vector<uint32_t> times(kPhaseCtas * kPhaseWords);
      TW_CUDA(cudaMemcpyFromSymbol(times.data(), kernel.phase_times, times.size() * 4, 0, cudaMemcpyDeviceToHost));
      const auto stamped = stamps.download();
      for (int cta = 0; cta < ctas; cta += ctas == 1 ? 1 : 44) {
        const auto& s = stamped[static_cast<size_t>(cta)];
        std::printf("cta %s %d %d cycles %llu tiles %llu sm %u begin %u\n", kernel.name, ctas, cta,
                    static_cast<unsigned long long>(s.clock_end - s.clock_begin),
                    static_cast<unsigned long long>(s.value[kTilesDone]), s.sm, static_cast<uint32_t>(s.clock_begin));
        for (uint32_t g = 0; g < static_cast<uint32_t>(kernel.consumer_warpgroups); ++g)
          for (uint32_t t = 0; t < kPhaseTiles; ++t) {
            std::printf("%u %u", g, t);
            for (uint32_t p = 0; p < 6; ++p)
              std::printf(" %u", times[((static_cast<uint32_t>(cta) * kPhaseGroups + g) * kPhaseTiles + t) * kPhases + p] - static_cast<uint32_t>(s.clock_begin));
            std::printf("\n");
          }
      }
    }
  }
}

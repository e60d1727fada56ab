// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/conservation.h"

#include "sim/base/error.h"

namespace tilewright::gpu {

void check_conservation(const GpuResult& result, const Kernel& kernel) {
  uint64_t lifetime = 0, accounted = 0;
  for (const CtaRecord& cta : result.ctas) {
    TILEWRIGHT_CHECK(cta.end > cta.begin, "a CTA ended before it began");
    TILEWRIGHT_CHECK(cta.end - cta.begin <= result.cycles, "a CTA took longer than its kernel");
    lifetime += (cta.end - cta.begin) * kernel.shape.warps.size();
  }
  for (const RoleCycles& role : result.roles) {
    accounted += role.issued;
    for (const uint64_t cycles : role.stalls) {
      accounted += cycles;
    }
  }
  // Warps that end before the last of their CTA are no longer counted.
  TILEWRIGHT_CHECK(accounted <= lifetime, "warps were busy or stalled for longer than they lived");
  const GpuCounts& counts = result.counts;
  TILEWRIGHT_CHECK(counts.matrix_cycles <= result.sm_cycles, "the matrix units ran for more cycles than there were");
  TILEWRIGHT_CHECK(counts.matrix_wavefronts <= result.sm_cycles, "the matrix units read more wavefronts than there were cycles");
  TILEWRIGHT_CHECK(counts.copy_wavefronts + counts.tma_wavefronts <= result.sm_cycles,
                   "more lines from memory were written than there were cycles");
  // What a warp asked for and did not wait for may still be on its way when the kernel ends.
  TILEWRIGHT_CHECK(counts.l2_sectors + counts.merged_sectors <= counts.sectors_requested,
                   "L2 answered more sectors than the SMs asked for");
}

}  // namespace tilewright::gpu

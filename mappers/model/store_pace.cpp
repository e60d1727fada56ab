// SPDX-License-Identifier: Apache-2.0
#include "mappers/model/store_pace.h"

#include <algorithm>

#include "sim/base/units.h"

namespace tilewright::mappers {

StorePace::StorePace(const arch::AcceleratorSpec& spec) {
  for (uint64_t n = 0; n <= kWindow; ++n) {
    issued_.push_back(n);
  }
  const uint64_t request = spec.dma.request_bytes, ports = spec.dma.ports;
  if (!spec.has_dram || spec.dram.channel_interleave.value != request || spec.dram.channels % ports != 0 ||
      spec.noc.packet_bytes % request != 0 || spec.global_buffer.banks < 2) {
    return;
  }
  const uint64_t of_bank = spec.noc.packet_bytes / request;
  const uint64_t moving = divide_up(request, uint64_t{spec.dma.bytes_per_cycle});
  std::vector<uint64_t> fastest(kWindow + 1, UINT64_MAX);
  for (uint64_t phase = 0; phase < of_bank; ++phase) {
    std::vector<uint64_t> end(kWindow);
    uint64_t issue = 0;
    for (uint64_t n = 0; n < kWindow; ++n) {
      fastest[n] = std::min(fastest[n], issue);  // the next one's port may be free
      issue = std::max(issue, n >= ports ? end[n - ports] : 0);
      const bool same_bank = n > 0 && (n + phase) % of_bank != 0;
      end[n] = std::max(issue, same_bank ? end[n - 1] : 0) + moving;
      ++issue;
    }
    fastest[kWindow] = std::min(fastest[kWindow], issue);
  }
  issued_ = std::move(fastest);
}

}  // namespace tilewright::mappers

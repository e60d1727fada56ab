// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/l2.h"

#include <bit>

namespace tilewright::gpu {
namespace {

constexpr std::size_t kMemos = 8192;
constexpr uint8_t kWholeLine = 15;

}  // namespace

EventL2::EventL2(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& sm_clock,
                 const engine::Clock& l2_clock)
    : sc_core::sc_module(name), spec_(spec), sm_clock_(sm_clock), l2_clock_(l2_clock), to_l2_(kMemos), to_sm_(kMemos) {
  for (uint32_t p = 0; p < spec.l2.partitions; ++p) {
    partitions_.push_back({Tags(spec.l2), std::vector<Cycle>(spec.l2.slices / spec.l2.partitions, 0), {}});
  }
}

void EventL2::reset() {
  for (Partition& partition : partitions_) {
    partition.tags.reset();
    std::fill(partition.slice_free.begin(), partition.slice_free.end(), Cycle{0});
    partition.pending.clear();
  }
  queue_.reset();
  counts_ = {};
}

void EventL2::preload(const std::vector<ResidentRange>& ranges) {
  for (const ResidentRange& range : ranges) {
    for (uint64_t line = range.base; line < range.base + range.bytes; line += kLineBytes) {
      const uint32_t home = home_partition(spec_.l2, line);
      for (uint32_t p = 0; p < partitions_.size(); ++p) {
        partitions_[p].tags.preload(line, p != home);
      }
    }
  }
}

Cycle EventL2::seen(Cycle sm_cycle) {
  Memo& memo = to_l2_[sm_cycle % kMemos];
  if (memo.from != sm_cycle) {
    const Cycle early = mutated(Mutation::kCrossingEarly) ? 1 : 0;
    memo = {sm_cycle, sm_clock_.seen_by(l2_clock_, sm_cycle) - early};
  }
  return memo.to;
}

void EventL2::request(const LineRequest& request, Cycle issued) {
  const auto partition = static_cast<uint8_t>(partition_of_sm(spec_.l2, request.sm));
  push(seen(issued + spec_.global_path.request_latency), {Kind::kRequest, partition, request.sectors, request});
}

void EventL2::filled(uint64_t tag, Cycle cycle) {
  LineRequest line;
  line.line = tag / 16 / 2 * kLineBytes;
  push(cycle, {Kind::kFill, static_cast<uint8_t>(tag / 16 % 2), static_cast<uint8_t>(tag % 16), line});
}

void EventL2::act(Cycle now) {
  items_.swap(queue_.at(now));
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return a.kind != b.kind                 ? a.kind < b.kind
           : a.request.sm != b.request.sm   ? a.request.sm < b.request.sm
           : a.request.key != b.request.key ? a.request.key < b.request.key
                                            : a.request.line < b.request.line;
  });
  for (const Item& item : items_) {
    switch (item.kind) {
      case Kind::kFill:
        take_fill(item, now);
        break;
      case Kind::kForward:
        take_forward(item, now);
        break;
      case Kind::kRequest:
        take_request(item, now);
    }
  }
  items_.clear();
}

// The cycle after the slice's service.
Cycle EventL2::serve(Partition& partition, uint64_t line, uint32_t sectors, Cycle now) {
  Cycle& free = partition.slice_free[slice_of(spec_.l2, line)];
  const Cycle end = std::max(now, free) + service_cycles(spec_.l2, sectors);
  free = mutated(Mutation::kSliceFree) ? 0 : end;
  return end;
}

void EventL2::take_request(const Item& item, Cycle now) {
  const LineRequest& request = item.request;
  Partition& partition = partitions_[item.partition];
  const auto sectors = static_cast<uint32_t>(std::popcount(request.sectors));
  const Cycle served = serve(partition, request.line, sectors, now);
  if (request.client == Client::kStore) {
    return;  // taken; nobody waits, and writing back is not modelled
  }
  counts_.l2_sectors += sectors;
  const uint8_t held = partition.tags.look_up(request.line);
  if ((request.sectors & ~held) == 0) {
    respond(request, served + spec_.l2.hit_latency);
    return;
  }
  Pending& pending = partition.pending[request.line];
  pending.waiting.push_back(request);
  const auto missing = static_cast<uint8_t>(whole_halves(static_cast<uint8_t>(request.sectors & ~held)) & ~pending.asked);
  if (missing != 0) {
    pending.asked = static_cast<uint8_t>(pending.asked | missing);
    fetch(item.partition, request.line, missing, served);
  }
}

void EventL2::fetch(uint32_t index, uint64_t line, uint8_t sectors, Cycle cycle) {
  const uint32_t home = home_partition(spec_.l2, line);
  partitions_[index].tags.reserve(line, home != index, mutated(Mutation::kReplicaFirst));
  if (home == index) {
    const uint32_t first = (sectors & 3) != 0 ? 0 : 64;
    const uint32_t bytes = sectors == kWholeLine ? kLineBytes : kLineBytes / 2;
    counts_.dram_bytes += bytes;
    dram_->read(line + first, bytes, (line / kLineBytes * 2 + index) * 16 + sectors, cycle);
  } else {
    LineRequest forward;
    forward.line = line;
    const Cycle far = mutated(Mutation::kFarNear) ? 1 : spec_.l2.far_latency;
    push(cycle + far, {Kind::kForward, static_cast<uint8_t>(home), sectors, forward});
  }
}

void EventL2::take_forward(const Item& item, Cycle now) {
  Partition& partition = partitions_[item.partition];
  const uint64_t line = item.request.line;
  const Cycle served = serve(partition, line, static_cast<uint32_t>(std::popcount(item.sectors)), now);
  ++counts_.l2_far_lines;
  const uint8_t held = partition.tags.look_up(line);
  if ((item.sectors & ~held) == 0) {
    push(served + spec_.l2.hit_latency + spec_.l2.far_latency,
         {Kind::kFill, static_cast<uint8_t>(1 - item.partition), item.sectors, item.request});
    return;
  }
  Pending& pending = partition.pending[line];
  pending.forwarded = static_cast<uint8_t>(pending.forwarded | item.sectors);
  const auto missing = static_cast<uint8_t>(whole_halves(static_cast<uint8_t>(item.sectors & ~held)) & ~pending.asked);
  if (missing != 0) {
    pending.asked = static_cast<uint8_t>(pending.asked | missing);
    fetch(item.partition, line, missing, served);
  }
}

void EventL2::take_fill(const Item& item, Cycle now) {
  Partition& partition = partitions_[item.partition];
  const uint64_t line = item.request.line;
  const auto found = partition.pending.find(line);
  TILEWRIGHT_CHECK(found != partition.pending.end(), "L2 was given a line that nobody asked for");
  Pending& pending = found->second;
  pending.asked = static_cast<uint8_t>(pending.asked & ~item.sectors);
  partition.tags.fill(line, item.sectors, pending.asked == 0);
  // What the tags did not keep is still on its way past: whoever waits for it gets it.
  const auto still = pending.asked;
  std::erase_if(pending.waiting, [&](const LineRequest& request) {
    const bool complete = (request.sectors & still) == 0;
    if (complete) {
      respond(request, now + spec_.l2.hit_latency);
    }
    return complete;
  });
  if (pending.forwarded != 0 && (pending.forwarded & still) == 0) {
    LineRequest fill;
    fill.line = line;
    push(now + spec_.l2.far_latency, {Kind::kFill, static_cast<uint8_t>(1 - item.partition), pending.forwarded, fill});
    pending.forwarded = 0;
  }
  if (still == 0) {
    partition.pending.erase(found);
  }
}

void EventL2::respond(const LineRequest& request, Cycle leaves) {
  Memo& memo = to_sm_[leaves % kMemos];
  if (memo.from != leaves) {
    memo = {leaves, l2_clock_.seen_by(sm_clock_, leaves)};
  }
  answer_(request, memo.to + spec_.global_path.return_latency);
}

void EventL2::collect(GpuCounts& counts) const {
  counts.l2_sectors += counts_.l2_sectors;
  counts.l2_far_lines += counts_.l2_far_lines;
  counts.dram_bytes += counts_.dram_bytes;
}

}  // namespace tilewright::gpu

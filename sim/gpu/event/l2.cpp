// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/l2.h"

#include <algorithm>
#include <bit>

namespace tilewright::gpu {
namespace {

constexpr std::size_t kMemos = 8192;
constexpr uint8_t kWholeLine = 15;
constexpr uint64_t kMaximumGpcs = 32;
constexpr std::size_t kOpenAtFirst = 1 << 16;

}  // namespace

EventL2::EventL2(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& sm_clock,
                 const engine::Clock& l2_clock)
    : sc_core::sc_module(name), spec_(spec), sm_clock_(sm_clock), l2_clock_(l2_clock), to_l2_(kMemos), to_sm_(kMemos) {
  for (uint32_t p = 0; p < spec.l2.partitions; ++p) {
    partitions_.push_back({Tags(spec.l2), std::vector<Slice>(spec.l2.slices / spec.l2.partitions), {}});
  }
  ports_free_.resize(spec.gpcs);
  for (uint32_t sm = 0; sm < spec.sm_count; ++sm) {
    gpc_of_.push_back(gpc_of_sm(spec, sm));
  }
}

void EventL2::reset() {
  for (Partition& partition : partitions_) {
    partition.tags.reset();
    std::fill(partition.slices.begin(), partition.slices.end(), Slice());
    partition.pending.clear();
  }
  answers_.clear();
  answers_free_.clear();
  open_.clear();
  open_limit_ = kOpenAtFirst;
  std::fill(ports_free_.begin(), ports_free_.end(), 0);
  queue_.reset();
  counts_ = {};
}

void EventL2::preload(const std::vector<ResidentRange>& ranges) {
  for (const ResidentRange& range : ranges) {
    for (uint64_t line = range.base; line < range.base + range.bytes; line += kLineBytes) {
      const uint32_t home = home_partition(spec_.l2, line);
      for (uint32_t p = 0; p < partitions_.size(); ++p) {
        if (p == home || range.copies) {
          partitions_[p].tags.preload(line, p != home);
        }
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
  const auto partition = static_cast<uint8_t>(partition_of_sm(spec_, request.sm));
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
        break;
      case Kind::kAnswer:
        take_answer(item, now);
    }
  }
  items_.clear();
}

// The cycle after the slice's service.
Cycle EventL2::serve(Slice& slice, uint32_t sectors, Cycle now) {
  const Cycle end = std::max(now, slice.free) + service_cycles(spec_.l2, sectors);
  slice.free = mutated(Mutation::kSliceFree) ? 0 : end;
  return end;
}

uint64_t EventL2::key_of(const LineRequest& request) const {
  const uint64_t gpc = mutated(Mutation::kMergeAnywhere) ? 0 : gpc_of_[request.sm];
  return request.line / kLineBytes * kMaximumGpcs + gpc;
}

Cycle EventL2::at_sm(Cycle l2_cycle) {
  Memo& memo = to_sm_[l2_cycle % kMemos];
  if (memo.from != l2_cycle) {
    memo = {l2_cycle, l2_clock_.seen_by(sm_clock_, l2_cycle)};
  }
  return memo.to + spec_.global_path.return_latency;
}

// A request whose line somebody of the same GPC asked for, and that can still be answered with him.
bool EventL2::join(const LineRequest& request, Cycle now) {
  const auto found = open_.find(key_of(request));
  const Cycle late = mutated(Mutation::kMergeMore) ? 1 : 0;
  if (found == open_.end() || mutated(Mutation::kMergeNone)) {
    return false;
  }
  const Open& last = found->second;
  if (last.until + late <= now || (request.sectors & ~last.sectors) != 0) {
    return false;
  }
  if (answers_[last.answer].front().sm == request.sm && !mutated(Mutation::kMergeOwn)) {
    return false;
  }
  answers_[last.answer].push_back(request);
  return true;
}

// A request that nobody of its GPC asked for lately; those who join it are answered with it.
uint32_t EventL2::open(const LineRequest& request, Cycle now, Cycle served) {
  uint32_t answer = static_cast<uint32_t>(answers_.size());
  if (answers_free_.empty()) {
    answers_.emplace_back();
  } else {
    answer = answers_free_.back();
    answers_free_.pop_back();
  }
  answers_[answer].assign(1, request);
  if (open_.size() >= open_limit_) {
    forget_passed(now);
  }
  open_[key_of(request)] = {served + spec_.l2.merge_cycles, answer, request.sectors};
  return answer;
}

void EventL2::forget_passed(Cycle now) {
  std::erase_if(open_, [now](const auto& entry) { return entry.second.until < now; });
  open_limit_ = std::max(kOpenAtFirst, 2 * open_.size());
}

void EventL2::take_request(const Item& item, Cycle now) {
  const LineRequest& request = item.request;
  Partition& partition = partitions_[item.partition];
  Slice& slice = partition.slices[slice_of(spec_.l2, request.line)];
  const auto sectors = static_cast<uint32_t>(std::popcount(request.sectors));
  if (request.client == Client::kStore) {
    serve(slice, sectors, now);
    return;  // taken; nobody waits, and writing back is not modelled
  }
  if (join(request, now)) {
    counts_.merged_sectors += sectors;
    return;
  }
  counts_.l2_sectors += sectors;
  const uint8_t held = partition.tags.look_up(request.line);
  if ((request.sectors & ~held) == 0) {
    const Cycle served = serve(slice, sectors, now);
    push(served + spec_.l2.hit_latency,
         {Kind::kAnswer, item.partition, request.sectors, request, open(request, now, served)});
    return;
  }
  Pending& pending = partition.pending[request.line];
  const auto missing = static_cast<uint8_t>(request.sectors & ~held & ~pending.asked);
  const auto fetched = static_cast<uint8_t>(whole_halves(missing) & ~pending.asked);
  if (fetched == 0) {
    pending.waiting.push_back({open(request, now, std::max(now, slice.free) + service_cycles(spec_.l2, sectors)), false});
    return;
  }
  const Cycle served = serve(slice, sectors, now);
  pending.waiting.push_back({open(request, now, served), true});
  pending.asked = static_cast<uint8_t>(pending.asked | fetched);
  fetch(item.partition, request.line, fetched, served);
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
  Slice& slice = partition.slices[slice_of(spec_.l2, line)];
  const Cycle served = serve(slice, static_cast<uint32_t>(std::popcount(item.sectors)), now);
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
  Slice& slice = partition.slices[slice_of(spec_.l2, line)];
  std::erase_if(pending.waiting, [&](const Waiting& waiting) {
    const LineRequest& first = answers_[waiting.answer].front();
    const bool complete = (first.sectors & still) == 0;
    if (complete) {
      const Cycle served =
          waiting.served ? now : serve(slice, static_cast<uint32_t>(std::popcount(first.sectors)), now);
      push(served + spec_.l2.hit_latency, {Kind::kAnswer, item.partition, first.sectors, first, waiting.answer});
    }
    return complete;
  });
  if (pending.forwarded != 0 && (pending.forwarded & still) == 0) {
    LineRequest fill;
    fill.line = line;
    push(now + spec_.l2.hit_latency + spec_.l2.far_latency,
         {Kind::kFill, static_cast<uint8_t>(1 - item.partition), pending.forwarded, fill});
    pending.forwarded = 0;
  }
  if (still == 0) {
    partition.pending.erase(found);
  }
}

// A line's data go through the port of their GPC once for each TPC that has somebody who asked.
void EventL2::take_answer(const Item& item, Cycle now) {
  std::vector<LineRequest>& requests = answers_[item.answer];
  for (auto first = requests.begin(); first != requests.end();) {
    const uint32_t tpc = tpc_of_sm(first->sm);
    const auto end = std::stable_partition(first, requests.end(), [tpc](const LineRequest& r) { return tpc_of_sm(r.sm) == tpc; });
    uint32_t sectors = 0;
    for (auto request = first; request != end; ++request) {
      sectors |= request->sectors;
    }
    const Cycle arrival =
        at_sm(pass_port(gpc_of_[first->sm], uint64_t{static_cast<uint32_t>(std::popcount(sectors))} * kSectorBytes, now));
    for (; first != end; ++first) {
      answer_(*first, arrival);
    }
  }
  answers_free_.push_back(item.answer);
}

Cycle EventL2::pass_port(uint32_t gpc, uint64_t bytes, Cycle now) {
  const uint64_t rate = spec_.l2.gpc_bytes_per_cycle;
  const uint64_t start = std::max(now * rate, ports_free_[gpc]);
  ports_free_[gpc] = mutated(Mutation::kGpcPortFree) ? 0 : start + bytes;
  return start / rate;
}

void EventL2::collect(GpuCounts& counts) const {
  counts.l2_sectors += counts_.l2_sectors;
  counts.merged_sectors += counts_.merged_sectors;
  counts.l2_far_lines += counts_.l2_far_lines;
  counts.dram_bytes += counts_.dram_bytes;
}

}  // namespace tilewright::gpu

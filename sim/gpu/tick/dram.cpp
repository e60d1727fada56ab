// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <tuple>

#include "sim/gpu/tick/l2.h"

namespace tilewright::gpu {

TickDram::TickDram(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& l2_clock,
                   const engine::Clock& dram_clock)
    : sc_core::sc_module(name), spec_(spec), l2_clock_(l2_clock), dram_clock_(dram_clock) {
  for (uint32_t c = 0; c < spec.memory_stacks * spec.dram.channels; ++c) {
    channels_.push_back(std::make_unique<Channel>(spec.dram));
  }
}

void TickDram::reset() {
  for (const auto& channel : channels_) {
    channel->model.reset();
    channel->taken = channel->completed_before = 0;
    channel->waiting.clear();
  }
  origins_.clear();
  bytes_ = 0;
}

void TickDram::read(uint64_t line, uint32_t partition, uint8_t sectors, Cycle l2_cycle) {
  const uint64_t tag = line / kLineBytes * 16 + sectors;
  origins_[tag] = {line, partition, sectors};
  const auto bytes = static_cast<uint32_t>(std::popcount(sectors)) * kSectorBytes;
  bytes_ += bytes;
  const DramPlace place = dram_place(spec_, line + ((sectors & 3) != 0 ? 0 : 64));
  const Waiting added{l2_clock_.seen_by(dram_clock_, l2_cycle), {tag, place.address, bytes, false}};
  std::deque<Waiting>& waiting = channels_[place.channel]->waiting;
  const auto key = [](const Waiting& each) { return std::tuple(each.visible, each.transaction.tag); };
  waiting.insert(std::upper_bound(waiting.begin(), waiting.end(), added,
                                  [&](const Waiting& a, const Waiting& b) { return key(a) < key(b); }),
                 added);
}

void TickDram::step(Cycle now) {
  for (const auto& channel : channels_) {
    channel->taken -= channel->completed_before;
    while (!channel->waiting.empty() && channel->waiting.front().visible <= now && channel->taken < spec_.dram.read_queue) {
      channel->model.push(channel->waiting.front().transaction, now);
      channel->waiting.pop_front();
      ++channel->taken;
    }
    done_.clear();
    channel->model.tick(now, done_);
    channel->completed_before = static_cast<uint32_t>(done_.size());
    for (const memory::DramCompletion& completion : done_) {
      const Origin& origin = origins_.at(completion.tag);
      l2_->filled(origin.line, origin.partition, origin.sectors,
                  dram_clock_.seen_by(l2_clock_, now) + spec_.l2.memory_latency);
    }
  }
}

void TickDram::collect(GpuCounts& counts, Cycle end) {
  counts.dram_bytes += bytes_;
  for (const auto& channel : channels_) {
    channel->model.finish(end);
    counts.dram_activates += channel->model.statistics().activates;
  }
}

}  // namespace tilewright::gpu

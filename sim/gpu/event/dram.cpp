// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/event/dram.h"

namespace tilewright::gpu {

EventDram::EventDram(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& l2_clock,
                     const engine::Clock& dram_clock)
    : sc_core::sc_module(name), spec_(spec), l2_clock_(l2_clock), dram_clock_(dram_clock) {
  for (uint32_t c = 0; c < spec.memory_stacks * spec.dram.channels; ++c) {
    channels_.push_back(std::make_unique<Channel>(spec.dram));
  }
}

void EventDram::reset() {
  for (const auto& channel : channels_) {
    channel->model.reset();
    channel->credits = spec_.dram.read_queue + (mutated(Mutation::kCreditMore) ? 1 : 0);
    channel->waiting.clear();
    channel->owed.clear();
    channel->wanted = kNever;
  }
}

void EventDram::read(uint64_t address, uint32_t bytes, uint64_t tag, Cycle l2_cycle) {
  const DramPlace place = dram_place(spec_, address);
  const Cycle visible = l2_clock_.seen_by(dram_clock_, l2_cycle);
  // L2 asks in the order in which requests reach it, not of their service; what is seen in one cycle is ordered by tag.
  std::deque<Waiting>& waiting = channels_[place.channel]->waiting;
  auto at = waiting.end();
  while (at != waiting.begin() &&
         (std::prev(at)->visible > visible ||
          (std::prev(at)->visible == visible && std::prev(at)->transaction.tag > tag))) {
    --at;
  }
  waiting.insert(at, {visible, {tag, place.address, bytes, false}});
  wake_(place.channel, visible);
}

void EventDram::act_channel(uint32_t index, Cycle now) {
  Channel& channel = *channels_[index];
  while (!channel.owed.empty() && channel.owed.front() < now) {
    channel.owed.pop_front();
    ++channel.credits;
  }
  bool pushed = false;
  while (!channel.waiting.empty() && channel.waiting.front().visible <= now && channel.credits > 0) {
    channel.model.push(channel.waiting.front().transaction, now);
    channel.waiting.pop_front();
    --channel.credits;
    pushed = true;
  }
  if (pushed || channel.wanted == now) {
    done_.clear();
    channel.wanted = channel.model.act(now, done_);
    for (const memory::DramCompletion& completion : done_) {
      channel.owed.push_back(completion.cycle);
      l2_->filled(completion.tag, dram_clock_.seen_by(l2_clock_, completion.cycle) + spec_.l2.memory_latency);
    }
  }
  if (channel.wanted != kNever) {
    wake_(index, channel.wanted);
  }
  if (!channel.waiting.empty()) {
    const Cycle visible = channel.waiting.front().visible;
    if (channel.credits > 0) {
      wake_(index, std::max(visible, now + 1));
    } else if (!channel.owed.empty()) {
      wake_(index, std::max(channel.owed.front(), now) + 1);
    }
  }
}

void EventDram::collect(GpuCounts& counts, Cycle end) {
  for (const auto& channel : channels_) {
    channel->model.finish(end);
    counts.dram_activates += channel->model.statistics().activates;
  }
}

}  // namespace tilewright::gpu

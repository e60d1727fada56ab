// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/dram_port.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventDramPort::EventDramPort(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                             const engine::Clock& core)
    : sc_core::sc_module(name), spec_(spec), core_(core), dram_(spec.dram.command_clock), map_(spec.dram) {
  reset();
}

void EventDramPort::reset() {
  channels_.clear();
  for (uint32_t i = 0; i < spec_.dram.channels; ++i) {
    channels_.push_back(std::make_unique<Channel>(spec_.dram));
    channels_.back()->read_credits = spec_.dma.read_credits + (mutated(Mutation::kOneCreditMore) ? 1 : 0);
    channels_.back()->write_credits = spec_.dma.write_credits;
  }
  origins_.clear();
  free_tags_.clear();
  returns_ = {};
  outstanding_ = 0;
}

void EventDramPort::send(const memory::DramTransaction& transaction, uint32_t channel, Cycle now) {
  const Cycle visible = mutated(Mutation::kCrossingTooEarly) && now > 0
                            ? dram_.first_edge_strictly_after(core_.edge_time(now) - 1)
                            : core_.seen_by(dram_, now);
  channels_[channel]->waiting.push_back({visible, transaction});
  channel_alarms_[channel].at(visible);
  ++outstanding_;
}

void EventDramPort::read(uint64_t address, uint32_t bytes, uint32_t tile, uint64_t offset, Cycle now) {
  const uint32_t channel = channel_of(address);
  --channels_[channel]->read_credits;
  uint64_t tag = origins_.size();
  if (free_tags_.empty()) {
    origins_.push_back({});
  } else {
    tag = free_tags_.back();
    free_tags_.pop_back();
  }
  origins_[tag] = {offset, tile, bytes, channel};
  send({tag, address, bytes, false}, channel, now);
}

void EventDramPort::write(uint64_t address, uint32_t bytes, Cycle now) {
  send({0, address, bytes, true}, channel_of(address), now);
}

void EventDramPort::act_channel(uint32_t index, Cycle now) {
  Channel& channel = *channels_[index];
  const bool arrival = !channel.waiting.empty() && channel.waiting.front().visible <= now;
  if (!arrival && now != channel.wanted) {
    return;
  }
  for (; !channel.waiting.empty() && channel.waiting.front().visible <= now; channel.waiting.pop_front()) {
    channel.model.push(channel.waiting.front().transaction, now);
  }
  done_.clear();
  channel.wanted = channel.model.act(now, done_);
  for (const memory::DramCompletion& completion : done_) {
    const Cycle core_cycle = dram_.seen_by(core_, completion.cycle);
    returns_.push({core_cycle, completion.cycle, index, completion.write, completion.tag});
    returns_alarm_.at(core_cycle);
  }
  if (channel.wanted != kNever) {
    channel_alarms_[index].at(channel.wanted);
  }
}

void EventDramPort::take_returns(Cycle now) {
  while (!returns_.empty() && returns_.top().core_cycle <= now) {
    const Return done = returns_.top();
    returns_.pop();
    --outstanding_;
    if (done.write) {
      ++channels_[done.channel]->write_credits;
      client_->write_acknowledged(now);
      continue;
    }
    ++channels_[done.channel]->read_credits;
    free_tags_.push_back(done.tag);
    const Origin& origin = origins_[done.tag];
    client_->read_returned(done.channel, origin.tile, origin.offset, origin.bytes, now);
  }
}

void EventDramPort::close(Cycle end, Activity& activity, Cycle& busy) {
  const engine::Femtoseconds time = core_.edge_time(end);
  const Cycle edges = time == 0 ? 0 : dram_.first_edge_strictly_after(time - 1);
  for (const std::unique_ptr<Channel>& channel : channels_) {
    channel->model.finish(edges);
    const memory::DramStatistics& counts = channel->model.statistics();
    activity.add(Action::kDramReadBytes, counts.read_bursts * spec_.dram.burst_bytes.value);
    activity.add(Action::kDramWriteBytes, counts.write_bursts * spec_.dram.burst_bytes.value);
    activity.add(Action::kDramActivate, counts.activates);
    activity.add(Action::kDramRefresh, counts.refreshes);
    busy += counts.data_bus_cycles;
  }
}

}  // namespace tilewright::accel

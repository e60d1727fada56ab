// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/dram_port.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventDramPort::EventDramPort(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                             const engine::Clock& core)
    : sc_core::sc_module(name), spec_(spec), core_(core), dram_(spec.dram.command_clock),
      to_dram_(core, dram_), to_core_(dram_, core), map_(spec.dram) {
  for (uint32_t i = 0; i < spec_.dram.channels; ++i) {
    channels_.push_back(std::make_unique<Channel>(spec_.dram));
  }
  reset();
}

void EventDramPort::reset() {
  for (const std::unique_ptr<Channel>& channel : channels_) {
    channel->model.reset();
    channel->read_credits = spec_.dma.read_credits + (mutated(Mutation::kOneCreditMore) ? 1 : 0);
    channel->write_credits = spec_.dma.write_credits;
    channel->wanted = kNever;
  }
  origins_.clear();
  free_tags_.clear();
  returns_.clear();
  next_return_ = 0;
  next_act_ = kNever;
  outstanding_ = 0;
}

void EventDramPort::send(const memory::DramTransaction& transaction, uint32_t channel, Cycle now) {
  const Cycle visible =
      mutated(Mutation::kCrossingTooEarly) && now > 0 ? to_dram_.last_before(now) + 1 : to_dram_.seen(now);
  Channel& to = *channels_[channel];
  to.wanted = to.model.push(transaction, visible);
  if (to.wanted < next_act_) {
    next_act_ = to.wanted;
    returns_alarm_.at(to_core_.seen(next_act_));
  }
  ++outstanding_;
}

void EventDramPort::read(uint64_t address, uint32_t bytes, uint32_t tile, uint64_t offset, Cycle now) {
  const uint32_t channel = channel_of(address);
  --channels_[channel]->read_credits;
  auto tag = static_cast<uint32_t>(origins_.size());
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

// Every channel that may have a completion which this edge sees.
void EventDramPort::act_channels(Cycle now) {
  const Cycle last = to_dram_.last_before(now);
  next_act_ = kNever;
  for (uint32_t index = 0; index < channels_.size(); ++index) {
    Channel& channel = *channels_[index];
    if (channel.wanted <= last) {
      done_.clear();
      channel.wanted = channel.model.act(last, done_);
      for (const memory::DramCompletion& completion : done_) {
        const Cycle core_cycle = to_core_.seen(completion.cycle);
        add_return({core_cycle, completion.cycle, index, static_cast<uint32_t>(completion.tag), completion.write});
        returns_alarm_.at(core_cycle);
      }
    }
    next_act_ = std::min(next_act_, channel.wanted);
  }
  if (next_act_ != kNever) {
    returns_alarm_.at(to_core_.seen(next_act_));
  }
}

// Mostly the latest of all.
void EventDramPort::add_return(const Return& added) {
  std::size_t place = returns_.size();
  returns_.push_back(added);
  for (; place > next_return_ && returns_[place - 1].after(added); --place) {
    returns_[place] = returns_[place - 1];
  }
  returns_[place] = added;
}

void EventDramPort::take_returns(Cycle now) {
  if (next_act_ != kNever && to_core_.seen(next_act_) <= now) {
    act_channels(now);
  }
  for (; next_return_ < returns_.size() && returns_[next_return_].core_cycle <= now; ++next_return_) {
    const Return& done = returns_[next_return_];
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
  if (next_return_ >= kForget || next_return_ == returns_.size()) {
    returns_.erase(returns_.begin(), returns_.begin() + static_cast<std::ptrdiff_t>(next_return_));
    next_return_ = 0;
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

// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/dram_port.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

EventDramPort::EventDramPort(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                             const engine::Clock& core)
    : sc_core::sc_module(name),
      spec_(spec),
      core_(core),
      dram_(spec.dram.command_clock),
      to_dram_(core, dram_),
      to_core_(dram_, core),
      map_(spec.dram) {
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
  }
  wanted_.assign(channels_.size(), kNever);
  origins_.clear();
  free_tag_ = kNoTag;
  returns_.clear();
  next_return_ = 0;
  set_next_act(kNever);
  outstanding_ = 0;
}

inline void EventDramPort::send(const memory::DramTransaction& transaction, uint32_t channel, Cycle now) {
  const Cycle visible =
      mutated(Mutation::kCrossingTooEarly) && now > 0 ? to_dram_.last_before(now) + 1 : to_dram_.seen(now);
  const Cycle wanted = channels_[channel]->model.push(transaction, visible);
  wanted_[channel] = wanted;
  if (wanted < next_act_) {
    set_next_act(wanted);
    returns_alarm_.at(act_cycle_);
  }
  ++outstanding_;
}

void EventDramPort::read(uint32_t channel, uint64_t address, uint32_t bytes, uint32_t tile, uint64_t offset,
                         Cycle now) {
  --channels_[channel]->read_credits;
  uint32_t tag = free_tag_;
  if (tag == kNoTag) {
    tag = static_cast<uint32_t>(origins_.size());
    origins_.push_back({offset, tile, bytes, kNoTag});
  } else {
    Origin& origin = origins_[tag];
    free_tag_ = origin.next_free;
    origin = {offset, tile, bytes, kNoTag};
  }
  send({tag, address, bytes, false}, channel, now);
}

void EventDramPort::write(uint32_t channel, uint64_t address, uint32_t bytes, Cycle now) {
  send({0, address, bytes, true}, channel, now);
}

// Every channel that may have a completion which this edge sees.
void EventDramPort::act_channels(Cycle now) {
  const Cycle last = to_dram_.last_before(now);
  Cycle next = kNever;
  for (uint32_t index = 0; index < wanted_.size(); ++index) {
    if (wanted_[index] <= last) {
      done_.clear();
      wanted_[index] = channels_[index]->model.act(last, done_);
      for (const memory::DramCompletion& completion : done_) {
        add_return({to_core_.seen(completion.cycle), completion.cycle, index,
                    static_cast<uint32_t>(completion.tag), completion.write});
      }
    }
    next = std::min(next, wanted_[index]);
  }
  set_next_act(next);
}

// Mostly the latest of all.
inline void EventDramPort::add_return(const Return& added) {
  returns_.push_back(added);
  Return* place = returns_.data() + returns_.size() - 1;
  for (const Return* const first = returns_.data() + next_return_; place != first && place[-1].after(added);
       --place) {
    place[0] = place[-1];
    place[-1] = added;
  }
}

void EventDramPort::take_returns(Cycle now) {
  if (act_cycle_ <= now) {
    act_channels(now);
  }
  const std::size_t end = returns_.size();
  std::size_t next = next_return_;
  for (; next != end && returns_[next].core_cycle <= now; ++next) {
    const Return& done = returns_[next];
    --outstanding_;
    if (done.write) {
      ++channels_[done.channel]->write_credits;
      client_->write_acknowledged(now);
      continue;
    }
    ++channels_[done.channel]->read_credits;
    Origin& origin = origins_[done.tag];
    origin.next_free = free_tag_;
    free_tag_ = done.tag;
    client_->read_returned(done.channel, origin.tile, origin.offset, origin.bytes, now);
  }
  next_return_ = next;
  Cycle wanted = act_cycle_;
  if (next != end) {
    wanted = std::min(wanted, returns_[next].core_cycle);
  }
  if (next == end) {
    returns_.clear();
    next_return_ = 0;
  } else if (next >= kForget) {
    returns_.erase(returns_.begin(), returns_.begin() + static_cast<std::ptrdiff_t>(next));
    next_return_ = 0;
  }
  if (wanted != kNever) {
    returns_alarm_.at(wanted);
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

// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/event/endpoint.h"

#include "sim/accel/event/mutation.h"

namespace tilewright::accel {

using mappers::Buffet;
using mappers::Step;

EventBuffet::EventBuffet(const sc_core::sc_module_name& name, Bytes capacity)
    : sc_core::sc_module(name), capacity_(capacity.value) {}

void EventBuffet::reset() {
  free_ = capacity_;
  arrived_ = 0;
  sizes_.clear();
}

void EventBuffet::reserve(uint32_t bytes) {
  free_ -= bytes;
  sizes_.push(bytes);
}

void EventBuffet::free_oldest(uint32_t chunks) {
  for (; chunks > 0; --chunks) {
    free_ += sizes_.front();
    sizes_.pop();
  }
}

EventEndpoint::EventEndpoint(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                             const Layout& layout, uint32_t index)
    : sc_core::sc_module(name),
      spec_(spec),
      layout_(layout),
      index_(index),
      vector_unit_(layout.is_vector_unit(index)),
      output_capacity_(vector_unit_ ? spec.vector_unit.output_buffer.value : spec.pe.output_buffer.value),
      pipeline_depth_(vector_unit_ ? spec.vector_unit.pipeline_depth : spec.pe.pipeline_depth),
      weight_buffet_("weight_buffer", vector_unit_ ? spec.vector_unit.input_buffer : spec.pe.weight_buffer),
      input_buffet_("input_buffer", vector_unit_ ? spec.vector_unit.input_buffer : spec.pe.input_buffer) {}

void EventEndpoint::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
  const uint32_t drain = layout_.drain(index_);
  fabric_->own<EventEndpoint, &EventEndpoint::drain_done>(drain, this, [](void* self, uint32_t, Cycle now) {
    static_cast<EventEndpoint*>(self)->drain_granted(now);
  });
  fabric_->set_path(drain, {layout_.drain_needs(index_), 0, 0});
  const uint32_t egress = layout_.egress(index_);
  fabric_->own<EventEndpoint, &EventEndpoint::output_done>(egress, this);
  fabric_->set_path(egress, {layout_.egress_needs(index_), 0, vector_unit_ ? 0U : 1U});
}

void EventEndpoint::reset(const RunContext* context) {
  context_ = context;
  steps_ = &context->program->steps[index_];
  weight_buffet_.reset();
  input_buffet_.reset();
  position_ = 0;
  executing_ = drain_waits_ = drain_posted_ = egress_posted_ = false;
  output_free_ = output_capacity_;
  outputs_.clear();
  meter_.reset();
  activity_ = {};
  alarms_.start.at(0);
}

void EventEndpoint::deliver(Buffet buffet, Cycle now) {
  buffet_of(buffet).arrive();
  alarms_.start.at(now);
}

// Fixed priority: the first that holds is charged.
Stall EventEndpoint::blocker(const Step& step) const {
  if (!weight_buffet_.holds(step.weight_chunk)) {
    return Stall::kWeightWait;
  }
  if (!input_buffet_.holds(step.input_chunk)) {
    return Stall::kInputWait;
  }
  return step.starts && drain_waits_ && !mutated(Mutation::kStartsOverSums) ? Stall::kOutputFull : Stall::kBusy;
}

void EventEndpoint::try_start(Cycle now) {
  if (executing_) {
    return;
  }
  if (position_ == steps_->size()) {
    meter_.change(Stall::kIdle, now);
    return;
  }
  const Step& step = (*steps_)[position_];
  const Stall state = blocker(step);
  meter_.change(state, now);
  if (state == Stall::kBusy) {
    executing_ = true;
    alarms_.step_end.at(now + step.cycles);
  }
}

void EventEndpoint::end_step(Cycle now) {
  const Step& step = (*steps_)[position_];
  count_step(step);
  if (context_->observer != nullptr) {
    context_->observer->step_ended(index_, position_);
  }
  if (step.free_weight > 0) {
    weight_buffet_.free_oldest(step.free_weight);
    feeders_[0].at_if_present(now);
  }
  if (step.free_input > 0) {
    input_buffet_.free_oldest(step.free_input);
    feeders_[1].at_if_present(now);
  }
  if (step.drains) {
    drain_waits_ = true;
    waiting_drain_ = position_;
    alarms_.output.at(now);
  }
  executing_ = false;
  ++position_;
  alarms_.start.at(now);
}

void EventEndpoint::post_output(Cycle now) {
  if (drain_waits_ && !drain_posted_) {
    post_drain(now);
  }
  if (!egress_posted_ && !outputs_.empty() && outputs_.front().available <= now) {
    post_egress(now);
  }
}

inline void EventEndpoint::post_drain(Cycle now) {
  const Step& step = (*steps_)[waiting_drain_];
  if (output_free_ >= step.output_bytes || mutated(Mutation::kOutputBufferEndless)) {
    output_free_ -= step.output_bytes;
    drain_posted_ = true;
    fabric_->post(layout_.drain(index_), EventFabric::kNoBank, step.drain_entries, now);
  }
}

inline void EventEndpoint::post_egress(Cycle now) {
  const Step& step = (*steps_)[outputs_.front().step];
  if (!global_buffer_->open(step.output_tile)) {
    global_buffer_->wait_open(index_);
    return;
  }
  egress_posted_ = true;
  const uint32_t width = vector_unit_ ? spec_.noc.link_bytes_per_cycle : spec_.noc.collect_bytes_per_cycle;
  const uint32_t bank = layout_.bank_of(context_->places->address[step.output_tile] + step.output_offset);
  fabric_->post(layout_.egress(index_), bank, static_cast<uint32_t>(divide_up(step.output_bytes, width)),
                now);
}

void EventEndpoint::drain_granted(Cycle now) {
  drain_waits_ = drain_posted_ = false;
  active_drain_ = waiting_drain_;
  alarms_.start.at(now);
}

void EventEndpoint::drain_done(uint32_t /*requester*/, Cycle now) {
  const Step& step = (*steps_)[active_drain_];
  if (!vector_unit_) {
    activity_.add(Action::kAccumulatorRead, uint64_t{step.drain_entries} * spec_.pe.lanes);
    activity_.add(Action::kPpuValue, step.output_bytes);
  }
  activity_.add(Action::kOutputBufferWrite, step.output_bytes);
  const Cycle available = now + (mutated(Mutation::kPipelineForgotten) ? 0 : pipeline_depth_);
  outputs_.push({active_drain_, available});
  alarms_.output.at(available);
}

void EventEndpoint::output_done(uint32_t /*requester*/, Cycle now) {
  const uint32_t done = outputs_.front().step;
  const Step& step = (*steps_)[done];
  outputs_.pop();
  egress_posted_ = false;
  output_free_ += step.output_bytes;
  activity_.add(Action::kOutputBufferRead, step.output_bytes);
  activity_.add(Action::kNocCollected, step.output_bytes);
  activity_.add(Action::kNocLinkBytes, uint64_t{step.output_bytes} * layout_.links_back(index_));
  global_buffer_->collected(step.output_tile, step.output_bytes, index_, done, now);
  if (!outputs_.empty() || drain_waits_) {  // room, or a turn, for the next
    alarms_.output.at(now);
  }
}

void EventEndpoint::count_step(const Step& step) {
  if (vector_unit_) {
    activity_.add(Action::kVectorUnitOperation, uint64_t{step.cycles} * spec_.vector_unit.lanes);
    return;
  }
  const uint64_t slots = uint64_t{step.cycles} * spec_.pe.lanes * spec_.pe.vector_size;
  activity_.add(Action::kMac, step.macs);
  activity_.add(Action::kMacIdleLane, slots - step.macs);
  count_buffer_accesses(step);
}

// Closed forms of the loop nests that the tick model walks; docs/accelerator.md derives them.
void EventEndpoint::count_buffer_accesses(const Step& step) {
  const uint64_t vector = spec_.pe.vector_size;
  const uint64_t lanes = spec_.pe.lanes;
  const uint64_t weights = uint64_t{step.channel_tiles} * step.vectors;
  const uint64_t sums = uint64_t{step.channel_tiles} * step.pixels;
  uint64_t weight_reads = weights;
  uint64_t updates = step.cycles;
  uint64_t collector_reads = step.cycles;
  if (context_->program->dataflow == arch::Dataflow::kOs) {
    weight_reads = step.cycles;
    collector_reads = 0;
    updates = sums;
  } else if (context_->program->dataflow == arch::Dataflow::kWsLos) {
    updates = sums * divide_up(step.vectors, spec_.pe.weight_collector_entries);
  }
  activity_.add(Action::kWeightBufferRead, weight_reads * lanes * vector);
  activity_.add(Action::kWeightCollectorRead, collector_reads * lanes * vector);
  activity_.add(Action::kInputBufferRead, step.cycles * vector);
  activity_.add(Action::kAccumulatorUpdate, updates * lanes);
}

bool EventEndpoint::finished() const {
  return position_ == steps_->size() && outputs_.empty() && !drain_waits_ && weight_buffet_.empty() &&
         input_buffet_.empty();
}

std::string EventEndpoint::describe_state() const {
  if (finished()) {
    return "";
  }
  std::string text = std::string(basename()) + " at step " + std::to_string(position_) + " of " +
                     std::to_string(steps_->size());
  if (position_ < steps_->size()) {
    text += executing_ ? " (running)" : " (" + std::string(tilewright::name(blocker((*steps_)[position_]))) + ")";
  }
  return text + ", " + std::to_string(outputs_.size()) + " outputs waiting; ";
}

}  // namespace tilewright::accel

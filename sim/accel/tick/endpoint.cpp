// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/tick/endpoint.h"

namespace tilewright::accel {

using arch::Dataflow;
using mappers::Step;

TickBuffet::TickBuffet(const sc_core::sc_module_name& name, Bytes capacity)
    : sc_core::sc_module(name), capacity_(capacity.value) {}

void TickBuffet::reset() {
  filled_ = 0;
  arrived_ = 0;
  chunks_.clear();
}

void TickBuffet::reserve(uint32_t bytes) {
  filled_ += bytes;
  TILEWRIGHT_CHECK(filled_ <= capacity_, "a buffet was overfilled");
  chunks_.push_back(bytes);
}

void TickBuffet::shrink(uint32_t chunks) {
  TILEWRIGHT_CHECK(chunks <= chunks_.size() && chunks <= arrived_, "a buffet freed chunks that it does not hold");
  for (uint32_t i = 0; i < chunks; ++i) {
    filled_ -= chunks_.front();
    chunks_.pop_front();
  }
}

TickVectorMacs::TickVectorMacs(const sc_core::sc_module_name& name, const arch::PeSpec& pe)
    : sc_core::sc_module(name), pe_(pe) {}

void TickVectorMacs::begin(const Step& step, Dataflow dataflow) {
  dataflow_ = dataflow;
  vectors_ = step.vectors;
  tile_ = {0, step.channel_tiles};
  pixel_ = {0, step.pixels};
  if (dataflow == Dataflow::kWsLos) {
    vector_ = {0, static_cast<uint32_t>(divide_up(step.vectors, pe_.weight_collector_entries))};
    local_ = {0, std::min(step.vectors, pe_.weight_collector_entries)};
  } else {
    vector_ = {0, step.vectors};
    local_ = {0, 1};
  }
  left_ = uint64_t{step.channel_tiles} * step.vectors * step.pixels;
}

void TickVectorMacs::reset() {
  left_ = 0;
  weight_reads_ = collector_reads_ = sum_updates_ = input_reads_ = 0;
}

void TickVectorMacs::work() {
  switch (dataflow_) {
    case Dataflow::kOs:
      ++weight_reads_;
      sum_updates_ += vector_.at + 1 == vector_.of ? 1 : 0;
      break;
    case Dataflow::kWsLos:
      weight_reads_ += pixel_.at == 0 ? 1 : 0;
      ++collector_reads_;
      sum_updates_ += local_.at + 1 == local_.of ? 1 : 0;
      break;
    case Dataflow::kWs:
    case Dataflow::kOsLws:
      weight_reads_ += pixel_.at == 0 ? 1 : 0;
      ++collector_reads_;
      ++sum_updates_;
      break;
  }
  ++input_reads_;
  --left_;
  advance();
}

void TickVectorMacs::count(Activity& activity) const {
  const uint64_t word = pe_.vector_size;
  activity.add(Action::kWeightBufferRead, weight_reads_ * word * pe_.lanes);
  activity.add(Action::kWeightCollectorRead, collector_reads_ * word * pe_.lanes);
  activity.add(Action::kAccumulatorUpdate, sum_updates_ * pe_.lanes);
  activity.add(Action::kInputBufferRead, input_reads_ * word);
}

// Innermost loop first. WS: weights outermost, so pixels under (vector, tile); OS: vectors innermost, under pixels;
// WS-LOS: as many vectors as the collector holds innermost, then pixels; OS-LWS: pixels innermost, then vectors.
void TickVectorMacs::advance() {
  switch (dataflow_) {
    case Dataflow::kWs:
      if (pixel_.next() && tile_.next()) {
        vector_.next();
      }
      return;
    case Dataflow::kOs:
      if (vector_.next() && pixel_.next()) {
        tile_.next();
      }
      return;
    case Dataflow::kOsLws:
      if (pixel_.next() && vector_.next()) {
        tile_.next();
      }
      return;
    case Dataflow::kWsLos:
      if (local_.next() && pixel_.next()) {
        if (vector_.next()) {
          tile_.next();
        }
        local_.of = std::min(vectors_ - vector_.at * pe_.weight_collector_entries, pe_.weight_collector_entries);
      }
      return;
  }
}

TickEndpoint::TickEndpoint(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                           const Layout& layout, uint32_t index)
    : sc_core::sc_module(name),
      spec_(spec),
      layout_(layout),
      index_(index),
      drain_(layout.drain(index)),
      egress_(layout.egress(index)),
      vector_unit_(layout.is_vector_unit(index)),
      weight_buffet_("weight_buffer", vector_unit_ ? spec.vector_unit.input_buffer : spec.pe.weight_buffer),
      input_buffet_("input_buffer", vector_unit_ ? spec.vector_unit.input_buffer : spec.pe.input_buffer),
      macs_("vector_macs", spec.pe) {}

void TickEndpoint::end_of_elaboration() {
  fabric_ = fabric.operator->();
  global_buffer_ = global_buffer.operator->();
}

void TickEndpoint::reset(const RunContext* context) {
  context_ = context;
  steps_ = &context->program->steps[index_];
  weight_buffet_.reset();
  input_buffet_.reset();
  macs_.reset();
  position_ = 0;
  executing_ = sums_wait_ = false;
  vector_cycles_left_ = 0;
  output_filled_ = 0;
  outputs_.clear();
  stalls_ = {};
  activity_ = {};
}

void TickEndpoint::end_packets() {
  if (fabric_->ended(drain_)) {
    outputs_.push_back(
        {moving_drain_, vector_unit_ ? spec_.vector_unit.pipeline_depth : spec_.pe.pipeline_depth});
  }
  if (fabric_->ended(egress_)) {
    const Step& done = step(outputs_.front().step);
    output_filled_ -= done.output_bytes;
    global_buffer_->write_collected(done.output_tile, done.output_bytes, index_, outputs_.front().step);
    outputs_.pop_front();
  }
}

void TickEndpoint::end_step() {
  if (!executing_ || macs_.busy() || vector_cycles_left_ > 0) {
    return;
  }
  const Step& done = step(position_);
  if (!vector_unit_) {
    activity_.add(Action::kMac, done.macs);
    activity_.add(Action::kMacIdleLane, uint64_t{done.cycles} * spec_.pe.lanes * spec_.pe.vector_size - done.macs);
  }
  if (context_->observer != nullptr) {
    context_->observer->step_ended(index_, position_);
  }
  weight_buffet_.shrink(done.free_weight);
  input_buffet_.shrink(done.free_input);
  if (done.drains) {
    sums_wait_ = true;
    waiting_drain_ = position_;
  }
  executing_ = false;
  ++position_;
}

void TickEndpoint::post_output() {
  if (sums_wait_ && !fabric_->waits(drain_)) {
    const Step& drained = step(waiting_drain_);
    const Bytes capacity = vector_unit_ ? spec_.vector_unit.output_buffer : spec_.pe.output_buffer;
    if (output_filled_ + drained.output_bytes <= capacity.value) {
      output_filled_ += drained.output_bytes;
      fabric_->post(drain_, {layout_.drain_needs(index_), drained.drain_entries, 1, 0, false, false});
    }
  }
  if (outputs_.empty() || outputs_.front().countdown > 0 || fabric_->waits(egress_) || fabric_->moves(egress_)) {
    return;
  }
  const Step& out = step(outputs_.front().step);
  if (global_buffer_->open(out.output_tile)) {
    TickPacket packet{layout_.egress_needs(index_), out.output_bytes,
                      vector_unit_ ? spec_.noc.link_bytes_per_cycle : spec_.noc.collect_bytes_per_cycle, 0,
                      !vector_unit_, true};
    packet.needs.add(layout_.bank_of(context_->places->address[out.output_tile] + out.output_offset));
    fabric_->post(egress_, packet);
  }
}

Stall TickEndpoint::state() const {
  if (!steps_left()) {
    return Stall::kIdle;
  }
  const Step& next = step(position_);
  if (!weight_buffet_.has(next.weight_chunk)) {
    return Stall::kWeightWait;
  }
  if (!input_buffet_.has(next.input_chunk)) {
    return Stall::kInputWait;
  }
  return next.starts && sums_wait_ ? Stall::kOutputFull : Stall::kBusy;
}

void TickEndpoint::start() {
  if (fabric_->granted(drain_)) {
    sums_wait_ = false;
    moving_drain_ = waiting_drain_;
  }
  if (executing_) {
    stalls_.add(Stall::kBusy, 1);
    return;
  }
  const Stall now = state();
  stalls_.add(now, 1);
  if (now != Stall::kBusy) {
    return;
  }
  executing_ = true;
  if (vector_unit_) {
    vector_cycles_left_ = step(position_).cycles;
  } else {
    macs_.begin(step(position_), context_->program->dataflow);
  }
}

void TickEndpoint::work() {
  if (executing_ && vector_unit_) {
    activity_.add(Action::kVectorUnitOperation, spec_.vector_unit.lanes);
    --vector_cycles_left_;
  } else if (executing_) {
    macs_.work();
  }
  if (fabric_->state(drain_).moves || !outputs_.empty()) {
    move_outputs();
  }
}

// The PPU takes one accumulator entry a cycle while a drain moves; bytes are booked where their packet starts.
void TickEndpoint::move_outputs() {
  for (Output& output : outputs_) {
    output.countdown -= output.countdown > 0 ? 1 : 0;
  }
  const TickFabric::State& drain = fabric_->state(drain_);
  if (drain.granted) {
    const Step& drained = step(moving_drain_);
    activity_.add(Action::kOutputBufferWrite, drained.output_bytes);
    activity_.add(Action::kPpuValue, vector_unit_ ? 0 : drained.output_bytes);
  }
  if (!vector_unit_ && drain.moves) {
    activity_.add(Action::kAccumulatorRead, spec_.pe.lanes);
  }
  if (fabric_->granted(egress_)) {
    const uint32_t bytes = step(outputs_.front().step).output_bytes;
    activity_.add(Action::kOutputBufferRead, bytes);
    activity_.add(Action::kNocCollected, bytes);
    activity_.add(Action::kNocLinkBytes, uint64_t{bytes} * (vector_unit_ ? 1 : 2));
  }
}

Activity TickEndpoint::activity() const {
  Activity all = activity_;
  macs_.count(all);
  return all;
}

bool TickEndpoint::finished() const {
  return !steps_left() && outputs_.empty() && !sums_wait_ && weight_buffet_.empty() && input_buffet_.empty();
}

}  // namespace tilewright::accel

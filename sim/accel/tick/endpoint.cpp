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

void TickVectorMacs::work(Activity& activity) {
  const uint64_t word = pe_.vector_size;
  const bool first_use_of_weight = pixel_.at == 0;
  const bool reads_weight = dataflow_ == Dataflow::kOs || first_use_of_weight;
  bool updates_sum = true;
  if (dataflow_ == Dataflow::kOs) {
    updates_sum = vector_.at + 1 == vector_.of;
  } else if (dataflow_ == Dataflow::kWsLos) {
    updates_sum = local_.at + 1 == local_.of;
  }
  if (reads_weight) {
    activity.add(Action::kWeightBufferRead, word * pe_.lanes);
  }
  if (dataflow_ != Dataflow::kOs) {
    activity.add(Action::kWeightCollectorRead, word * pe_.lanes);
  }
  if (updates_sum) {
    activity.add(Action::kAccumulatorUpdate, pe_.lanes);
  }
  activity.add(Action::kInputBufferRead, word);
  --left_;
  advance();
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
  if (fabric_->ended(layout_.drain(index_))) {
    outputs_.push_back(
        {moving_drain_, vector_unit_ ? spec_.vector_unit.pipeline_depth : spec_.pe.pipeline_depth});
  }
  if (fabric_->ended(layout_.egress(index_))) {
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
  if (sums_wait_ && !fabric_->waits(layout_.drain(index_))) {
    const Step& drained = step(waiting_drain_);
    const Bytes capacity = vector_unit_ ? spec_.vector_unit.output_buffer : spec_.pe.output_buffer;
    if (output_filled_ + drained.output_bytes <= capacity.value) {
      output_filled_ += drained.output_bytes;
      fabric_->post(layout_.drain(index_), {layout_.drain_needs(index_), drained.drain_entries, 1, 0, false, false});
    }
  }
  const uint32_t egress = layout_.egress(index_);
  if (outputs_.empty() || outputs_.front().countdown > 0 || fabric_->waits(egress) || fabric_->moves(egress)) {
    return;
  }
  const Step& out = step(outputs_.front().step);
  if (global_buffer_->open(out.output_tile)) {
    TickPacket packet{layout_.egress_needs(index_), out.output_bytes,
                      vector_unit_ ? spec_.noc.link_bytes_per_cycle : spec_.noc.collect_bytes_per_cycle, 0,
                      !vector_unit_, true};
    packet.needs.add(layout_.bank_of(context_->places->address[out.output_tile] + out.output_offset));
    fabric_->post(egress, packet);
  }
}

Stall TickEndpoint::state() const {
  if (executing_) {
    return Stall::kBusy;
  }
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
  if (fabric_->granted(layout_.drain(index_))) {
    sums_wait_ = false;
    moving_drain_ = waiting_drain_;
  }
  const Stall now = state();
  stalls_.add(now, 1);
  if (now != Stall::kBusy || executing_) {
    return;
  }
  executing_ = true;
  if (vector_unit_) {
    vector_cycles_left_ = step(position_).cycles;
  } else {
    macs_.begin(step(position_), context_->program->dataflow);
  }
}

// The PPU takes one accumulator entry a cycle while a drain moves; bytes are booked where their cycle passes.
void TickEndpoint::work() {
  if (executing_ && vector_unit_) {
    activity_.add(Action::kVectorUnitOperation, spec_.vector_unit.lanes);
    --vector_cycles_left_;
  } else if (executing_) {
    macs_.work(activity_);
  }
  for (Output& output : outputs_) {
    output.countdown -= output.countdown > 0 ? 1 : 0;
  }
  if (fabric_->granted(layout_.drain(index_))) {
    const Step& drained = step(moving_drain_);
    activity_.add(Action::kOutputBufferWrite, drained.output_bytes);
    activity_.add(Action::kPpuValue, vector_unit_ ? 0 : drained.output_bytes);
  }
  if (!vector_unit_ && fabric_->moves(layout_.drain(index_))) {
    activity_.add(Action::kAccumulatorRead, spec_.pe.lanes);
  }
  if (fabric_->granted(layout_.egress(index_))) {
    const uint32_t bytes = step(outputs_.front().step).output_bytes;
    activity_.add(Action::kOutputBufferRead, bytes);
    activity_.add(Action::kNocCollected, bytes);
    activity_.add(Action::kNocLinkBytes, bytes * (vector_unit_ ? 1 : 2));
  }
}

bool TickEndpoint::finished() const {
  return !steps_left() && outputs_.empty() && !sums_wait_ && weight_buffet_.empty() && input_buffet_.empty();
}

}  // namespace tilewright::accel

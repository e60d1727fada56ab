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
  chunks_.push(bytes);
}

void TickBuffet::shrink(uint32_t chunks) {
  TILEWRIGHT_CHECK(chunks <= chunks_.size() && chunks <= arrived_, "a buffet freed chunks that it does not hold");
  for (uint32_t i = 0; i < chunks; ++i) {
    filled_ -= chunks_.front();
    chunks_.pop();
  }
}

TickVectorMacs::TickVectorMacs(const sc_core::sc_module_name& name, const arch::PeSpec& pe)
    : sc_core::sc_module(name), pe_(pe) {}

// Innermost loop first. WS: weights outermost, so pixels under (vector, tile); OS: vectors innermost, under pixels;
// WS-LOS: as many vectors as the collector holds innermost, then pixels; OS-LWS: pixels innermost, then vectors.
void TickVectorMacs::begin(const Step& step, Dataflow dataflow) {
  dataflow_ = dataflow;
  vectors_ = step.vectors;
  const Loop tile{0, step.channel_tiles};
  const Loop vector{0, step.vectors};
  const Loop pixel{0, step.pixels};
  outermost_ = {};
  switch (dataflow) {
    case Dataflow::kWs:
      inner_ = step.pixels, middle_ = tile, outer_ = vector;
      break;
    case Dataflow::kOs:
      inner_ = step.vectors, middle_ = pixel, outer_ = tile;
      break;
    case Dataflow::kOsLws:
      inner_ = step.pixels, middle_ = vector, outer_ = tile;
      break;
    case Dataflow::kWsLos:
      inner_ = std::min(step.vectors, pe_.weight_collector_entries);
      middle_ = pixel;
      outer_ = {0, static_cast<uint32_t>(divide_up(step.vectors, pe_.weight_collector_entries))};
      outermost_ = tile;
      break;
  }
  inner_left_ = 0;
}

void TickVectorMacs::reset() {
  inner_left_ = 0;
  weight_reads_ = collector_reads_ = sum_updates_ = 0;
}

// Before the first operation of the innermost loop.
void TickVectorMacs::enter_inner() {
  inner_left_ = inner_;
  switch (dataflow_) {
    case Dataflow::kWs:
    case Dataflow::kOsLws:  // one weight vector a lane, used for every pixel; every use reads and writes a sum
      ++weight_reads_;
      collector_reads_ += inner_;
      sum_updates_ += inner_;
      break;
    case Dataflow::kOs:  // a weight vector an operation; the sum stays in its register
      weight_reads_ += inner_;
      break;
    case Dataflow::kWsLos:  // the collector is filled at the first pixel
      weight_reads_ += middle_.at == 0 ? inner_ : 0;
      collector_reads_ += inner_;
      break;
  }
}

// After its last. True if that was the last of the step.
bool TickVectorMacs::leave_inner() {
  sum_updates_ += dataflow_ == Dataflow::kOs || dataflow_ == Dataflow::kWsLos ? 1 : 0;
  bool over = false;
  if (middle_.next()) {
    over = outer_.next() && outermost_.next();
    if (dataflow_ == Dataflow::kWsLos) {
      inner_ = std::min(vectors_ - outer_.at * pe_.weight_collector_entries, pe_.weight_collector_entries);
    }
  }
  return over;
}

void TickVectorMacs::count(uint64_t cycles, Activity& activity) const {
  const uint64_t word = pe_.vector_size;
  activity.add(Action::kWeightBufferRead, weight_reads_ * word * pe_.lanes);
  activity.add(Action::kWeightCollectorRead, collector_reads_ * word * pe_.lanes);
  activity.add(Action::kAccumulatorUpdate, sum_updates_ * pe_.lanes);
  activity.add(Action::kInputBufferRead, cycles * word);
}

TickEndpoint::TickEndpoint(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec,
                           const Layout& layout, uint32_t index, TickActive& active)
    : sc_core::sc_module(name),
      spec_(spec),
      layout_(layout),
      index_(index),
      drain_(layout.drain(index)),
      egress_(layout.egress(index)),
      vector_unit_(layout.is_vector_unit(index)),
      bit_(mappers::EndpointMask{1} << index),
      active_(active),
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
    outputs_.erase(outputs_.begin());
  }
}

void TickEndpoint::end_step() {
  const Step& done = step(position_);
  active_.working &= ~bit_;
  if (!vector_unit_) {
    activity_.add(Action::kMac, done.macs);
    activity_.add(Action::kMacIdleLane, uint64_t{done.cycles} * spec_.pe.lanes * spec_.pe.vector_size - done.macs);
  }
  if (context_->observer != nullptr) {
    context_->observer->step_ended(index_, position_);
  }
  weight_buffet_.shrink(done.free_weight);
  input_buffet_.shrink(done.free_input);
  active_.frees += done.free_weight + done.free_input > 0 ? 1 : 0;
  if (done.drains) {
    sums_wait_ = true;
    active_.draining |= bit_;
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

void TickEndpoint::drain_granted() {
  sums_wait_ = false;
  moving_drain_ = waiting_drain_;
}

void TickEndpoint::start() {
  const Stall now = state();
  if (now != Stall::kBusy) {
    stalls_.add(now, 1);
    return;
  }
  executing_ = true;
  active_.working |= bit_;
  if (vector_unit_) {
    vector_cycles_left_ = step(position_).cycles;
  } else {
    macs_.begin(step(position_), context_->program->dataflow);
  }
}

// The PPU takes one accumulator entry a cycle while a drain moves; bytes are booked where their packet starts.
void TickEndpoint::move_outputs() {
  for (Output& output : outputs_) {
    output.countdown -= output.countdown > 0 ? 1 : 0;
  }
  const bool drain_moves = fabric_->moves(drain_);
  if (fabric_->granted(drain_)) {
    const Step& drained = step(moving_drain_);
    activity_.add(Action::kOutputBufferWrite, drained.output_bytes);
    activity_.add(Action::kPpuValue, vector_unit_ ? 0 : drained.output_bytes);
  }
  if (!vector_unit_ && drain_moves) {
    activity_.add(Action::kAccumulatorRead, spec_.pe.lanes);
  }
  if (fabric_->granted(egress_)) {
    const uint32_t bytes = step(outputs_.front().step).output_bytes;
    activity_.add(Action::kOutputBufferRead, bytes);
    activity_.add(Action::kNocCollected, bytes);
    activity_.add(Action::kNocLinkBytes, uint64_t{bytes} * (vector_unit_ ? 1 : 2));
  }
  if (outputs_.empty() && !sums_wait_ && !drain_moves) {
    active_.draining &= ~bit_;
  }
}

Activity TickEndpoint::activity() const {
  Activity all = activity_;
  const uint64_t cycles = stalls_[Stall::kBusy];
  if (vector_unit_) {
    all.add(Action::kVectorUnitOperation, cycles * spec_.vector_unit.lanes);
  } else {
    macs_.count(cycles, all);
  }
  return all;
}

bool TickEndpoint::finished() const {
  return !steps_left() && outputs_.empty() && !sums_wait_ && weight_buffet_.empty() && input_buffet_.empty();
}

}  // namespace tilewright::accel

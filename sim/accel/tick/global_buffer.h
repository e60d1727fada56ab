// SPDX-License-Identifier: Apache-2.0
//
// The reference for the book of tiles: plain counters that everybody reads anew in every cycle.
#pragma once

#include <systemc>

#include <vector>

#include "arch/accelerator.h"
#include "sim/accel/run_context.h"
#include "sim/base/activity.h"

namespace tilewright::accel {

class TickGlobalBuffer final : public sc_core::sc_module, public sc_core::sc_interface {
 public:
  TickGlobalBuffer(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& spec);
  void reset(const RunContext* context);

  bool ready(uint32_t tile) const { return ready_[tile] != 0; }  // every byte is there
  bool open(uint32_t tile) const;      // the tile before it in its slot has been freed
  bool complete(uint32_t tile) const;  // an output tile of which every byte has come back

  void write_loaded(uint32_t tile, uint32_t bytes);
  void use_ended(uint32_t tile) { --uses_left_[tile]; }
  void write_collected(uint32_t tile, uint32_t bytes, uint32_t endpoint, uint32_t step);
  void read_stored(uint32_t tile, uint32_t bytes);

  void arrive(Cycle now);  // phase A: outputs whose latency has passed
  void age();              // end of the cycle
  bool all_outputs_complete() const { return outputs_left_ == 0; }
  const Activity& activity() const { return activity_; }

 private:
  struct Travelling {
    uint32_t countdown, tile, bytes, endpoint, step;
  };
  bool freed(uint32_t tile) const;
  bool all_loaded(uint32_t tile) const;
  bool resident(const mappers::Tile& tile) const {
    return context_->program->classes[static_cast<std::size_t>(tile.role)].slots == 0;
  }

  uint32_t latency_;
  const RunContext* context_ = nullptr;
  std::vector<uint64_t> bytes_in_, bytes_stored_;
  std::vector<uint32_t> uses_left_;
  std::vector<uint8_t> ready_;
  std::vector<Travelling> travelling_;
  uint32_t outputs_left_ = 0;
  Activity activity_;
};

}  // namespace tilewright::accel

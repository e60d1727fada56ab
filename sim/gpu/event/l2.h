// SPDX-License-Identifier: Apache-2.0
//
// L2 and the paths to and from it at event fidelity: slices and the crossbar's ports to the GPCs are first-come servers whose
// next free cycle is all that is known of them; requests that a slice has not served have those of their GPC who joined them
// listed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <systemc>
#include <unordered_map>

#include "sim/engine/clock.h"
#include "sim/engine/scheduler.h"
#include "sim/gpu/event/cycle_queue.h"
#include "sim/gpu/event/mutation.h"
#include "sim/gpu/parts.h"
#include "sim/gpu/result.h"
#include "sim/gpu/tags.h"

namespace tilewright::gpu {

class DramPath : public virtual sc_core::sc_interface {
 public:
  // Answered by EventL2::filled() with the same tag.
  virtual void read(uint64_t address, uint32_t bytes, uint64_t tag, Cycle l2_cycle) = 0;
};

class EventL2 final : public sc_core::sc_module, public MemoryPath {
 public:
  EventL2(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& sm_clock,
          const engine::Clock& l2_clock);

  sc_core::sc_port<DramPath> dram{"dram"};
  void end_of_elaboration() override { dram_ = dynamic_cast<DramPath*>(dram.get_interface()); }

  using Wake = std::function<void(Cycle)>;
  using Answer = std::function<void(const LineRequest&, Cycle)>;
  void connect(Wake wake, Answer answer) {
    wake_ = std::move(wake);
    answer_ = std::move(answer);
  }

  void reset();
  void preload(const std::vector<ResidentRange>& ranges);
  void request(const LineRequest& request, Cycle issued) override;
  // DRAM's data for `tag` are in L2's reach at `cycle`, which lies in the future.
  void filled(uint64_t tag, Cycle cycle);
  void act(Cycle now);
  void collect(GpuCounts& counts) const;

 private:
  // Answers go before fills, those before forwards, those before requests; requests, and answers by their first request, in
  // order of SM and key.
  enum class Kind : uint8_t { kAnswer, kFill, kForward, kRequest };
  struct Item {
    Kind kind;
    uint8_t partition;
    uint8_t sectors;
    LineRequest request;  // fills and forwards: the line only
    uint32_t answer = 0;
  };
  struct Open {  // the last answer for a line to a GPC, that requests of its SMs join before `until`
    Cycle until;
    uint32_t answer;
    uint8_t sectors;
  };
  struct Slice {
    Cycle free = 0;
  };
  struct Waiting {  // for a line that is on its way
    uint32_t answer;
    bool served;  // by the slice, when it asked for the line
  };
  struct Pending {
    uint8_t asked = 0;  // sectors on their way
    std::vector<Waiting> waiting;
    uint8_t forwarded = 0;  // sectors that the other partition waits for
  };
  struct Partition {
    Tags tags;
    std::vector<Slice> slices;
    std::unordered_map<uint64_t, Pending> pending;
  };

  Cycle serve(Slice& slice, uint32_t sectors, Cycle now);
  uint64_t key_of(const LineRequest& request) const;
  bool join(const LineRequest& request, Cycle now);
  uint32_t open(const LineRequest& request, Cycle now, Cycle served);
  void forget_passed(Cycle now);
  Cycle at_sm(Cycle l2_cycle);
  void take_request(const Item& item, Cycle now);
  void take_forward(const Item& item, Cycle now);
  void take_fill(const Item& item, Cycle now);
  void fetch(uint32_t partition, uint64_t line, uint8_t sectors, Cycle cycle);
  void take_answer(const Item& item, Cycle now);
  Cycle pass_port(uint32_t gpc, uint64_t bytes, Cycle now);
  void push(Cycle cycle, const Item& item) {
    queue_.push(cycle, item);
    wake_(cycle);
  }
  Cycle seen(Cycle sm_cycle);

  const arch::GpuSpec& spec_;
  const engine::Clock& sm_clock_;
  const engine::Clock& l2_clock_;
  DramPath* dram_ = nullptr;
  Wake wake_;
  Answer answer_;
  std::vector<Partition> partitions_;
  std::vector<std::vector<LineRequest>> answers_;  // requests answered together, in order of arrival
  std::unordered_map<uint64_t, Open> open_;        // by line and GPC
  std::size_t open_limit_ = 0;                     // of entries, at which those that are over are looked for
  std::vector<uint32_t> answers_free_;
  std::vector<uint32_t> gpc_of_;                   // by SM
  std::vector<uint64_t> ports_free_;               // of each GPC, in bytes that it could have passed
  CycleQueue<Item> queue_;
  struct Memo {
    Cycle from = kNever, to = 0;
  };
  std::vector<Memo> to_l2_, to_sm_;  // crossings worked out before
  std::vector<Item> items_;
  GpuCounts counts_;
};

}  // namespace tilewright::gpu

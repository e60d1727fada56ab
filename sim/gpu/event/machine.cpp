// SPDX-License-Identifier: Apache-2.0
//
// The GPU at event fidelity: modules, their ports, and who wakes whom.
#include <fmt/format.h>

#include <set>

#include "sim/gpu/event/dram.h"
#include "sim/gpu/event/l2.h"
#include "sim/gpu/event/sm.h"
#include "sim/gpu/machine.h"

namespace tilewright::gpu {
namespace {

constexpr uint32_t kSmDomain = 0, kL2Domain = 1, kDramDomain = 2;

class EventDispatcher final : public sc_core::sc_module, public CtaDispatch {
 public:
  explicit EventDispatcher(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  void finished(uint32_t sm, uint32_t slot, Cycle end) override {
    finished_.insert({end, sm, slot});
    wake(end);
  }
  using Launch = std::function<void(uint32_t sm, uint32_t slot, uint32_t cta, Cycle begin)>;
  using Done = std::function<void(uint32_t sm, uint32_t slot)>;

  std::function<void(Cycle)> wake;
  Launch launch;
  Done done;
  std::function<void(Cycle)> all_done;
  Cycle gap = 0, interval = 0;

  void start(uint32_t ctas, uint32_t sms, uint32_t slots) {
    finished_.clear();
    total_ = ctas;
    next_ = left_ = 0;
    left_ = ctas;
    for (uint32_t slot = 0; slot < slots; ++slot) {
      for (uint32_t sm = 0; sm < sms && next_ < total_; ++sm) {
        launch(sm, slot, next_, mutated(Mutation::kWaveAtOnce) ? 0 : next_ * interval);
        ++next_;
      }
    }
  }
  void act(Cycle now) {
    while (!finished_.empty() && std::get<0>(*finished_.begin()) == now) {
      const auto [end, sm, slot] = *finished_.begin();
      finished_.erase(finished_.begin());
      done(sm, slot);
      if (next_ < total_) {
        launch(sm, slot, next_++, now + gap - (mutated(Mutation::kGapShort) ? 1 : 0));
      }
      if (--left_ == 0) {
        all_done(now);
      }
    }
  }

 private:
  std::set<std::tuple<Cycle, uint32_t, uint32_t>> finished_;
  uint32_t total_ = 0, next_ = 0, left_ = 0;
};

class EventTop final : public sc_core::sc_module {
 public:
  EventTop(const sc_core::sc_module_name& name, const arch::GpuSpec& spec);
  GpuResult run(const Kernel& kernel, Cycle limit);

 private:
  struct SmSlot {
    EventTop* top;
    uint32_t sm;
    void act(Cycle now) { top->scheduler_.wake(kSmDomain, 1 + sm, top->sms_[sm]->run(now)); }
  };
  struct ChannelSlot {
    EventDram* dram;
    uint32_t channel;
    void act(Cycle now) { dram->act_channel(channel, now); }
  };
  void connect();

  arch::GpuSpec spec_;
  engine::Clock sm_clock_, l2_clock_, dram_clock_;
  engine::Scheduler scheduler_{"scheduler", engine::Stepping::kOnWake};
  EventDispatcher dispatcher_{"dispatcher"};
  std::vector<std::unique_ptr<EventSm>> sms_;
  EventL2 l2_;
  EventDram dram_;
  std::vector<SmSlot> sm_slots_;
  std::vector<ChannelSlot> channel_slots_;
  GpuResult result_;
  Cycle end_ = 0;
};

EventTop::EventTop(const sc_core::sc_module_name& name, const arch::GpuSpec& spec)
    : sc_core::sc_module(name),
      spec_(spec),
      sm_clock_(spec.sm_clock),
      l2_clock_(spec.l2.clock),
      dram_clock_(spec.dram.command_clock),
      l2_("l2", spec_, sm_clock_, l2_clock_),
      dram_("dram", spec_, l2_clock_, dram_clock_) {
  for (uint32_t i = 0; i < spec_.sm_count; ++i) {
    sms_.push_back(std::make_unique<EventSm>(fmt::format("sm_{}", i).c_str(), spec_, i));
    sms_.back()->memory(l2_);
    sms_.back()->dispatch(dispatcher_);
    sm_slots_.push_back({this, i});
  }
  for (uint32_t c = 0; c < dram_.channels(); ++c) {
    channel_slots_.push_back({&dram_, c});
  }
  l2_.dram(dram_);
  connect();
}

void EventTop::connect() {
  scheduler_.add_domain(sm_clock_);
  scheduler_.add_domain(l2_clock_);
  scheduler_.add_domain(dram_clock_);
  scheduler_.add_slot<EventDispatcher, &EventDispatcher::act>(kSmDomain, &dispatcher_);
  for (SmSlot& slot : sm_slots_) {
    scheduler_.add_slot<SmSlot, &SmSlot::act>(kSmDomain, &slot);
  }
  scheduler_.add_slot<EventL2, &EventL2::act>(kL2Domain, &l2_);
  for (ChannelSlot& slot : channel_slots_) {
    scheduler_.add_slot<ChannelSlot, &ChannelSlot::act>(kDramDomain, &slot);
  }
  l2_.connect([this](Cycle cycle) { scheduler_.wake(kL2Domain, 0, cycle); },
              [this](const LineRequest& request, Cycle arrival) {
                sms_[request.sm]->deliver(request, arrival);
                scheduler_.wake(kSmDomain, 1 + request.sm, arrival);
              });
  dram_.connect(l2_, [this](uint32_t channel, Cycle cycle) { scheduler_.wake(kDramDomain, channel, cycle); });
  dispatcher_.wake = [this](Cycle cycle) { scheduler_.wake(kSmDomain, 0, cycle); };
  dispatcher_.gap = spec_.launch.cta_gap_cycles;
  dispatcher_.interval = spec_.launch.cta_interval_cycles;
  dispatcher_.launch = [this](uint32_t sm, uint32_t slot, uint32_t cta, Cycle begin) {
    sms_[sm]->launch(slot, cta, begin);
    scheduler_.wake(kSmDomain, 1 + sm, begin);
  };
  dispatcher_.done = [this](uint32_t sm, uint32_t slot) { sms_[sm]->finish_cta(slot, result_); };
  dispatcher_.all_done = [this](Cycle now) {
    end_ = now;
    scheduler_.finish();
  };
}

GpuResult EventTop::run(const Kernel& kernel, Cycle limit) {
  const uint32_t slots = ctas_per_sm(spec_, kernel.shape);
  scheduler_.reset();
  result_ = {};
  result_.ctas.resize(kernel.ctas.size());
  for (const auto& sm : sms_) {
    sm->reset(kernel, slots);
  }
  l2_.reset();
  l2_.preload(kernel.resident);
  dram_.reset();
  dispatcher_.start(static_cast<uint32_t>(kernel.ctas.size()), spec_.sm_count, slots);
  if (!scheduler_.run(limit)) {
    std::string state;
    for (const auto& sm : sms_) {
      state += sm->describe_state();
    }
    throw InternalError(fmt::format("kernel '{}' does not end:\n{}", kernel.name, state));
  }
  result_.cycles = end_;
  result_.sm_cycles = end_ * spec_.sm_count;
  for (const auto& sm : sms_) {
    sm->collect(result_);
  }
  l2_.collect(result_.counts);
  dram_.collect(result_.counts, end_ == 0 ? 0 : dram_clock_.first_edge_strictly_after(sm_clock_.edge_time(end_) - 1));
  return result_;
}

}  // namespace

std::unique_ptr<GpuSimulator::Machine> make_event_machine(const arch::GpuSpec& spec) {
  return std::make_unique<MachineOf<EventTop>>(spec);
}

}  // namespace tilewright::gpu

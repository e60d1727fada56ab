// SPDX-License-Identifier: Apache-2.0
//
// The GPU at tick fidelity: modules, their ports, and every one of them stepped in every cycle of its clock.
#include <fmt/format.h>

#include "sim/engine/scheduler.h"
#include "sim/gpu/machine.h"
#include "sim/gpu/tick/l2.h"
#include "sim/gpu/tick/sm.h"

namespace tilewright::gpu {
namespace {

class TickDispatcher final : public sc_core::sc_module, public CtaDispatch {
 public:
  explicit TickDispatcher(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}
  void finished(uint32_t sm, uint32_t slot, Cycle) override { finished_.push_back({sm, slot}); }
  std::vector<std::pair<uint32_t, uint32_t>> take() {
    std::sort(finished_.begin(), finished_.end());
    return std::exchange(finished_, {});
  }

 private:
  std::vector<std::pair<uint32_t, uint32_t>> finished_;
};

class TickTop final : public sc_core::sc_module {
 public:
  TickTop(const sc_core::sc_module_name& name, const arch::GpuSpec& spec);
  GpuResult run(const Kernel& kernel, Cycle limit);

 private:
  void step(Cycle now);

  arch::GpuSpec spec_;
  engine::Clock sm_clock_, l2_clock_, dram_clock_;
  engine::Scheduler scheduler_{"scheduler", engine::Stepping::kEveryCycle};
  TickDispatcher dispatcher_{"dispatcher"};
  std::vector<std::unique_ptr<TickSm>> sms_;
  TickL2 l2_;
  TickDram dram_;
  GpuResult result_;
  uint32_t total_ = 0, next_ = 0, left_ = 0;
  Cycle end_ = 0;
};

TickTop::TickTop(const sc_core::sc_module_name& name, const arch::GpuSpec& spec)
    : sc_core::sc_module(name),
      spec_(spec),
      sm_clock_(spec.sm_clock),
      l2_clock_(spec.l2.clock),
      dram_clock_(spec.dram.command_clock),
      l2_("l2", spec_, sm_clock_, l2_clock_),
      dram_("dram", spec_, l2_clock_, dram_clock_) {
  for (uint32_t i = 0; i < spec_.sm_count; ++i) {
    sms_.push_back(std::make_unique<TickSm>(fmt::format("sm_{}", i).c_str(), spec_, i));
    sms_.back()->memory(l2_);
    sms_.back()->dispatch(dispatcher_);
  }
  l2_.connect(dram_, [this](const LineRequest& request, Cycle arrival) { sms_[request.sm]->deliver(request, arrival); });
  dram_.connect(l2_);
  scheduler_.add_domain(sm_clock_);
  scheduler_.add_domain(l2_clock_);
  scheduler_.add_domain(dram_clock_);
  scheduler_.add_slot<TickTop, &TickTop::step>(0, this);
  scheduler_.add_slot<TickL2, &TickL2::step>(1, &l2_);
  scheduler_.add_slot<TickDram, &TickDram::step>(2, &dram_);
}

void TickTop::step(Cycle now) {
  for (const auto& [sm, slot] : dispatcher_.take()) {
    sms_[sm]->finish_cta(slot, result_);
    if (next_ < total_) {
      sms_[sm]->launch(slot, next_++, spec_.launch.cta_gap_cycles);
    }
    if (--left_ == 0) {
      end_ = now;
      scheduler_.finish();
      return;
    }
  }
  for (const auto& sm : sms_) {
    sm->step(now);
  }
}

GpuResult TickTop::run(const Kernel& kernel, Cycle limit) {
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
  dispatcher_.take();
  total_ = left_ = static_cast<uint32_t>(kernel.ctas.size());
  next_ = 0;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    for (uint32_t sm = 0; sm < spec_.sm_count && next_ < total_; ++sm) {
      sms_[sm]->launch(slot, next_, next_ * spec_.launch.cta_interval_cycles);
      ++next_;
    }
  }
  if (!scheduler_.run(limit)) {
    throw InternalError(fmt::format("kernel '{}' does not end within {} cycles", kernel.name, limit));
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

std::unique_ptr<GpuSimulator::Machine> make_tick_machine(const arch::GpuSpec& spec) {
  return std::make_unique<MachineOf<TickTop>>(spec);
}

}  // namespace tilewright::gpu

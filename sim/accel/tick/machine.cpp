// SPDX-License-Identifier: Apache-2.0
//
// The accelerator at tick fidelity: the reference. Every module acts in every cycle; a cycle's phases are those of the
// written rules (docs/accelerator.md), here as three slots.
#include <bit>
#include <utility>

#include "sim/accel/machine.h"
#include "sim/accel/tick/dma.h"
#include "sim/accel/tick/sender.h"
#include "sim/engine/scheduler.h"

namespace tilewright::accel {
namespace {

class TickTop final : public sc_core::sc_module, public TickFetchClient {
 public:
  TickTop(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& with_spec);
  LayerResult run(const RunContext& context);
  std::string describe_state() const;
  void fetched(uint32_t sender, uint32_t bytes, uint32_t send) override { senders_[sender]->fetched(send, bytes); }

 private:
  template <typename Top>
  friend void tilewright::accel::bind_ports(Top& top);
  template <typename Top>
  friend void tilewright::accel::trace_modules(Top& top, engine::VcdTrace& vcd);

  template <typename Unit, typename Visit>
  static void for_each(uint64_t mask, const std::vector<std::unique_ptr<Unit>>& units, const Visit& visit) {
    for (; mask != 0; mask &= mask - 1) {
      visit(*units[static_cast<std::size_t>(std::countr_zero(mask))]);
    }
  }
  uint64_t of_senders(const RequesterSet& set) const { return set.window(layout_.sender(0), layout_.senders()); }
  uint64_t of_drains(const RequesterSet& set) const { return set.window(layout_.drain(0), layout_.endpoints()); }
  uint64_t of_outputs(const RequesterSet& set) const { return set.window(layout_.egress(0), layout_.endpoints()); }
  void account_senders();
  void completions(Cycle now);
  void end_packets(Cycle now);
  void requests(Cycle now);
  void starts(Cycle now);
  void step_dram(Cycle now) { dram_->step_dram(now); }
  LayerResult collect();

  arch::AcceleratorSpec spec_;
  Layout layout_;
  engine::Clock clock_;
  engine::Scheduler scheduler_;
  TickFabric fabric_;
  TickGlobalBuffer global_buffer_;
  TickActive active_;
  std::vector<std::unique_ptr<TickEndpoint>> endpoints_;
  std::vector<std::unique_ptr<TickSender>> senders_;
  std::unique_ptr<TickDramPort> dram_;
  std::unique_ptr<TickLoadDma> load_;
  std::unique_ptr<TickStoreDma> store_;
  mappers::EndpointMask every_endpoint_ = 0;
  uint64_t every_sender_ = 0;
  RunContext context_;
  bool done_ = false;
  Cycle end_ = 0;
};

TickTop::TickTop(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& with_spec)
    : sc_core::sc_module(name),
      spec_(with_spec),
      layout_(spec_),
      clock_(spec_.operating_point.clock),
      scheduler_("scheduler", engine::Stepping::kEveryCycle),
      fabric_("network", spec_, layout_),
      global_buffer_("global_buffer", spec_) {
  for (uint32_t e = 0; e < layout_.endpoints(); ++e) {
    endpoints_.push_back(std::make_unique<TickEndpoint>(layout_.endpoint_name(e).c_str(), spec_, layout_, e, active_));
  }
  for (uint32_t s = 0; s < layout_.senders(); ++s) {
    senders_.push_back(std::make_unique<TickSender>(layout_.sender_name(s).c_str(), spec_, layout_, s, active_));
  }
  if (spec_.has_dram) {
    dram_ = std::make_unique<TickDramPort>("dram", spec_, clock_);
    load_ = std::make_unique<TickLoadDma>("load_dma", spec_, layout_);
    load_->set_client(this);
    store_ = std::make_unique<TickStoreDma>("store_dma", spec_, layout_);
  }
  every_sender_ = ~uint64_t{0} >> (64 - layout_.senders());
  every_endpoint_ = ~mappers::EndpointMask{0} >> (64 - layout_.endpoints());
  bind_ports(*this);
  scheduler_.add_domain(clock_);
  scheduler_.add_slot<TickTop, &TickTop::completions>(0, this);
  scheduler_.add_slot<TickTop, &TickTop::requests>(0, this);
  scheduler_.add_slot<TickTop, &TickTop::starts>(0, this);
  if (spec_.has_dram) {
    scheduler_.add_domain(engine::Clock(spec_.dram.command_clock));
    scheduler_.add_slot<TickTop, &TickTop::step_dram>(1, this);
  }
}

void TickTop::completions(Cycle now) {
  if (spec_.has_dram) {
    dram_->take_returns([this](uint32_t channel, const TickTransfer& transfer) {
      if (transfer.write) {
        store_->acknowledge();
      } else {
        load_->receive(channel, transfer);
      }
    });
  }
  fabric_.complete(now);
  if (!fabric_.all_ended().empty()) {
    end_packets(now);
  }
  global_buffer_.arrive(now);
  for_each(active_.travelling, senders_, [](TickSender& sender) { sender.deliver(); });
  for_each(std::exchange(active_.step_over, 0), endpoints_, [](TickEndpoint& endpoint) { endpoint.end_step(); });
  if (global_buffer_.all_outputs_complete() && (!spec_.has_dram || store_->finished())) {
    done_ = true;
    end_ = now;
    scheduler_.finish();
  }
}

void TickTop::end_packets(Cycle now) {
  if (spec_.has_dram) {
    load_->end_packets();
    store_->end_packets(now);
  }
  const RequesterSet& ended = fabric_.all_ended();
  for_each(of_senders(ended), senders_, [](TickSender& sender) { sender.end_packet(); });
  for_each(of_drains(ended) | of_outputs(ended), endpoints_, [](TickEndpoint& endpoint) { endpoint.end_packets(); });
}

void TickTop::account_senders() {
  const uint64_t moving = of_senders(fabric_.all_moving());
  const uint64_t waiting = of_senders(fabric_.all_waiting());
  for_each(moving, senders_, [](TickSender& sender) { sender.account_moving(); });
  for_each(waiting, senders_, [](TickSender& sender) { sender.account_waiting(); });
  for_each(~(moving | waiting) & every_sender_, senders_, [](TickSender& sender) { sender.account_neither(); });
  for_each(of_senders(fabric_.all_granted()), senders_, [](TickSender& sender) { sender.packet_granted(); });
  for_each(active_.travelling, senders_, [](TickSender& sender) { sender.age(); });
}

void TickTop::requests(Cycle now) {
  if (done_) {
    return;
  }
  for_each(~(of_senders(fabric_.all_waiting()) | of_senders(fabric_.all_moving())) & every_sender_, senders_,
           [](TickSender& sender) { sender.post(); });
  if (spec_.has_dram) {
    load_->post();
    store_->post();
  }
  for_each(active_.draining, endpoints_, [](TickEndpoint& endpoint) { endpoint.post_output(); });
  fabric_.arbitrate(now);
}

void TickTop::starts(Cycle now) {
  if (done_) {
    return;
  }
  for_each(of_drains(fabric_.all_granted()), endpoints_, [](TickEndpoint& endpoint) { endpoint.drain_granted(); });
  for_each(~active_.working & every_endpoint_, endpoints_, [](TickEndpoint& endpoint) { endpoint.start(); });
  for_each(active_.working, endpoints_, [](TickEndpoint& endpoint) { endpoint.work(); });
  for_each(active_.draining, endpoints_, [](TickEndpoint& endpoint) { endpoint.move_outputs(); });
  account_senders();
  if (spec_.has_dram) {
    load_->issue(now);
    store_->account();
  }
  fabric_.move();
  global_buffer_.age();
}

LayerResult TickTop::run(const RunContext& context) {
  context_ = context;
  done_ = false;
  scheduler_.reset();
  fabric_.reset();
  active_ = {};
  global_buffer_.reset(&context_);
  for (const auto& endpoint : endpoints_) {
    endpoint->reset(&context_);
  }
  for (const auto& sender : senders_) {
    sender->reset(&context_);
  }
  if (spec_.has_dram) {
    dram_->reset();
    load_->reset(&context_);
    store_->reset(&context_);
  }
  if (!scheduler_.run(context_.cycle_limit)) {
    throw InternalError("the tick model did not end: " + describe_state());
  }
  return collect();
}

LayerResult TickTop::collect() {
  LayerResult result;
  result.cycles = end_;
  result.activity = global_buffer_.activity();
  bool finished = fabric_.idle();
  for (uint32_t e = 0; e < layout_.endpoints(); ++e) {
    result.activity += endpoints_[e]->activity();
    result.stalls[layout_.endpoint_kind(e)] += endpoints_[e]->stalls();
    finished = finished && endpoints_[e]->finished();
  }
  for (uint32_t s = 0; s < layout_.senders(); ++s) {
    result.activity += senders_[s]->activity();
    result.stalls[layout_.sender_kind(s)] += senders_[s]->stalls();
    finished = finished && senders_[s]->finished();
  }
  if (spec_.has_dram) {
    dram_->close(result.activity, result.dram_busy);
    result.stalls["load_dma"] = load_->stalls();
    result.stalls["store_dma"] = store_->stalls();
    finished = finished && load_->finished() && store_->finished() && dram_->idle();
  }
  TILEWRIGHT_CHECK(finished, "outputs are complete but work is left: " + describe_state());
  result.row_link_busy = fabric_.row_link_busy();
  result.collect_link_busy = fabric_.collect_link_busy();
  result.bank_busy = fabric_.bank_busy();
  return result;
}

std::string TickTop::describe_state() const {
  std::string text;
  for (const auto& endpoint : endpoints_) {
    text += endpoint->finished() ? "" : std::string(endpoint->basename()) + " has work left; ";
  }
  for (const auto& sender : senders_) {
    text += sender->finished() ? "" : std::string(sender->basename()) + " has chunks left; ";
  }
  return text.empty() ? "every PE and sender is done" : text;
}

}  // namespace

std::unique_ptr<AcceleratorSimulator::Machine> make_tick_machine(const arch::AcceleratorSpec& spec, const std::string& vcd) {
  return std::make_unique<MachineOf<TickTop>>(spec, vcd);
}

}  // namespace tilewright::accel

// SPDX-License-Identifier: Apache-2.0
//
// The accelerator at event fidelity: modules, their ports, and the order in which they act within a cycle:
//   A completions   DRAM returns, packets, collected outputs, delivered chunks, ended steps
//   B requests      senders, DMA ports, stores, outputs; then arbitration
//   C starts        steps, loads
#include <optional>

#include "sim/accel/event/dma.h"
#include "sim/accel/event/sender.h"
#include "sim/accel/machine.h"

namespace tilewright::accel {
namespace {

class EventTop final : public sc_core::sc_module, public DramClient, public FetchClient {
 public:
  EventTop(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& with_spec);

  LayerResult run(const RunContext& context);
  std::string describe_state() const;

  void read_returned(uint32_t channel, uint32_t tile, uint64_t offset, uint32_t bytes, Cycle now) override {
    load_->returned(channel, tile, offset, bytes, now);
  }
  void fetched(uint32_t sender, uint32_t send, uint32_t bytes, Cycle now) override {
    senders_[sender]->fetched(send, bytes, now);
  }
  void write_acknowledged(Cycle now) override {
    store_->acknowledged(now);
    if (store_->finished()) {
      done_.at(now);
    }
  }

 private:
  template <typename Top>
  friend void tilewright::accel::bind_ports(Top& top);
  template <typename Top>
  friend void tilewright::accel::trace_modules(Top& top, engine::VcdTrace& vcd);

  void build_modules();
  void add_slots();
  void check_done(Cycle now);
  LayerResult collect(Cycle end);

  template <typename Object, void (Object::*method)(Cycle)>
  Alarm slot(Object* object) {
    return {&scheduler_.wheel(0), scheduler_.add_slot<Object, method>(0, object)};
  }

  arch::AcceleratorSpec spec_;
  Layout layout_;
  engine::Clock clock_;
  engine::Scheduler scheduler_;
  EventFabric fabric_;
  EventGlobalBuffer global_buffer_;
  std::vector<std::unique_ptr<EventEndpoint>> endpoints_;
  std::vector<std::unique_ptr<EventSender>> senders_;
  std::unique_ptr<EventDramPort> dram_;
  std::unique_ptr<EventLoadDma> load_;
  std::unique_ptr<EventStoreDma> store_;
  Alarm done_;
  RunContext context_;
  Cycle end_ = 0;
};

EventTop::EventTop(const sc_core::sc_module_name& name, const arch::AcceleratorSpec& with_spec)
    : sc_core::sc_module(name),
      spec_(with_spec),
      layout_(spec_),
      clock_(spec_.operating_point.clock),
      scheduler_("scheduler", engine::Stepping::kOnWake),
      fabric_("network", spec_, layout_),
      global_buffer_("global_buffer", spec_) {
  build_modules();
  bind_ports(*this);
  add_slots();
}

void EventTop::build_modules() {
  for (uint32_t e = 0; e < layout_.endpoints(); ++e) {
    endpoints_.push_back(std::make_unique<EventEndpoint>(layout_.endpoint_name(e).c_str(), spec_, layout_, e));
  }
  for (uint32_t s = 0; s < layout_.senders(); ++s) {
    senders_.push_back(std::make_unique<EventSender>(layout_.sender_name(s).c_str(), spec_, layout_, s));
  }
  if (spec_.has_dram) {
    dram_ = std::make_unique<EventDramPort>("dram", spec_, clock_);
    dram_->set_client(this);
    load_ = std::make_unique<EventLoadDma>("load_dma", spec_, layout_);
    load_->set_client(this);
    store_ = std::make_unique<EventStoreDma>("store_dma", spec_, layout_);
  }
}

void EventTop::add_slots() {
  scheduler_.add_domain(clock_);
  Alarm dram_returns;
  if (spec_.has_dram) {
    dram_returns = slot<EventDramPort, &EventDramPort::take_returns>(dram_.get());
  }
  fabric_.connect_ends([this](EventFabric::Requester* requester) {
    return slot<EventFabric::Requester, &EventFabric::Requester::end_packet>(requester);
  });
  const Alarm collection = slot<EventGlobalBuffer, &EventGlobalBuffer::collect>(&global_buffer_);
  std::vector<Alarm> deliveries, posts, outputs;
  std::vector<EventEndpoint::Alarms> alarms(endpoints_.size());
  for (const auto& sender : senders_) {
    deliveries.push_back(slot<EventSender, &EventSender::deliver>(sender.get()));
  }
  for (std::size_t e = 0; e < endpoints_.size(); ++e) {
    alarms[e].step_end = slot<EventEndpoint, &EventEndpoint::end_step>(endpoints_[e].get());
  }
  done_ = slot<EventTop, &EventTop::check_done>(this);
  for (const auto& sender : senders_) {
    posts.push_back(slot<EventSender, &EventSender::post>(sender.get()));
  }
  Alarm load_issue, store_post;
  if (spec_.has_dram) {
    store_post = slot<EventStoreDma, &EventStoreDma::post>(store_.get());
  }
  for (std::size_t e = 0; e < endpoints_.size(); ++e) {
    alarms[e].output = slot<EventEndpoint, &EventEndpoint::post_output>(endpoints_[e].get());
    outputs.push_back(alarms[e].output);
  }
  const Alarm arbitration = slot<EventFabric, &EventFabric::arbitrate>(&fabric_);
  for (std::size_t e = 0; e < endpoints_.size(); ++e) {
    alarms[e].start = slot<EventEndpoint, &EventEndpoint::try_start>(endpoints_[e].get());
    endpoints_[e]->connect(alarms[e]);
  }
  fabric_.connect(arbitration);
  for (std::size_t s = 0; s < senders_.size(); ++s) {
    senders_[s]->connect(posts[s], deliveries[s]);
  }
  if (spec_.has_dram) {
    load_issue = slot<EventLoadDma, &EventLoadDma::issue>(load_.get());
    load_->connect(load_issue);
    store_->connect(store_post);
    dram_->connect(dram_returns);
  }
  global_buffer_.connect(collection, std::move(posts), std::move(outputs), load_issue, store_post, done_);
}

void EventTop::check_done(Cycle now) {
  if (global_buffer_.all_outputs_complete() && (!spec_.has_dram || store_->finished())) {
    end_ = now;
    scheduler_.finish();
  }
}

LayerResult EventTop::run(const RunContext& context) {
  context_ = context;
  scheduler_.reset();
  fabric_.reset();
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
    throw InternalError("the event model stopped before its program ended: " + describe_state());
  }
  return collect(end_);
}

LayerResult EventTop::collect(Cycle end) {
  LayerResult result;
  result.cycles = end;
  result.activity = global_buffer_.activity();
  bool finished = fabric_.idle();
  for (uint32_t e = 0; e < layout_.endpoints(); ++e) {
    EventEndpoint& endpoint = *endpoints_[e];
    result.activity += endpoint.activity();
    result.stalls[layout_.endpoint_kind(e)] += endpoint.close(end);
    finished &= endpoint.finished();
  }
  for (uint32_t s = 0; s < layout_.senders(); ++s) {
    EventSender& sender = *senders_[s];
    result.activity += sender.activity();
    result.stalls[layout_.sender_kind(s)] += sender.close(end);
    finished &= sender.finished();
  }
  if (spec_.has_dram) {
    dram_->close(end, result.activity, result.dram_busy);
    result.stalls["load_dma"] = load_->close(end);
    result.stalls["store_dma"] = store_->close(end);
    finished &= load_->finished() && store_->finished() && dram_->idle();
  }
  TILEWRIGHT_CHECK(finished, "outputs are complete but work is left: " + describe_state());
  result.row_link_busy = fabric_.row_link_busy();
  result.collect_link_busy = fabric_.collect_link_busy();
  result.bank_busy = fabric_.bank_busy();
  return result;
}

std::string EventTop::describe_state() const {
  std::string text;
  for (const auto& endpoint : endpoints_) {
    text += endpoint->describe_state();
  }
  for (const auto& sender : senders_) {
    text += sender->describe_state();
  }
  return text.empty() ? "every PE and sender is done" : text;
}

}  // namespace

std::unique_ptr<AcceleratorSimulator::Machine> make_event_machine(const arch::AcceleratorSpec& spec, const std::string& vcd) {
  return std::make_unique<MachineOf<EventTop>>(spec, vcd);
}

}  // namespace tilewright::accel

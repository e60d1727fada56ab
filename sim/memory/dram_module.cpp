// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/dram_module.h"

#include <algorithm>

#include "sim/base/error.h"

namespace tilewright::memory {

DramModule::DramModule(const sc_core::sc_module_name& name, const arch::DramSpec& spec)
    : sc_core::sc_module(name), spec_(spec), map_(spec), clock_(spec.command_clock) {
  TILEWRIGHT_CHECK(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_FS),
                   "the DRAM's clock edges need a time resolution of 1 fs");
  ports_.reserve(spec.channels);
  for (uint32_t channel = 0; channel < spec.channels; ++channel) {
    ports_.emplace_back(spec);
  }
  socket.register_b_transport(this, &DramModule::b_transport);
  SC_METHOD(act);
  sensitive << wake_;
  dont_initialize();
}

bool DramModule::refused(tlm::tlm_generic_payload& payload) const {
  payload.set_dmi_allowed(false);
  const uint64_t capacity = map_.capacity();
  const uint64_t length = payload.get_data_length();
  tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
  if (payload.get_byte_enable_ptr() != nullptr) {
    status = tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  } else if (length == 0 || payload.get_streaming_width() < length) {
    status = tlm::TLM_BURST_ERROR_RESPONSE;
  } else if (length > capacity || payload.get_address() > capacity - length) {
    status = tlm::TLM_ADDRESS_ERROR_RESPONSE;
  }
  payload.set_response_status(status);
  return status != tlm::TLM_OK_RESPONSE;
}

uint64_t DramModule::add_request(Request& request) {
  auto free = std::find(requests_.begin(), requests_.end(), nullptr);
  if (free == requests_.end()) {
    free = requests_.insert(free, nullptr);
  }
  *free = &request;
  return static_cast<uint64_t>(free - requests_.begin());
}

void DramModule::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (refused(payload) || payload.is_read() == payload.is_write()) {  // neither: TLM_IGNORE_COMMAND
    return;
  }
  if (delay != sc_core::SC_ZERO_TIME) {
    wait(delay);
    delay = sc_core::SC_ZERO_TIME;
  }
  const Cycle arrival = clock_.first_edge_strictly_after(now_fs());
  Request request;
  const uint64_t tag = add_request(request);
  const uint64_t unit = spec_.channel_interleave.value;
  const uint64_t end = payload.get_address() + payload.get_data_length();
  for (uint64_t address = payload.get_address(); address < end;) {
    const uint64_t part_end = std::min(end, (address / unit + 1) * unit);
    Port& port = ports_[map_.channel_of(address)];
    port.waiting[payload.is_write()].push_back(
        {arrival, {tag, address, static_cast<uint32_t>(part_end - address), payload.is_write()}});
    port.next = std::min(port.next, arrival);
    ++request.parts_left;
    address = part_end;
  }
  wake_at(arrival);
  wait(request.complete);
  requests_[tag] = nullptr;
}

// An sc_event keeps the earlier of two notifications, and act() asks again for what is left.
void DramModule::wake_at(Cycle cycle) {
  if (cycle != kNever) {
    wake_.notify(sc_core::sc_time::from_value(clock_.edge_time(cycle) - now_fs()));
  }
}

void DramModule::act() {
  Cycle next = kNever;
  for (Port& port : ports_) {
    if (port.next != kNever && clock_.edge_time(port.next) <= now_fs()) {
      act(port, port.next);
    }
    next = std::min(next, port.next);
  }
  wake_at(next);
}

void DramModule::act(Port& port, Cycle now) {
  while (!port.owed.empty() && port.owed.front().cycle < now) {
    ++port.credits[port.owed.front().write];
    port.owed.pop_front();
  }
  bool blocked = false;
  Cycle next_arrival = kNever;
  for (int write : {0, 1}) {
    std::deque<Waiting>& waiting = port.waiting[write];
    for (; !waiting.empty() && waiting.front().arrival <= now && port.credits[write] != 0;
         waiting.pop_front()) {
      port.channel.push(waiting.front().transaction, now);
      --port.credits[write];
    }
    if (!waiting.empty()) {
      blocked = blocked || waiting.front().arrival <= now;
      next_arrival = std::min(next_arrival, std::max(waiting.front().arrival, now + 1));
    }
  }
  done_.clear();
  port.next = port.channel.act(now, done_);
  for (const DramCompletion& each : done_) {
    port.owed.push_back(each);
    complete(each);
  }
  if (blocked) {
    port.next = std::min(port.next, port.owed.empty() ? kNever : port.owed.front().cycle + 1);
  } else {
    port.next = std::min(port.next, next_arrival);
  }
}

void DramModule::complete(const DramCompletion& completion) {
  Request& request = *requests_[completion.tag];
  request.last = std::max(request.last, completion.cycle);
  if (--request.parts_left == 0) {
    request.complete.notify(sc_core::sc_time::from_value(clock_.edge_time(request.last) - now_fs()));
  }
}

std::vector<DramStatistics> DramModule::finish(Cycle end) {
  std::vector<DramStatistics> statistics;
  for (Port& port : ports_) {
    port.channel.finish(end);
    statistics.push_back(port.channel.statistics());
  }
  return statistics;
}

}  // namespace tilewright::memory

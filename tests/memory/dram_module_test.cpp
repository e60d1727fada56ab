// SPDX-License-Identifier: Apache-2.0
//
// An initiator outside the machine sees the DRAM's own timing: every access through the TLM socket takes as
// long as the reference channel, stepped cycle by cycle, says.
#include <doctest/doctest.h>

#include <systemc>

#include <tlm_utils/simple_initiator_socket.h>

#include <memory>

#include "dram_fuzz.h"
#include "sim/engine/context.h"
#include "sim/memory/dram_module.h"

namespace tilewright::memory {
namespace {

struct Access {
  sc_core::sc_time start;      // when it is called
  sc_core::sc_time annotated;  // and with which delay
  uint64_t address = 0;
  uint32_t bytes = 32;
  bool write = false;
  sc_core::sc_time end = sc_core::SC_ZERO_TIME;
  tlm::tlm_response_status response = tlm::TLM_INCOMPLETE_RESPONSE;
};

// Every access on a thread of its own, so any number are under way.
class Initiator : public sc_core::sc_module {
 public:
  Initiator(const sc_core::sc_module_name& name, std::vector<Access> list)
      : sc_module(name), accesses(std::move(list)) {
    for (std::size_t i = 0; i < accesses.size(); ++i) {
      sc_core::sc_spawn([this, i] { run(accesses[i]); }, ("access" + std::to_string(i)).c_str());
    }
  }
  tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
  std::vector<Access> accesses;

 private:
  void run(Access& access) {
    wait(access.start);
    tlm::tlm_generic_payload payload;
    std::vector<unsigned char> data(access.bytes);
    payload.set_command(access.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload.set_address(access.address);
    payload.set_data_ptr(data.data());
    payload.set_data_length(access.bytes);
    payload.set_streaming_width(access.bytes);
    sc_core::sc_time delay = access.annotated;
    socket->b_transport(payload, delay);
    access.end = sc_core::sc_time_stamp() + delay;
    access.response = payload.get_response_status();
  }
};

arch::DramSpec spec_of_test() {
  arch::DramSpec spec = DramFuzz(7).spec();
  spec.command_clock = {800'000'000};
  spec.channels = 2;
  spec.channel_interleave = {256};
  spec.row_bytes = {1024};
  spec.burst_bytes = {32};
  spec.bank_group_interleave = 1;
  spec.read_queue = 3;
  spec.write_queue = 3;
  spec.write_high_watermark = 2;
  spec.write_low_watermark = 1;
  return spec;
}

std::vector<Access> simulate(const arch::DramSpec& spec, std::vector<Access> list, Cycle end,
                             std::vector<DramStatistics>* statistics = nullptr) {
  const engine::SimulationContext context;
  const engine::SimulationContext::Use use(context);
  auto dram = std::make_unique<DramModule>("dram", spec);
  auto initiator = std::make_unique<Initiator>("initiator", std::move(list));
  initiator->socket.bind(dram->socket);
  sc_core::sc_start();
  std::vector<Access> result = initiator->accesses;
  if (statistics != nullptr) {
    *statistics = dram->finish(end);
  }
  return result;
}

sc_core::sc_time ns(double value) {
  return sc_core::sc_time(value, sc_core::SC_NS);
}

TEST_CASE("one access takes as long as the channel says, from the edge after the call") {
  const engine::SimulationContext context;
  const engine::SimulationContext::Use use(context);  // times are made in femtoseconds
  const arch::DramSpec spec = spec_of_test();
  // Edges every 1.25 ns. Called at 1.3 ns: edge 2. On an edge, 2.5 ns: the next, edge 3. Delay 7 ns from 1
  // ns: edge 7.
  const struct {
    double start, annotated;
    Cycle push;
  } cases[] = {{1.3, 0, 2}, {2.5, 0, 3}, {1.0, 7.0, 7}};
  for (const auto& each : cases) {
    const auto result = simulate(spec, {{ns(each.start), ns(each.annotated), 512, 32, false}}, 0);
    const Outcome channel = play_tick(spec, {{{each.push, {0, 512, 32, false}}}});
    CHECK(result[0].response == tlm::TLM_OK_RESPONSE);
    CHECK(result[0].end == ns(1.25) * static_cast<double>(channel.completed[0]));
  }
}

TEST_CASE("accesses in flight together, more than there are queue entries, in both channels") {
  const engine::SimulationContext context;
  const engine::SimulationContext::Use use(context);
  const arch::DramSpec spec = spec_of_test();
  std::mt19937_64 random(3);
  std::vector<Access> list;
  Traffic traffic[2];
  for (uint32_t i = 0; i < 60; ++i) {
    const Cycle push = 1 + i * 3;
    const uint64_t address = random() % 4096 / 32 * 32;
    list.push_back(
        {ns(1.25) * static_cast<double>(push - 1) + ns(0.5), sc_core::SC_ZERO_TIME, address, 32, false});
    traffic[address / 256 % 2].list.push_back({push, {0, address, 32, false}});
  }
  std::vector<DramStatistics> statistics;
  const auto result = simulate(spec, list, 5000, &statistics);
  for (uint32_t channel : {0u, 1u}) {
    const Outcome reference = play_tick(spec, traffic[channel]);
    std::size_t next = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].address / 256 % 2 == channel) {
        CAPTURE(i);
        CHECK(result[i].end == ns(1.25) * static_cast<double>(reference.completed[next++]));
      }
    }
    CHECK(statistics[channel].read_bursts == traffic[channel].list.size());
  }
}

TEST_CASE("an access over both channels ends with its last part; writes take their latency") {
  const engine::SimulationContext context;
  const engine::SimulationContext::Use use(context);
  const arch::DramSpec spec = spec_of_test();
  const auto result = simulate(spec, {{ns(0), ns(0), 128, 512, true}}, 0);
  // Bytes 128 ... 639: channel 0 gets 128 ... 255 and 512 ... 639, channel 1 gets 256 ... 511.
  Traffic first{{{1, {0, 128, 128, true}}, {1, {0, 512, 128, true}}}};
  first.pushes_per_cycle = 2;
  const Traffic second{{{1, {0, 256, 256, true}}}};
  const Outcome a = play_tick(spec, first);
  const Outcome b = play_tick(spec, second);
  CHECK(result[0].end ==
        ns(1.25) * static_cast<double>(std::max({a.completed[0], a.completed[1], b.completed[0]})));
}

TEST_CASE("what cannot be is answered by TLM's statuses, without taking time") {
  const engine::SimulationContext context;
  const engine::SimulationContext::Use use(context);
  const arch::DramSpec spec = spec_of_test();
  const uint64_t capacity = AddressMap(spec).capacity();
  const auto result = simulate(spec, {{ns(1), ns(0), capacity - 16, 32, false}}, 0);
  CHECK(result[0].response == tlm::TLM_ADDRESS_ERROR_RESPONSE);
  CHECK(result[0].end == ns(1));
}

}  // namespace
}  // namespace tilewright::memory

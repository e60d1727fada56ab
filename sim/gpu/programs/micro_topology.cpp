// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/topology.cu, l2_home.cu and of the parts of launch.cu that are about time on the card.
#include <algorithm>

#include "sim/gpu/parts.h"
#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/reads.h"

namespace tilewright::gpu::micro {
namespace {

// The SMs of the set read chunks of 64 KB of the buffer in turn; the others have nothing to do.
Metrics set_read(const GpuSpec& spec, const std::vector<uint32_t>& set, uint32_t rounds, uint64_t footprint, bool in_l2) {
  ProgramBuilder program("set_read");
  program.stamp(0);
  program.loop_parameter(0);
  read_round(program, 1, kAccessBytes, kWarps - 1);
  program.end_loop();
  program.stamp(1);
  Kernel kernel = make_kernel("set_read", kWholeSmShared);
  add_warps(kernel, program.take(), kWarps);
  stagger_warps(kernel, 1);
  std::vector<std::vector<uint32_t>> tables(set.size());
  kernel.ctas.resize(spec.sm_count);
  for (std::size_t rank = 0; rank < set.size(); ++rank) {
    for (uint64_t r = 0; r < rounds; ++r) {
      append_chunk(tables[rank], r * set.size() + rank, footprint);
    }
    CtaWork& work = kernel.ctas[set[rank]];
    work.parameters[0] = rounds;
    work.streams[0] = {0, kAccessBytes, tables[rank].data(), tables[rank].size(), 0};
  }
  if (in_l2) {
    kernel.resident.push_back({0, std::min<uint64_t>(footprint, rounds * set.size() * kChunk * kAccessBytes)});
  }
  const Ran ran = run(spec, kernel, spec.sm_count);
  double mean = 0, longest = 0;
  for (const uint32_t sm : set) {  // CTA n of the first wave is on SM n
    const CtaRecord& cta = ran.result.ctas[sm];
    const auto cycles = double(cta.stamps[1] - cta.stamps[0]);
    mean += cycles / double(set.size());
    longest = std::max(longest, cycles);
  }
  const double bytes = double(rounds) * kChunk * kAccessBytes;
  return {{"bytes_per_cycle_per_sm", bytes / mean},
          {"bytes_per_cycle", bytes * double(set.size()) / longest},
          {"bytes_per_second", bytes * double(set.size()) / longest * double(spec.sm_clock.value)}};
}

std::vector<std::vector<uint32_t>> gpcs_of(const GpuSpec& spec) {
  std::vector<std::vector<uint32_t>> gpcs(spec.gpcs);
  for (uint32_t sm = 0; sm < spec.sm_count; ++sm) {
    gpcs[gpc_of_sm(spec, sm)].push_back(sm);
  }
  return gpcs;
}

// The recorded card tells its last GPC's SMs apart in five groups (8 SMs and four pairs), because no cluster joins them; sets
// that go round the groups take more of that GPC than of others.
std::vector<uint32_t> spread_over(const GpuSpec& spec, std::size_t count) {
  std::vector<std::vector<uint32_t>> groups = gpcs_of(spec);
  std::reverse(groups.begin(), groups.end());
  const std::vector<uint32_t> split = groups.front();
  const std::size_t half = split.size() / 2;
  groups.front().resize(half);
  for (std::size_t first = half; first + 1 < split.size(); first += 2) {
    groups.push_back({split[first], split[first + 1]});
  }
  std::vector<uint32_t> sms;
  for (std::size_t place = 0; sms.size() < count; ++place) {
    for (const auto& members : groups) {
      if (place < members.size() && sms.size() < count) {
        sms.push_back(members[place]);
      }
    }
  }
  return sms;
}

}  // namespace

Metrics pair_read(const GpuSpec& spec, const Parameters& parameters) {
  return set_read(spec, {number(parameters, "first_sm"), number(parameters, "second_sm")}, 12, 2 << 20, true);
}

// GPCs are numbered otherwise than the card's: one with as many SMs is taken.
Metrics group_read(const GpuSpec& spec, const Parameters& parameters) {
  const std::string group = text(parameters, "group");
  const uint32_t which = number(parameters, "which"), count = number(parameters, "sms");
  std::vector<uint32_t> set;
  if (group == "sm") {
    set = {which};
  } else if (group == "tpc") {
    set = {2 * which, 2 * which + 1};
  } else if (group == "spread") {
    set = spread_over(spec, count);
  } else {
    const auto gpcs = gpcs_of(spec);
    const auto found = std::find_if(gpcs.rbegin(), gpcs.rend(), [&](const auto& members) { return members.size() >= count; });
    if (found == gpcs.rend()) {
      return {};
    }
    set.assign(found->begin(), found->begin() + count);
  }
  const bool in_l2 = text(parameters, "residency") == "l2";
  const uint64_t per_sm = in_l2 ? uint64_t{4} << 20 : uint64_t{16} << 20;
  const uint64_t footprint = in_l2 ? std::min(kResidentBytes, per_sm * count) : per_sm * count;
  const uint64_t round = kChunk * kAccessBytes * count;
  return set_read(spec, set, 10, std::max(round, footprint / round * round), in_l2);
}

// One line after the other by one thread of SM 0, each with its home in that SM's partition or in the other.
Metrics latency_by_home(const GpuSpec& spec, const Parameters& parameters) {
  constexpr uint32_t kLines = 128;
  constexpr uint64_t kStride = 4096 + 128;
  const std::string access = text(parameters, "access"), state = text(parameters, "state");
  const uint32_t home = text(parameters, "home") == "near" ? 0 : 1;
  std::vector<uint32_t> table;
  for (uint32_t place = 0; table.size() < kLines && home < spec.l2.partitions; ++place) {
    if (home_partition(spec.l2, place * kStride) == home) {
      table.push_back(place);
    }
  }
  if (table.empty()) {
    return {};
  }
  ProgramBuilder program("latency_by_home");
  const uint8_t at = program.cursor(1);
  program.stamp(0);
  program.loop(kLines);
  if (access == "load") {
    program.global_load(0, 1, 4, 1, true);
  } else if (access == "cp_async") {
    program.copy(0, 1, 16);
    program.copy_commit();
    program.copy_wait(0);
  } else {
    program.expect(0, 16);
    program.box(0, 1, 16, 0, false, 0);
    program.wait(0, at);
    program.advance(at);
  }
  program.delay(spec.sub_core.clock_cycles);
  program.end_loop();
  program.stamp(1);
  Kernel kernel = make_kernel("latency_by_home", kWholeSmShared);
  kernel.shape.barrier_counts = {1};
  add_warps(kernel, program.take(), 1);
  if (state != "hbm") {
    kernel.resident.push_back({0, (table.back() + 1) * kStride, state == "l2_replicated"});
  }
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, kStride, table.data(), table.size(), 0};
  // The clock is read around each line; the loop's branch lies between.
  return {{"median_cycles", run(spec, kernel, 1).first_cycles / kLines - spec.sub_core.branch_cycles},
          {"lines", double{512} / 2}};
}

Metrics cta_start(const GpuSpec& spec, const Parameters& parameters) {
  ProgramBuilder program("cta_start");
  program.stamp(0);
  program.delay(number(parameters, "stay_cycles"));
  program.stamp(1);
  Kernel kernel = make_kernel("cta_start", number(parameters, "shared_bytes"));
  add_warps(kernel, program.take(), number(parameters, "threads") / kWarpLanes);
  const Ran ran = run(spec, kernel, spec.sm_count);
  Cycle first = kNever, last = 0;
  for (const CtaRecord& cta : ran.result.ctas) {
    first = std::min(first, cta.begin);
    last = std::max(last, cta.begin);
  }
  return {{"first_wave_spread_s", double(last - first) / double(spec.sm_clock.value)}};
}

// Persistent CTAs draw numbers. Atomics are not modelled: the number comes as a load's answer would.
Metrics work_counter(const GpuSpec& spec, const Parameters& parameters) {
  constexpr uint32_t kItems = 64, kThreadWarps = 4;
  ProgramBuilder first("work_counter"), others("work_counter");
  for (ProgramBuilder* program : {&first, &others}) {
    program->stamp(0);
    program->loop(kItems);
    if (program == &first) {
      program->global_load(0, 1, 4, 1, true);
      program->shared(true, 1, 1);
    }
    program->named_sync(0, kThreadWarps);
    program->shared(false, 1, 1, true);
    program->named_sync(0, kThreadWarps);
    program->end_loop();
    program->stamp(1);
  }
  Kernel kernel = make_kernel("work_counter", kWholeSmShared);
  kernel.shape.named_barriers = 1;
  add_warps(kernel, first.take(), 1);
  add_warps(kernel, others.take(), kThreadWarps - 1);
  const uint32_t ctas = std::min(number(parameters, "ctas"), spec.sm_count);
  kernel.resident.push_back({0, kLineBytes});
  kernel.ctas.resize(ctas);
  for (CtaWork& work : kernel.ctas) {
    work.streams[0] = {0, kLineBytes, nullptr, 1, 0};
  }
  return {{"cycles_per_item_per_cta", run(spec, kernel, ctas).mean_cycles / kItems}};
}

}  // namespace tilewright::gpu::micro

// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/memory_latency.cu and memory_bandwidth.cu.
#include <algorithm>
#include <numeric>
#include <random>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/reads.h"

namespace tilewright::gpu::micro {
namespace {

// Rounds of loads over the positions of stream 0.
void read_loop(ProgramBuilder& program, uint32_t rounds, uint32_t pieces, uint32_t piece_bytes, uint32_t positions_between) {
  program.stamp(0);
  program.loop(rounds);
  read_round(program, pieces, piece_bytes, positions_between);
  program.end_loop();
  program.stamp(1);
}

WarpProgram read_program(uint32_t rounds, uint32_t pieces, uint32_t piece_bytes, uint32_t positions_between) {
  ProgramBuilder program("stream_read");
  read_loop(program, rounds, pieces, piece_bytes, positions_between);
  return program.take();
}

// Of CTAs that read `bytes` each: the mean of each one's rate, and what all move until the last is through.
Metrics read_rates(const GpuSpec& spec, Kernel& kernel, double bytes, const char* total) {
  const auto ctas = static_cast<uint32_t>(kernel.ctas.size());
  const Ran ran = run(spec, kernel, ctas);
  return {{"bytes_per_cycle_per_sm", bytes / ran.mean_cycles},
          {total, bytes * ctas / ran.span_cycles * double(spec.sm_clock.value)}};
}

}  // namespace

// Readers take chunks of 64 KB in turn.
Metrics stream_read(const GpuSpec& spec, const Parameters& parameters) {
  const bool in_l2 = text(parameters, "residency") == "l2";
  const uint32_t sms = std::min(number(parameters, "sms"), spec.sm_count), rounds = sms > 32 ? 6 : 12;
  const uint64_t footprint = parameters.at("footprint_bytes").get<uint64_t>();
  Kernel kernel = make_kernel("stream_read", kWholeSmShared);
  add_warps(kernel, read_program(rounds, 1, kAccessBytes, kWarps - 1), kWarps);
  stagger_warps(kernel, 1);
  std::vector<std::vector<uint32_t>> tables(sms);
  for (uint32_t c = 0; c < sms; ++c) {
    for (uint64_t r = 0; r < rounds; ++r) {
      append_chunk(tables[c], r * sms + c, footprint);
    }
    CtaWork work;
    work.streams[0] = {0, kAccessBytes, tables[c].data(), tables[c].size(), 0};
    kernel.ctas.push_back(work);
  }
  if (in_l2) {
    kernel.resident.push_back({0, std::min<uint64_t>(footprint, uint64_t{rounds} * sms * kChunk * kAccessBytes)});
  }
  return read_rates(spec, kernel, double(rounds) * kChunk * kAccessBytes, "bytes_per_second");
}

Metrics footprint_read(const GpuSpec& spec, const Parameters& parameters) {
  const uint64_t footprint = parameters.at("footprint_bytes").get<uint64_t>();
  const bool shared = text(parameters, "lines") == "shared_by_all";
  constexpr uint32_t kRounds = 6;
  Kernel kernel = make_kernel("footprint_read", kWholeSmShared);
  add_warps(kernel, read_program(kRounds, 1, kAccessBytes, kWarps - 1), kWarps);
  stagger_warps(kernel, 1);
  std::vector<std::vector<uint32_t>> tables(spec.sm_count);
  for (uint32_t c = 0; c < spec.sm_count; ++c) {
    for (uint64_t r = 0; r < kRounds; ++r) {
      append_chunk(tables[c], shared ? r : r * spec.sm_count + c, footprint);
    }
    CtaWork work;
    work.streams[0] = {0, kAccessBytes, tables[c].data(), tables[c].size(), 0};
    kernel.ctas.push_back(work);
  }
  kernel.resident.push_back({0, footprint});
  return read_rates(spec, kernel, double(kRounds) * kChunk * kAccessBytes, "requested_bytes_per_second");
}

// Every SM of the first `sms` reads all of a buffer that is in HBM; the one of rank r starts r x `skew_cycles` after the first.
Metrics same_line_read(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t sms = std::min(number(parameters, "sms"), spec.sm_count), skew = number(parameters, "skew_cycles");
  const auto bytes = parameters.at("bytes").get<uint64_t>();
  ProgramBuilder program("same_line_read");
  program.loop_parameter(0);
  program.delay(skew > spec.sub_core.branch_cycles ? skew - spec.sub_core.branch_cycles : 1);
  program.end_loop();
  read_loop(program, static_cast<uint32_t>(bytes / (kWarps * kUnroll * kAccessBytes)), 1, kAccessBytes, kWarps - 1);
  Kernel kernel = make_kernel("same_line_read", kWholeSmShared);
  add_warps(kernel, program.take(), kWarps);
  stagger_warps(kernel, 1);
  for (uint32_t c = 0; c < sms; ++c) {
    CtaWork work;
    work.parameters[0] = skew == 0 ? 0 : c;
    work.streams[0] = {0, kAccessBytes, nullptr, bytes / kAccessBytes, 0};
    kernel.ctas.push_back(work);
  }
  return read_rates(spec, kernel, double(bytes), "bytes_per_second");
}

// Two CTAs an SM read pieces in the order of a list; the reading of the list itself is left out.
Metrics pieces(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t piece = number(parameters, "piece_bytes"), kept = number(parameters, "kept_percent");
  const bool random_order = text(parameters, "order") == "random";
  const uint32_t ctas = spec.sm_count * 2, per_access = std::max(1U, kAccessBytes / piece);
  constexpr uint32_t kRounds = 2;
  const uint64_t accesses = uint64_t{ctas} * kWarps * kUnroll * kRounds;
  const auto wanted = static_cast<uint32_t>(accesses * kAccessBytes / piece);
  const uint64_t places = parameters.at("window_bytes").get<uint64_t>() / piece;
  std::mt19937 random(piece * 101 + kept);
  std::vector<uint32_t> order(wanted);
  if (random_order) {
    for (uint32_t& place : order) {
      place = static_cast<uint32_t>(random() % places);
    }
  } else {
    uint64_t place = 0;
    for (uint32_t& chosen : order) {
      while (random() % 100 >= kept) {
        ++place;
      }
      chosen = static_cast<uint32_t>(place++ % places);
    }
  }
  std::vector<uint32_t> halves;  // long pieces as runs of accesses
  const uint32_t unit = std::min(piece, kAccessBytes);
  if (piece > kAccessBytes) {
    for (const uint32_t place : order) {
      for (uint32_t i = 0; i < piece / kAccessBytes; ++i) {
        halves.push_back(place * (piece / kAccessBytes) + i);
      }
    }
    order.swap(halves);
  }
  Kernel kernel = make_kernel("pieces", 1024);
  const uint32_t stride = ctas * kWarps * per_access;
  add_warps(kernel, read_program(kRounds, per_access, unit, stride - per_access), kWarps);
  stagger_warps(kernel, per_access);
  for (uint32_t c = 0; c < ctas; ++c) {
    CtaWork work;
    work.streams[0] = {0, unit, order.data(), order.size(), uint64_t{c} * kWarps * per_access};
    kernel.ctas.push_back(work);
  }
  const Ran ran = run(spec, kernel, spec.sm_count);
  const double seconds = double(ran.result.cycles) / double(spec.sm_clock.value);
  return {{"useful_bytes_per_second", double(accesses) * kAccessBytes / seconds}};
}

// One load after the other, each timed; without the clock it is a chain of addresses.
Metrics line_latency(const GpuSpec& spec, bool resident) {
  constexpr uint32_t kLines = 128;
  const uint64_t stride = resident ? 4224 : (uint64_t{1} << 20) + 4224;
  ProgramBuilder program("line_latency");
  program.stamp(0);
  for (uint32_t i = 0; i < kLines; ++i) {
    program.global_load(0, 1, 4, 1, true);
    program.delay(spec.sub_core.clock_cycles);
  }
  program.stamp(1);
  Kernel kernel = make_kernel("line_latency", 1024);
  add_warps(kernel, program.take(), 1);
  if (resident) {
    kernel.resident.push_back({0, kLines * stride});
  }
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, stride, nullptr, kLines, 0};
  return {{"median_cycles", run(spec, kernel, 1).first_cycles / kLines}};
}

Metrics chase(const GpuSpec& spec, const Parameters& parameters) {
  const uint64_t footprint = parameters.at("footprint_bytes").get<uint64_t>();
  constexpr uint32_t kSteps = 1024;
  std::mt19937_64 random(footprint);
  std::vector<uint32_t> order(kSteps);
  for (uint32_t& place : order) {
    place = static_cast<uint32_t>(random() % (footprint / kLineBytes));
  }
  ProgramBuilder program("chase");
  program.stamp(0);
  program.loop(kSteps / 32);
  for (uint32_t i = 0; i < 32; ++i) {
    program.global_load(0, 1, 8, 2, true);
  }
  program.end_loop();
  program.stamp(1);
  Kernel kernel = make_kernel("chase", 1024);
  add_warps(kernel, program.take(), 1);
  kernel.resident.push_back({0, footprint});
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, kLineBytes, order.data(), order.size(), 0};
  return {{"latency_cycles", run(spec, kernel, 1).first_cycles / kSteps}};
}

}  // namespace tilewright::gpu::micro

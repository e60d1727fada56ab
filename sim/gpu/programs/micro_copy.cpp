// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/cp_async.cu and tma.cu.
#include <algorithm>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {
namespace {

// Instructions of the loops, set from calibration points of the suites named.
constexpr uint32_t kStreamArithmetic = 10;   // cp_async_stream: the next offset, in 64 bits, and its wrap
constexpr uint32_t kBulkBefore = 74, kBulkAfter = 32;      // tma_stream: address, arming, the walk to the next box
constexpr uint32_t kTensorBefore = 50, kTensorAfter = 28;
constexpr uint32_t kIssueBefore = 64;                      // tma_issue: clock, election, arming
constexpr uint32_t kBulkGap = 20, kTensorGap = 16;         // between two copies of one elected thread

void resident(Kernel& kernel, const Parameters& parameters, uint64_t bytes) {
  if (text(parameters, "residency") == "l2") {
    kernel.resident.push_back({0, bytes});
  }
}

}  // namespace

// One thread and one line at a time, far apart.
Metrics cp_async_latency(const GpuSpec& spec, const Parameters& parameters) {
  constexpr uint32_t kLines = 128;
  const bool in_l2 = text(parameters, "residency") == "l2";
  const uint64_t stride = in_l2 ? 4224 : (uint64_t{2} << 20) + 4224;
  ProgramBuilder program("cp_async_latency");
  program.stamp(0);
  for (uint32_t i = 0; i < kLines; ++i) {
    program.copy(0, 1, 16);
    program.copy_commit();
    program.copy_wait(0);
    program.delay(spec.sub_core.clock_cycles);
  }
  program.stamp(1);
  Kernel kernel = make_kernel("cp_async_latency", 4096);
  add_warps(kernel, program.take(), 1);
  resident(kernel, parameters, kLines * stride);
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, stride, nullptr, kLines, 0};
  return {{"median_cycles", run(spec, kernel, 1).first_cycles / kLines}};
}

// All warps start together; each stamps the end of its own issue, all the moment at which the last copy has landed.
Metrics cp_async_issue(const GpuSpec& spec, const Parameters& parameters) {
  constexpr uint32_t kLanded = 1, kIssued = 2;
  const uint32_t burst = number(parameters, "burst"), warps = number(parameters, "warps");
  Kernel kernel = make_kernel("cp_async_issue", 64 * 1024);
  kernel.shape.named_barriers = 1;
  for (uint32_t w = 0; w < warps; ++w) {
    ProgramBuilder program("cp_async_issue");
    program.named_sync(0, warps);
    program.stamp(0);
    for (uint32_t i = 0; i < burst; ++i) {
      program.copy(0, 1, kCopyBytes);
    }
    program.stamp(kIssued + w);
    program.copy_commit();
    program.copy_wait(0);
    program.stamp(kLanded);
    add_warps(kernel, program.take(), 1);
  }
  stagger_warps(kernel, 64);
  kernel.resident.push_back({0, kResidentBytes / 8});
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, kCopyBytes, nullptr, kResidentBytes / kCopyBytes, 0};
  const Ran ran = run(spec, kernel, 1);
  const auto& stamps = ran.result.ctas.front().stamps;
  double sum = 0, slowest = 0;
  for (uint32_t w = 0; w < warps; ++w) {
    const auto cycles = double(stamps[kIssued + w] - stamps[0]);
    sum += cycles;
    slowest = std::max(slowest, cycles);
  }
  return {{"issue_cycles", sum / warps},
          {"issue_interval_cycles", sum / warps / burst},
          {"slowest_warp_interval_cycles", slowest / burst},
          {"sm_interval_cycles", slowest / (burst * warps)},
          {"landed_cycles", double(stamps[kLanded] - stamps[0])}};
}

Metrics cp_async_layout(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t warps = number(parameters, "warps"), depth = number(parameters, "copies_in_flight");
  const uint32_t wavefronts = text(parameters, "layout") == "chunk_major" ? 8 : 1;
  constexpr uint32_t kIterations = 48;
  ProgramBuilder program("cp_async_layout");
  program.stamp(0);
  program.loop(kIterations);
  for (uint32_t d = 0; d < depth; ++d) {
    program.copy_wait(depth - 1);
    program.copy(0, 1, kCopyBytes, wavefronts);
    program.copy_commit();
    program.skip(0, warps - 1);
  }
  program.end_loop();
  program.copy_wait(0);
  program.stamp(1);
  Kernel kernel = make_kernel("cp_async_layout", uint64_t{depth} * warps * kCopyBytes);
  add_warps(kernel, program.take(), warps);
  stagger_warps(kernel, 1);
  const uint64_t bytes = uint64_t{64} * depth * warps * kCopyBytes;
  kernel.resident.push_back({0, bytes});
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, kCopyBytes, nullptr, bytes / kCopyBytes, 0};
  const double cycles = run(spec, kernel, 1).first_cycles / (double(kIterations) * depth * warps);
  return {{"cycles_per_instruction", cycles}, {"bytes_per_cycle", kCopyBytes / cycles}};
}

Metrics cp_async_stream(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t warps = number(parameters, "warps"), depth = number(parameters, "copies_in_flight");
  const uint32_t sms = std::min(number(parameters, "sms"), spec.sm_count);
  const uint32_t iterations = std::max(4U, 256 / depth);
  ProgramBuilder program("cp_async_stream");
  program.stamp(0);
  program.loop(iterations);
  for (uint32_t d = 0; d < depth; ++d) {
    program.copy_wait(depth - 1);
    program.copy(0, 1, kCopyBytes);
    program.copy_commit();
    program.math(MathKind::kLop3, kStreamArithmetic);
    program.skip(0, sms * warps - 1);
  }
  program.end_loop();
  program.copy_wait(0);
  program.stamp(1);
  Kernel kernel = make_kernel("cp_async_stream", kWholeSmShared);
  add_warps(kernel, program.take(), warps);
  const bool in_l2 = text(parameters, "residency") == "l2";
  resident(kernel, parameters, kResidentBytes);
  const uint64_t bytes = in_l2 ? kResidentBytes : uint64_t{2} << 30;
  stagger_warps(kernel, 1);
  for (uint32_t c = 0; c < sms; ++c) {
    CtaWork work;
    work.streams[0] = {0, kCopyBytes, nullptr, bytes / kCopyBytes, uint64_t{c} * warps};
    kernel.ctas.push_back(work);
  }
  const double moved = double{kCopyBytes} * depth * iterations * warps;
  const double rate = moved / run(spec, kernel, sms).mean_cycles;
  return {{"bytes_per_cycle_per_sm", rate}, {"bytes_per_second", rate * sms * double(spec.sm_clock.value)}};
}

Metrics tma_stream(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t rows = number(parameters, "box_rows"), row_bytes = number(parameters, "box_columns") * 2;
  const uint32_t pitch = number(parameters, "matrix_columns") * 2, box = rows * row_bytes;
  const uint32_t slots = number(parameters, "boxes_in_flight"), sms = std::min(number(parameters, "sms"), spec.sm_count);
  const bool tensor = text(parameters, "copy") == "tensor", in_l2 = text(parameters, "residency") == "l2";
  const uint64_t bytes = in_l2 ? kResidentBytes : uint64_t{2} << 30;
  const uint32_t rounds = std::clamp(262144U / (box * slots), 6U, 96U);
  const uint32_t across = pitch / row_bytes;  // boxes side by side
  ProgramBuilder program("tma_stream");
  const uint8_t at = program.cursor(slots);
  program.stamp(0);
  program.loop(rounds);
  program.loop(slots);
  program.wait(0, at, 1);
  program.delay(tensor ? kTensorBefore : kBulkBefore);
  program.expect(0, box, at);
  tensor ? program.box(0, rows, row_bytes, pitch, true, 0, at) : program.box(0, 1, box, 0, false, 0, at);
  program.delay(tensor ? kTensorAfter : kBulkAfter);
  program.advance(at);
  program.end_loop();
  program.end_loop();
  for (uint32_t s = 0; s < slots; ++s) {
    program.wait(0, at, 1);
    program.advance(at);
  }
  program.stamp(1);
  Kernel kernel = make_kernel("tma_stream", std::max<uint64_t>(uint64_t{box} * slots, sms > 1 ? 120 * 1024 : 0));
  kernel.shape.barrier_counts.assign(slots, 1);
  add_warps(kernel, program.take(), 1, Role::kProducer);
  resident(kernel, parameters, std::min<uint64_t>(bytes, uint64_t{sms} * box * slots * rounds * across));
  // Along one row of boxes, then on by as many as there are CTAs.
  std::vector<std::vector<uint32_t>> tables(sms);
  const uint64_t down = bytes / (uint64_t{rows} * pitch);
  for (uint32_t c = 0; c < sms; ++c) {
    for (uint64_t row = c % down; tables[c].size() < std::size_t{slots} * rounds; row = (row + sms) % down) {
      for (uint32_t column = 0; column < across; ++column) {
        tables[c].push_back(static_cast<uint32_t>(tensor ? row * rows * across + column : row * across + column));
      }
    }
    CtaWork work;
    work.streams[0] = {0, tensor ? row_bytes : box, tables[c].data(), tables[c].size(), 0};
    kernel.ctas.push_back(work);
  }
  const double boxes = double(rounds) * slots, cycles = run(spec, kernel, sms).mean_cycles;
  return {{"cycles_per_box", cycles / boxes},
          {"bytes_per_cycle_per_sm", boxes * box / cycles},
          {"bytes_per_second", boxes * box * sms / cycles * double(spec.sm_clock.value)}};
}

Metrics tma_issue(const GpuSpec& spec, const Parameters& parameters) {
  const uint32_t box = number(parameters, "box_bytes"), boxes = number(parameters, "boxes");
  const bool tensor = text(parameters, "copy") == "tensor";
  ProgramBuilder program("tma_issue");
  const uint8_t at = program.cursor(1);
  program.stamp(0);
  program.delay(kIssueBefore);
  program.expect(0, boxes * box);
  for (uint32_t b = 0; b < boxes; ++b) {
    tensor ? program.box(0, box / 128, 128, 128, true, 0) : program.box(0, 1, box, 0, false, 0);
    program.delay(tensor ? kTensorGap : kBulkGap);
  }
  program.stamp(1);
  program.wait(0, at);
  program.stamp(2);
  Kernel kernel = make_kernel("tma_issue", uint64_t{box} * boxes);
  kernel.shape.barrier_counts = {1};
  add_warps(kernel, program.take(), 1, Role::kProducer);
  kernel.resident.push_back({0, uint64_t{box} * boxes});
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, box, nullptr, boxes, 0};
  const Ran ran = run(spec, kernel, 1);
  const auto& stamps = ran.result.ctas.front().stamps;
  return {{"landed_cycles", double(stamps[2] - stamps[0])},
          {"issue_cycles_per_box", ran.first_cycles / boxes},
          {"landed_bytes_per_cycle", double(boxes) * box / double(stamps[2] - stamps[0])}};
}

}  // namespace tilewright::gpu::micro

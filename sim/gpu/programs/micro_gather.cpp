// SPDX-License-Identifier: Apache-2.0
//
// Twins of gpu_ref/micro/gather.cu and tma_warps.cu: rows by cp.async or by the copy engine, a list says which.
#include <algorithm>
#include <random>

#include "sim/gpu/programs/micro.h"
#include "sim/gpu/programs/run.h"

namespace tilewright::gpu::micro {
namespace {

constexpr uint32_t kStageRows = 64;
constexpr uint32_t kTiles = 24;  // 256 on the card: the steady state is the same
constexpr uint32_t kEntryBytes = 4;
constexpr uint64_t kLists = uint64_t{5} << 30;  // where the lists lie

// A copy by the engine costs its warp instructions on the uniform datapath; where all lanes copy, the hardware takes
// them one after the other, with an election and a branch for each. Fitted: tma_warps.json, calibration points.
constexpr uint32_t kBulkInstructions = 5, kTensorInstructions = 4;
constexpr uint32_t kElectedTurn = 1, kBulkTurn = 36, kTensorTurn = 35;
constexpr uint32_t kElectedBatch = 232, kLanesBatch = 157;  // tma_rows: cycles of a batch beside its rows and its wait

void issue_row(ProgramBuilder& program, bool tensor, bool by_lanes) {
  program.math(MathKind::kOther, tensor ? kTensorInstructions : kBulkInstructions, 1, true);
  program.delay(!by_lanes ? kElectedTurn : tensor ? kTensorTurn : kBulkTurn);
}

struct Gather {
  std::string method;
  uint32_t row_bytes, producers, stages;
  bool chunk_major;
  bool copies() const { return method == "cp_async"; }
  bool dense() const { return method == "tensor_dense"; }
  bool tensor() const { return method == "tensor_row" || dense(); }
  // Rows of a warp. By the engine a thread has up to two rows, a block of threads apart.
  uint32_t warp_rows(uint32_t warp) const {
    if (copies()) {
      return kStageRows / producers;
    }
    return producers == 1 ? kStageRows : warp < 2 ? kStageRows / 2 : 0;
  }
  // A piece that one request of the copy reads; a tensor box is at most 128 bytes wide. Chunks that go to different
  // lines of shared memory are asked for one by one (counters_gather.json: 1,026 requests a tile of 1,024 chunks).
  uint32_t piece_bytes() const { return chunk_major ? 16 : tensor() ? 128 : row_bytes; }
  uint32_t pieces() const { return row_bytes / piece_bytes(); }  // of a row
};

// A warp's part of the next tile's list.
void load_list(ProgramBuilder& program, const Gather& test, uint32_t warp) {
  const uint32_t rows = test.dense() ? kStageRows / 2 : test.warp_rows(warp);
  for (uint32_t first = 0; first < rows; first += kWarpLanes) {
    program.global_load(1, 1, std::min(rows, kWarpLanes) * kEntryBytes, 1);
  }
}
void skip_lists(ProgramBuilder& program, const Gather& test, uint32_t warp) {
  const uint32_t rows = std::min(test.warp_rows(warp), kWarpLanes), loads = test.warp_rows(warp) / std::max(rows, 1U);
  program.skip(1, rows == 0 ? 0 : kStageRows / rows - loads);
}

// Every lane keeps row numbers of the next tile, and hands them to the lanes that copy the row. Instructions as in SASS:
// 313, 177 and 113 a tile by one, two and four warps, for which the compiler asks 546 cycles of the one warp. Left out: an
// address's registers are free again only when its copy has read them, which holds the one warp for another 250 cycles.
WarpProgram produce_cp_async(const Gather& test, uint32_t warp, uint32_t full, uint32_t empty) {
  const uint32_t pass_rows = kCopyBytes / test.row_bytes, passes = test.warp_rows(warp) / pass_rows;
  ProgramBuilder program("produce_cp_async");
  const uint8_t at = program.cursor(test.stages);
  load_list(program, test, warp);
  program.loop(kTiles);
  program.load_wait(0);
  program.arithmetic({10, 7, 0});  // where the next list lies; the stage
  load_list(program, test, warp);
  skip_lists(program, test, warp);
  program.wait(empty, at, 1);
  program.math(MathKind::kShfl, passes, 1, true);
  for (uint32_t pass = 0; pass < passes; ++pass) {
    program.math(MathKind::kImad, 3, 2);  // row number times row bytes, in 64 bits, plus the chunk; the destination
    program.math(MathKind::kLop3, 3, 2);
    program.copy(0, pass_rows * test.pieces(), test.piece_bytes());
  }
  program.skip(0, (kStageRows - test.warp_rows(warp)) * test.pieces());
  program.copy_arrive(full, at);
  program.arithmetic({11, 5, 0});
  program.advance(at);
  program.end_loop();
  program.load_wait(0);
  return program.take();
}

WarpProgram produce_by_tma(const Gather& test, uint32_t warp, uint32_t full, uint32_t empty) {
  ProgramBuilder program("produce_by_tma");
  const uint8_t at = program.cursor(test.stages);
  load_list(program, test, warp);
  program.loop(kTiles);
  program.load_wait(0);
  program.arithmetic({8, 8, 2});
  load_list(program, test, warp);
  skip_lists(program, test, warp);
  program.wait(empty, at, 1);
  if (warp == 0) {
    program.expect(full, kStageRows * test.row_bytes, at);
  }
  const uint32_t boxes = test.dense() ? (warp == 0 ? test.pieces() : 0) : test.warp_rows(warp) * test.pieces();
  for (uint32_t box = 0; box < boxes; ++box) {
    issue_row(program, test.tensor(), !test.dense());
    program.box(0, test.dense() ? kStageRows : 1, test.piece_bytes(), test.row_bytes, test.tensor(), full, at);
  }
  if (!test.dense()) {
    program.skip(0, kStageRows * test.pieces() - boxes);
  }
  program.arithmetic({6, 3, 0});
  program.advance(at);
  program.end_loop();
  program.load_wait(0);
  return program.take();
}

WarpProgram give_back(const Gather& test) {
  ProgramBuilder program("consume");
  const uint8_t at = program.cursor(test.stages);
  program.stamp(0);
  program.loop(kTiles);
  program.wait(0, at);
  program.arrive(test.stages, 1, at);
  program.advance(at);
  program.end_loop();
  program.stamp(1);
  return program.take();
}

std::vector<uint32_t> gather_list(const std::string& order, uint32_t entries, uint32_t rows, uint32_t seed) {
  const uint32_t length = order.starts_with("runs_of_") ? static_cast<uint32_t>(std::stoul(order.substr(8))) : 1;
  std::mt19937 random(seed);
  std::vector<uint32_t> starts(entries / length);
  for (uint32_t& start : starts) {
    start = static_cast<uint32_t>(random() % (rows / length) * length);
  }
  if (order == "sorted") {
    std::sort(starts.begin(), starts.end());
  }
  std::vector<uint32_t> list;
  for (const uint32_t start : starts) {
    for (uint32_t i = 0; i < length; ++i) {
      list.push_back(start + i);
    }
  }
  return list;
}

// The pieces in the order in which they are asked for.
std::vector<uint32_t> pieces_of(const Gather& test, const std::vector<uint32_t>& rows) {
  std::vector<uint32_t> pieces;
  for (std::size_t i = 0; i < rows.size(); i += test.dense() ? kStageRows : 1) {
    for (uint32_t piece = 0; piece < test.pieces(); ++piece) {
      pieces.push_back(rows[i] * test.pieces() + piece);
    }
  }
  return pieces;
}

Kernel gather_kernel(const Gather& test) {
  Kernel kernel = make_kernel("gather", 120 * 1024);
  kernel.shape.barrier_counts.assign(test.stages, test.copies() ? test.producers * kWarpLanes : 1);
  kernel.shape.barrier_counts.insert(kernel.shape.barrier_counts.end(), test.stages, 1);
  for (uint32_t w = 0; w < test.producers; ++w) {
    add_warps(kernel, test.copies() ? produce_cp_async(test, w, 0, test.stages) : produce_by_tma(test, w, 0, test.stages), 1,
              Role::kProducer);
    kernel.shape.warps.back().stream_start[0] = test.dense() ? 0 : w * test.warp_rows(0) * test.pieces();
    kernel.shape.warps.back().stream_start[1] = w * std::max(1U, test.warp_rows(0) / kWarpLanes);
  }
  add_warps(kernel, give_back(test), 1);
  return kernel;
}

}  // namespace

Metrics gather(const GpuSpec& spec, const Parameters& parameters) {
  const Gather test{text(parameters, "method"), number(parameters, "row_bytes"), number(parameters, "producer_warps"),
                    number(parameters, "stages"), text(parameters, "layout") == "chunk_major"};
  const uint32_t sms = std::min(number(parameters, "sms"), spec.sm_count);
  const bool in_l2 = text(parameters, "residency") == "l2";
  const uint64_t window = parameters.contains("window_bytes") ? number(parameters, "window_bytes") : kResidentBytes;
  const uint64_t bytes = in_l2 ? window : uint64_t{4} << 30;
  const uint32_t unit = std::min(test.warp_rows(0), kWarpLanes) * kEntryBytes;
  constexpr uint64_t kListBytes = uint64_t{kTiles + 1} * kStageRows * kEntryBytes;
  Kernel kernel = gather_kernel(test);
  if (in_l2) {
    kernel.resident = {{0, window}, {kLists, sms * kListBytes}};
  }
  std::vector<std::vector<uint32_t>> lists;
  for (uint32_t c = 0; c < sms; ++c) {
    lists.push_back(pieces_of(test, gather_list(text(parameters, "order"), kTiles * kStageRows,
                                                static_cast<uint32_t>(bytes / test.row_bytes), 17 + c)));
  }
  for (uint32_t c = 0; c < sms; ++c) {
    CtaWork work;
    work.streams[0] = {0, test.piece_bytes(), lists[c].data(), lists[c].size(), 0};
    work.streams[1] = {kLists + c * kListBytes, unit, nullptr, kListBytes / unit, 0};
    kernel.ctas.push_back(work);
  }
  const Ran ran = run(spec, kernel, sms);
  const double cycles = ran.mean_cycles, moved = double{kTiles} * kStageRows * test.row_bytes;
  return {{"bytes_per_cycle_per_sm", moved / cycles},
          {"cycles_per_row", cycles / (kTiles * kStageRows)},
          {"bytes_per_second", moved * sms / ran.span_cycles * double(spec.sm_clock.value)}};
}

Metrics tma_rows(const GpuSpec& spec, const Parameters& parameters) {
  constexpr uint32_t kBatches = 2, kRounds = 64;
  const uint32_t warps = number(parameters, "warps"), rows = number(parameters, "rows");
  const uint32_t row_bytes = number(parameters, "row_bytes");
  const bool tensor = text(parameters, "copy") == "tensor", by_lanes = text(parameters, "issuer") == "lanes";
  Kernel kernel = make_kernel("tma_rows", uint64_t{warps} * kBatches * rows * row_bytes);
  kernel.shape.barrier_counts.assign(std::size_t{warps} * kBatches, 1);
  for (uint32_t w = 0; w < warps; ++w) {
    ProgramBuilder program("tma_rows");
    const uint8_t at = program.cursor(kBatches);
    program.stamp(0);
    program.loop(kRounds);
    program.wait(w * kBatches, at, 1);
    program.delay(by_lanes ? kLanesBatch : kElectedBatch);
    program.expect(w * kBatches, rows * row_bytes, at);
    for (uint32_t row = 0; row < rows; ++row) {
      issue_row(program, tensor, by_lanes);
      program.box(0, 1, row_bytes, 0, tensor, w * kBatches, at);
    }
    program.skip(0, (warps - 1) * rows);
    program.advance(at);
    program.end_loop();
    for (uint32_t batch = 0; batch < kBatches; ++batch) {
      program.wait(w * kBatches, at, 1);
      program.advance(at);
    }
    program.stamp(1);
    add_warps(kernel, program.take(), 1, Role::kProducer);
  }
  stagger_warps(kernel, rows);
  kernel.resident.push_back({0, kResidentBytes});
  kernel.ctas.resize(1);
  kernel.ctas[0].streams[0] = {0, row_bytes, nullptr, kResidentBytes / row_bytes, 0};
  const double copies = double{kRounds} * rows, cycles = run(spec, kernel, 1).span_cycles;
  return {{"cycles_per_row", cycles / (copies * warps)}, {"cycles_per_row_of_a_warp", cycles / copies}};
}

}  // namespace tilewright::gpu::micro

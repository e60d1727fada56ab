// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/attention_warps.h"

#include <algorithm>

namespace tilewright::gpu::attention {

using workloads::KernelSource;
using workloads::Overlap;

namespace {

// Instructions between those that are modelled one by one.
constexpr uint32_t kBoxCycles = 50;      // tma_stream: address and arming of one thread's next box
constexpr uint32_t kTileArithmetic = 8;  // ring, addresses of the tile's operands, tail test
constexpr uint32_t kListRead = 38;       // a group of list entries out of L1, read into registers
constexpr uint32_t kReadBack = 200;      // the store unit's reading of an output tile

// ---- producer ----

// rows of the tile as boxes of key_block rows and 64 columns
void load_tile(ProgramBuilder& program, const Shape& shape, uint8_t stream, uint32_t full, uint8_t ring) {
  const AttentionKernel& kernel = shape.kernel;
  program.expect(full, shape.tile_bytes(), ring);
  if (shape.engine) {
    for (uint32_t row = 0; row < kernel.key_tile; row += shape.rows_of_engine) {
      program.delay(kBoxCycles);
      program.gather(stream, std::min(shape.rows_of_engine, kernel.key_tile - row), shape.row_bytes(), full, ring);
    }
    return;
  }
  for (uint32_t box = 0; box < kernel.key_tile / kernel.key_block * shape.subtiles(); ++box) {
    program.delay(kBoxCycles);
    program.box(stream, kernel.key_block, 128, shape.row_bytes(), true, full, ring);
  }
}

// Four warps: each thread copies 16 bytes of a row, a warp a few rows at a time; list entries are read in groups of four.
void gather_tile(ProgramBuilder& program, const Shape& shape, uint8_t stream, uint32_t full, uint8_t ring) {
  const uint32_t rows_at_once = 512 / shape.row_bytes(), passes = shape.kernel.key_tile / (4 * rows_at_once);
  const uint32_t group = passes % 4 == 0 ? 4 : 2;
  program.delay(kListRead);
  for (uint32_t pass = 0; pass < passes; pass += group) {
    program.math(MathKind::kImad, group);
    program.math(MathKind::kLop3, 2 * group);
    for (uint32_t i = 0; i < group; ++i) {
      program.copy(stream, rows_at_once, shape.row_bytes());
    }
  }
  program.skip(stream, shape.kernel.key_tile - passes * rows_at_once);
  program.copy_arrive(full, ring);
}

}  // namespace

WarpProgram produce(const Shape& shape, bool first_warp) {
  const Places& places = shape.places;
  ProgramBuilder program("produce");
  const uint8_t ring = program.cursor(shape.kernel.stages), buffer = program.cursor(places.query_buffers);
  const auto tile = [&] {
    program.math(MathKind::kLop3, kTileArithmetic);
    program.wait(places.key_empty(), ring, 1);
    shape.copies() ? gather_tile(program, shape, kKeyStream, places.key_full(), ring)
                   : load_tile(program, shape, kKeyStream, places.key_full(), ring);
    program.wait(places.value_empty(), ring, 1);
    shape.copies() ? gather_tile(program, shape, kValueStream, places.value_full(), ring)
                   : load_tile(program, shape, kValueStream, places.value_full(), ring);
    program.advance(ring);
  };
  program.loop_parameter(0);
  if (first_warp) {
    program.wait(places.query_empty(), buffer, 1);
    program.expect(places.query_full(), shape.kernel.query_tile * shape.row_bytes(), buffer);
    for (uint32_t box = 0; box < shape.kernel.consumer_warpgroups * shape.subtiles(); ++box) {
      program.delay(kBoxCycles);
      program.box(kQueryStream, 64, 128, shape.row_bytes(), true, places.query_full(), buffer);
    }
    program.advance(buffer);
  }
  if (shape.copies()) {
    program.named_sync(places.producers(), 4);
  }
  tile();
  program.loop_from_list();
  tile();
  program.end_loop();
  program.end_loop();
  program.copy_wait(0);
  return program.take();
}

// ---- consumer ----

namespace {

class Consumer {
 public:
  Consumer(const Shape& shape, uint32_t group, bool lead)
      : shape_(shape), group_(group), lead_(lead), places_(shape.places), program_("consume") {
    keys_ = program_.cursor(shape.kernel.stages);
    values_ = program_.cursor(shape.kernel.stages);
    buffer_ = program_.cursor(places_.query_buffers);
  }

  WarpProgram build() {
    const uint32_t groups = shape_.kernel.consumer_warpgroups;
    if (turns() && group_ == groups - 1) {
      program_.named_arrive(places_.turn(0), 8);  // the first turn is a gift
    }
    program_.loop_parameter(0);
    program_.wait(places_.query_full(), buffer_);
    shape_.kernel.overlap == Overlap::kNone ? in_order() : pipelined();
    store_outputs();
    program_.end_loop();
    if (turns() && group_ == 0) {
      program_.named_sync(places_.turn(0), 8);  // takes the turn that was passed last
    }
    return program_.take();
  }

 private:
  bool turns() const { return shape_.kernel.overlap == Overlap::kPingpong && shape_.kernel.consumer_warpgroups > 1; }
  uint32_t scores() const { return shape_.kernel.key_tile / 2; }  // a thread's
  uint32_t outputs() const { return shape_.kernel.head_size / 2; }

  void wait_full(uint32_t barrier, uint8_t at) {
    program_.wait(barrier, at);
    if (shape_.copies()) {
      program_.fence();  // cp.async writes as ordinary stores do, the matrix unit reads past them
    }
  }
  void issue_scores() { program_.matrix(shape_.kernel.key_tile, shape_.kernel.head_size / 16, false); }
  void issue_outputs() { program_.matrix(shape_.kernel.head_size, shape_.kernel.key_tile / 16, true); }
  void release(uint32_t barrier, uint8_t at) { program_.arrive(barrier, 1, at); }

  // Row maxima in four chains, then over four lanes; weights; sums.
  void weigh() {
    program_.math(MathKind::kFmnmx, scores(), 1, true);
    for (uint32_t step = 0; step < 2; ++step) {
      program_.math(MathKind::kShfl, 2, 1, true);
      program_.math(MathKind::kFmnmx, 2, 1, true);
    }
    program_.math(MathKind::kFmnmx, 2, 1, true);
    program_.math(MathKind::kFmul, 4, 1, true);
    program_.math(MathKind::kEx2, 2, 1, true);
    program_.math(MathKind::kFmul, 2);
    // The compiler interleaves: the MUFU sets the pace, the rest fits between.
    for (uint32_t i = 0; i < scores(); ++i) {
      program_.math(MathKind::kFfma, 1);
      program_.math(MathKind::kEx2, 1);
      program_.math(MathKind::kFmul, 1);  // the sum of the score before: an add
    }
  }
  void rescale() { program_.math(MathKind::kFmul, outputs()); }
  void pack() { program_.math(MathKind::kF2fp, scores() / 2, 1, true); }

  void first_scores() {
    program_.math(MathKind::kLop3, kTileArithmetic);
    wait_full(places_.key_full(), keys_);
    issue_scores();
    program_.matrix_wait(0);
    release(places_.key_empty(), keys_);
    weigh();
  }

  // The scores of tile t + 1 and the outputs of tile t are in flight together.
  void pipelined() {
    first_scores();
    pack();
    program_.advance(keys_);
    program_.loop_from_list();
    program_.math(MathKind::kLop3, kTileArithmetic);
    wait_full(places_.key_full(), keys_);
    if (turns()) {
      program_.named_sync(places_.turn(group_), 8);
    }
    issue_scores();
    wait_full(places_.value_full(), values_);
    issue_outputs();
    if (turns()) {
      program_.named_arrive(places_.turn((group_ + 1) % shape_.kernel.consumer_warpgroups), 8);
    }
    program_.matrix_wait(1);
    release(places_.key_empty(), keys_);
    weigh();
    program_.matrix_wait(0);
    release(places_.value_empty(), values_);
    rescale();
    pack();
    program_.advance(keys_);
    program_.advance(values_);
    program_.end_loop();
    last_outputs();
  }

  void last_outputs() {
    wait_full(places_.value_full(), values_);
    issue_outputs();
    program_.matrix_wait(0);
    release(places_.value_empty(), values_);
    program_.advance(values_);
  }

  void in_order() {
    const auto tile = [&] {
      first_scores();
      rescale();
      pack();
      program_.advance(keys_);
      last_outputs();
    };
    tile();
    program_.loop_from_list();
    tile();
    program_.end_loop();
  }

  // Through the place where Q was, which is then empty.
  void store_outputs() {
    program_.math(MathKind::kShfl, 4, 1, true);
    program_.math(MathKind::kEx2, 2, 1, true);  // reciprocals
    program_.math(MathKind::kFmul, outputs());
    program_.math(MathKind::kF2fp, outputs() / 2);
    for (uint32_t i = 0; i < outputs() / 2; ++i) {
      program_.shared(true, 1, 1);
    }
    program_.fence();
    program_.named_sync(places_.epilogue(group_), 4);
    if (lead_) {
      program_.delay(kBoxCycles);
      program_.global_store(kOutputStream, 1, 64 * shape_.row_bytes(), 1);
      program_.skip(kOutputStream, shape_.kernel.consumer_warpgroups - 1);
      program_.delay(kReadBack);
      program_.arrive(places_.query_empty(), 1, buffer_);
    }
    program_.advance(buffer_);
  }

  const Shape& shape_;
  uint32_t group_;
  bool lead_;
  Places places_;
  ProgramBuilder program_;
  uint8_t keys_ = 0, values_ = 0, buffer_ = 0;
};

}  // namespace

WarpProgram consume(const Shape& shape, uint32_t group, bool lead) { return Consumer(shape, group, lead).build(); }

}  // namespace tilewright::gpu::attention

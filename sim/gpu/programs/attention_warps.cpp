// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/attention_warps.h"

#include "sim/gpu/programs/tile_code.h"

#include <algorithm>

namespace tilewright::gpu::attention {

using workloads::KernelSource;
using workloads::Overlap;

namespace {

// What the compiler puts between the instructions that are modelled one by one; a test holds all of a tile's against its machine
// code.
constexpr uint32_t kBoxCycles = 50;      // tma_stream: address and arming of one thread's next box
constexpr uint32_t kReadBack = 200;      // the store unit's reading of an output tile
constexpr uint32_t kQuotientCycles = 40; // an item's number into head and block
// What makes the descriptors of a wgmma: where products are in flight together in vector registers, else in uniform ones.
constexpr ProgramBuilder::Arithmetic kDescriptors = {4, 1, 3}, kUniformDescriptors = {1, 0, 7};

// ---- producer ----

// rows of the tile as boxes of key_block rows and 64 columns
void load_tile(ProgramBuilder& program, const Shape& shape, uint8_t stream, uint32_t full, uint8_t ring) {
  const AttentionKernel& kernel = shape.kernel;
  program.expect(full, shape.tile_bytes(), ring);
  if (shape.engine) {
    const uint32_t rows_at_once = shape.machine.gather_engine.rows_per_request;
    for (uint32_t row = 0; row < kernel.key_tile; row += rows_at_once) {
      program.delay(kBoxCycles);
      program.gather(stream, std::min(rows_at_once, kernel.key_tile - row), shape.row_bytes(), full, ring);
    }
    return;
  }
  for (uint32_t box = 0; box < kernel.key_tile / kernel.key_block * shape.subtiles(); ++box) {
    program.delay(kBoxCycles);
    program.box(stream, kernel.key_block, 128, shape.row_bytes(), true, full, ring);
  }
}

// Four warps: each thread copies 16 bytes of a row, a warp a few rows at a time. A window of the list is read ahead of the copies
// of the one before. The keys' reads leave them in L1 for the values, which wait for their first one only: the others come while
// copies issue.
void gather_tile(ProgramBuilder& program, const Shape& shape, uint8_t stream, uint32_t full, uint8_t ring) {
  const bool reads = stream == kKeyStream;
  const auto read_window = [&] {
    program.global_load(kListStream, 1, shape.window_bytes(), 1);
    program.skip(kListStream, kGatheringWarps - 1);
  };
  if (reads) {
    read_window();
  } else {
    program.delay(shape.machine.global_path.l1_hit_latency);
  }
  const uint32_t copies = shape.passes_of_window();
  for (uint32_t left = shape.windows(); left > 0; --left) {
    if (reads) {
      if (left > 1) {
        read_window();
      }
      program.load_wait(left > 1 ? 1 : 0);
    }
    program.math(MathKind::kImad, copies);
    program.math(MathKind::kLop3, 2 * copies);
    for (uint32_t i = 0; i < copies; ++i) {
      program.copy(stream, shape.rows_at_once(), shape.row_bytes());
    }
  }
  program.skip(stream, shape.kernel.key_tile - shape.passes() * shape.rows_at_once());
  program.copy_arrive(full, ring);
}

// How many keys an item has and where its list begins: two reads at once, which dense kernels do not need; of blocks the
// last one's number too.
void read_list_length(ProgramBuilder& program, const Shape& shape) {
  if (shape.kernel.kernel != KernelSource::kDense) {
    program.global_load(kCountStream, 1, 32, 1, true);
  }
  if (shape.kernel.kernel == KernelSource::kBlockSparse) {
    program.global_load(kCountStream, 1, 32, 1, true);
  }
}

}  // namespace

WarpProgram produce(const Shape& shape, bool first_warp) {
  const Places& places = shape.places;
  ProgramBuilder program("produce");
  const uint8_t ring = program.cursor(shape.kernel.stages), buffer = program.cursor(places.query_buffers);
  const auto load = [&](uint8_t stream, uint32_t full) {
    shape.copies() ? gather_tile(program, shape, stream, full, ring) : load_tile(program, shape, stream, full, ring);
  };
  const auto tile = [&](bool last) {
    program.arithmetic({4, 2, 4});
    program.wait(places.key_empty(), ring, 1);
    load(kKeyStream, places.key_full());
    // The kernel's prefetch brings the next tile's part of the list to L2, where it is read then; that it comes back to the SM is
    // the model's, and so is its place: loads are waited for in order, and those of the keys come first.
    if (shape.copies() && !last) {
      program.global_load(kPrefetchStream, 1, shape.list_bytes(), 1);
      program.skip(kPrefetchStream, kGatheringWarps - 1);
    }
    program.wait(places.value_empty(), ring, 1);
    load(kValueStream, places.value_full());
    program.advance(ring);
  };
  program.loop_parameter(0);
  read_list_length(program, shape);
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
    program.skip(kPrefetchStream, kGatheringWarps);
  }
  program.loop_from_list();
  tile(false);
  program.end_loop();
  tile(true);
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
    program_.shared(false, 1, 1, true);  // the item's number
    program_.delay(kQuotientCycles);
    read_list_length(program_, shape_);
    program_.math(MathKind::kOther, outputs());  // sums of zero
    if (shape_.kernel.code != nullptr) {
      from_machine_code();
    } else {
      overlaps() ? pipelined() : in_order();
    }
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

  // cp.async writes as ordinary stores do, the matrix unit reads past them.
  void make_visible() {
    if (shape_.copies()) {
      program_.fence();
    }
  }
  void wait_full(uint32_t barrier, uint8_t at) {
    program_.wait(barrier, at);
    make_visible();
  }
  void issue_scores() {
    program_.matrix_with_descriptors(shape_.kernel.key_tile, shape_.kernel.head_size / 16, false, descriptors());
  }
  void issue_outputs() {
    program_.matrix_with_descriptors(shape_.kernel.head_size, shape_.kernel.key_tile / 16, true, descriptors());
  }
  const ProgramBuilder::Arithmetic& descriptors() const { return overlaps() ? kDescriptors : kUniformDescriptors; }
  bool overlaps() const { return shape_.kernel.overlap != Overlap::kNone; }
  void release(uint32_t barrier, uint8_t at) { program_.arrive(barrier, 1, at); }

  // Maxima of the two rows a thread has, the second beside the first one's scaling; then the MUFU sets the pace, and what
  // has waited longest fits in between: scaling and rescaling first, sums and packing behind.
  void weigh(bool rescales) {
    const uint32_t half = scores() / 2;
    program_.arithmetic({8, 2, 2});
    program_.math(MathKind::kFmnmx, half, 1, true);
    program_.math(MathKind::kShfl, 1);
    program_.math(MathKind::kFmnmx, half / 2);
    program_.math(MathKind::kShfl, 1);
    for (uint32_t i = 0; i < half / 2 + 4; ++i) {
      program_.math(MathKind::kFmnmx, 1);
      program_.math(MathKind::kFfma, 2);
    }
    constexpr uint32_t kBetween = 7;  // FMA-pipe instructions between two of the MUFU, while there are any
    const uint32_t stream = scores() + 2;
    uint32_t scaling = scores() + 2 - std::min(scores(), half + 8) + (rescales ? outputs() : 0) + 4;
    uint32_t sums = scores(), packs = half;
    for (uint32_t i = 0; i < stream; ++i) {
      program_.math(MathKind::kEx2, 1);
      if (i == 2 || i == 5) {
        program_.math(MathKind::kShfl, 1);
      }
      const uint32_t now = std::min(scaling, kBetween);
      program_.math(MathKind::kFfma, now / 2);
      program_.math(MathKind::kFmul, now - now / 2);
      scaling -= now;
      if (now < kBetween && sums > 0) {
        const uint32_t left = stream - i;
        const uint32_t added = std::min(sums, static_cast<uint32_t>(divide_up(sums, left)));
        program_.math(MathKind::kFmul, added);
        sums -= added;
        const uint32_t packed = packs / left + (packs % left != 0 && i % 2 == 1 ? 1 : 0);
        program_.math(MathKind::kF2fp, std::min(packs, packed));
        packs -= std::min(packs, packed);
      }
    }
    program_.math(MathKind::kFmul, sums, 1, true);
    program_.math(MathKind::kF2fp, packs, 1, true);
  }

  void prepare_scores() {
    program_.arithmetic({3, 2, 4});
    wait_full(places_.key_full(), keys_);
    program_.arithmetic({5, 3, 8});
  }

  void first_scores() {
    prepare_scores();
    issue_scores();
    program_.matrix_wait(0);
    release(places_.key_empty(), keys_);
  }

  // The scores of tile t + 1 and the outputs of tile t are in flight together. The compiler waits for both before it
  // goes on with the scores: a warpgroup's softmax hides behind the others' products only.
  void pipelined() {
    first_scores();
    weigh(false);
    program_.advance(keys_);
    program_.loop_from_list();
    prepare_scores();
    if (turns()) {
      program_.named_sync(places_.turn(group_), 8);
    }
    issue_scores();
    wait_full(places_.value_full(), values_);
    program_.arithmetic({2, 1, 4});
    issue_outputs();
    if (turns()) {
      program_.named_arrive(places_.turn((group_ + 1) % shape_.kernel.consumer_warpgroups), 8);
    }
    program_.matrix_wait(1);
    release(places_.key_empty(), keys_);
    program_.matrix_wait(0);
    release(places_.value_empty(), values_);
    weigh(true);
    program_.advance(keys_);
    program_.advance(values_);
    program_.end_loop();
    wait_full(places_.value_full(), values_);
    last_outputs();
  }

  void last_outputs() {
    program_.arithmetic({2, 1, 6});
    issue_outputs();
    program_.matrix_wait(0);
    release(places_.value_empty(), values_);
    program_.advance(values_);
  }

  // The values are waited for ahead of the softmax, made visible to the matrix unit behind it.
  void in_order() {
    const auto tile = [&] {
      first_scores();
      program_.wait(places_.value_full(), values_);
      weigh(true);
      make_visible();
      program_.advance(keys_);
      last_outputs();
    };
    tile();
    program_.loop_from_list();
    tile();
    program_.end_loop();
  }

  void from_machine_code() {
    TileCode tile(shape_, group_, {keys_, values_}, program_);
    const auto whole = [&] {
      tile.whole();
      program_.advance(keys_);
      program_.advance(values_);
    };
    if (overlaps()) {
      tile.first_scores();
      program_.advance(keys_);
    } else {
      whole();
    }
    program_.loop_from_list();
    whole();
    program_.end_loop();
    if (overlaps()) {
      tile.last_outputs();
      program_.advance(values_);
    }
  }

  // Through the place where Q was, which is then empty.
  void store_outputs() {
    for (uint32_t row = 0; row < 2; ++row) {
      for (uint32_t step = 0; step < 2; ++step) {
        program_.math(MathKind::kShfl, 1, 1, true);
        program_.math(MathKind::kFmul, 1, 1, true);
      }
      program_.math(MathKind::kEx2, 1, 1, true);  // the reciprocal, and its refinement
      program_.math(MathKind::kFfma, 3, 4);
    }
    program_.math(MathKind::kFmul, outputs());
    program_.arithmetic({20, 24, 8});
    program_.math(MathKind::kF2fp, outputs() / 2);
    for (uint32_t i = 0; i < outputs() / 2; ++i) {
      program_.shared(true, 1, 1);
    }
    program_.fence();
    program_.named_sync(places_.epilogue(group_), 4);
    if (lead_) {
      program_.shared(false, 1, 1, true);
      program_.delay(kQuotientCycles + kBoxCycles);
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

// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/attention.h"

#include <algorithm>
#include <queue>

#include "sim/gpu/parts.h"
#include "sim/gpu/programs/builder.h"

namespace tilewright::gpu {
namespace {

using workloads::AttentionKernel;
using workloads::AttentionProblem;
using workloads::KernelSource;
using workloads::Overlap;

// Instructions between those that are modelled one by one.
constexpr uint32_t kBoxCycles = 50;      // tma_stream: address and arming of one thread's next box
constexpr uint32_t kTileArithmetic = 8;  // ring, addresses of the tile's operands, tail test
constexpr uint32_t kListRead = 38;       // a group of list entries out of L1, read into registers
constexpr uint32_t kReadBack = 200;      // the store unit's reading of an output tile

constexpr uint8_t kKeyStream = 0, kValueStream = 1, kQueryStream = 2, kOutputStream = 3;

// Barriers and named barriers of a CTA, as Places in gpu_ref/attention/layout.cuh.
struct Places {
  uint32_t stages, groups, query_buffers;
  uint32_t key_full() const { return 0; }
  uint32_t key_empty() const { return stages; }
  uint32_t value_full() const { return 2 * stages; }
  uint32_t value_empty() const { return 3 * stages; }
  uint32_t query_full() const { return 4 * stages; }
  uint32_t query_empty() const { return 4 * stages + query_buffers; }
  uint32_t turn(uint32_t group) const { return group; }
  uint32_t epilogue(uint32_t group) const { return groups + group; }
  uint32_t producers() const { return 2 * groups; }
};

struct Shape {
  const AttentionKernel& kernel;
  Places places;
  bool engine;  // gathered tiles by the gather engine
  uint32_t rows_of_engine;
  uint32_t row_bytes() const { return kernel.head_size * 2; }
  uint32_t subtiles() const { return kernel.head_size / 64; }
  uint32_t tile_bytes() const { return kernel.key_tile * row_bytes(); }
  bool copies() const { return kernel.kernel == KernelSource::kGather && !engine; }
};

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

// ---- CTAs ----

uint64_t query_bytes(const AttentionKernel& kernel) { return uint64_t{kernel.query_tile} * kernel.head_size * 2; }

uint64_t shared_bytes(const AttentionKernel& kernel, uint32_t buffers) {
  const uint64_t tile = uint64_t{kernel.key_tile} * kernel.head_size * 2;
  return buffers * query_bytes(kernel) + 2 * kernel.stages * tile + 8 * (4 + 4 * kernel.stages) + 8;
}

uint32_t query_buffers(const AttentionKernel& kernel) {
  const uint64_t limit = kernel.consumer_warpgroups == 1 ? 233472 / 2 - 1024 : 232448;
  return shared_bytes(kernel, 2) <= limit ? 2 : 1;
}

void add_shape(const Shape& shape, Kernel& kernel) {
  const AttentionKernel& spec = shape.kernel;
  const Places& places = shape.places;
  CtaShape& cta = kernel.shape;
  const uint32_t full = shape.copies() ? 4 * kWarpLanes : 1, empty = 4 * spec.consumer_warpgroups;
  for (const uint32_t count : {full, empty, full, empty}) {
    cta.barrier_counts.insert(cta.barrier_counts.end(), spec.stages, count);
  }
  cta.barrier_counts.insert(cta.barrier_counts.end(), places.query_buffers, 1);
  cta.barrier_counts.insert(cta.barrier_counts.end(), places.query_buffers, spec.consumer_warpgroups);
  cta.named_barriers = 2 * places.groups + 1;
  cta.shared_bytes = shared_bytes(spec, places.query_buffers);
  const uint32_t threads = 128 * (1 + spec.consumer_warpgroups);
  const uint32_t registers = 128 * (spec.producer_registers + spec.consumer_warpgroups * spec.consumer_registers);
  cta.registers_per_thread = registers / threads / 8 * 8;
  // The producer warpgroup's other warps leave at once where one thread loads.
  const uint32_t rows_at_once = 512 / shape.row_bytes();
  for (uint32_t w = 0; w < (shape.copies() ? 4U : 1U); ++w) {
    add_warps(kernel, produce(shape, w == 0), 1, Role::kProducer);
    const uint32_t rows = spec.key_tile / (4 * rows_at_once) * rows_at_once * w;
    cta.warps.back().stream_start = {rows, rows, 0, 0, 0, 0};
  }
  if (!shape.copies()) {
    ProgramBuilder idle("idle");
    add_warps(kernel, idle.take(), 3, Role::kProducer);
  }
  for (uint32_t g = 0; g < spec.consumer_warpgroups; ++g) {
    for (uint32_t w = 0; w < 4; ++w) {
      add_warps(kernel, Consumer(shape, g, w == 0).build(), 1, Role::kConsumer);
      cta.warps.back().warpgroup = static_cast<uint8_t>(g);
      cta.warps.back().stream_start[kOutputStream] = g;
    }
    ++cta.warpgroups;
  }
}

// One CTA's tables while items are added to it.
struct CtaItems {
  std::vector<uint32_t> keys, queries, outputs, counts;
};

struct Builder {
  const Shape& shape;
  const AttentionProblem& problem;
  AttentionRun& run;

  void add(CtaItems& cta, const masks::WorkList& work, uint32_t head, uint32_t block) const {
    const AttentionKernel& kernel = shape.kernel;
    const uint32_t tiles = tiles_of(work, block), first_row = head * problem.keys;
    cta.counts.push_back(tiles - 1);
    const uint32_t query = head * problem.queries + block * kernel.query_tile;
    for (uint32_t g = 0; g < kernel.consumer_warpgroups; ++g) {
      cta.outputs.push_back(query + g * 64);
      for (uint32_t s = 0; s < shape.subtiles(); ++s) {
        cta.queries.push_back((query + g * 64) * shape.subtiles() + s);
      }
    }
    for (uint32_t tile = 0; tile < tiles; ++tile) {
      kernel.kernel == KernelSource::kGather ? add_rows(cta, work, first_row, block, tile)
                                             : add_boxes(cta, work, first_row, block, tile);
    }
    run.tiles += tiles;
    ++run.items;
  }

  uint32_t tiles_of(const masks::WorkList& work, uint32_t block) const {
    const AttentionKernel& kernel = shape.kernel;
    if (kernel.kernel == KernelSource::kBlockSparse) {
      return static_cast<uint32_t>(divide_up(work.tiles_of(block), kernel.key_tile / kernel.key_block));
    }
    return static_cast<uint32_t>(work.tiles_of(block));
  }

 private:
  void add_boxes(CtaItems& cta, const masks::WorkList& work, uint32_t first_row, uint32_t block, uint32_t tile) const {
    const AttentionKernel& kernel = shape.kernel;
    const uint32_t parts = kernel.key_tile / kernel.key_block;
    for (uint32_t part = 0; part < parts; ++part) {
      uint32_t row = first_row + tile * kernel.key_tile + part * kernel.key_block;
      if (kernel.kernel == KernelSource::kBlockSparse) {
        const uint64_t last = work.starts[block + 1] - 1, item = work.starts[block] + uint64_t{tile} * parts + part;
        row = first_row + work.items[std::min(item, last)] * kernel.key_block;
      }
      for (uint32_t s = 0; s < shape.subtiles(); ++s) {
        cta.keys.push_back(row * shape.subtiles() + s);
      }
    }
  }

  // In the order in which the warps copy: a group of threads has neighbouring entries of the list, a warp a few groups.
  void add_rows(CtaItems& cta, const masks::WorkList& work, uint32_t first_row, uint32_t block, uint32_t tile) const {
    const uint32_t key_tile = shape.kernel.key_tile, at_once = 512 / shape.row_bytes(), groups = 4 * at_once;
    const uint32_t rows = key_tile / groups;
    const uint64_t begin = work.starts[block], last = work.starts[block + 1] - 1;
    for (uint32_t warp = 0; warp < 4; ++warp) {
      for (uint32_t i = 0; i < rows; ++i) {
        for (uint32_t g = 0; g < at_once; ++g) {
          const uint64_t entry = begin + uint64_t{tile} * key_tile + (warp * at_once + g) * rows + i;
          cta.keys.push_back(first_row + work.items[std::min(entry, last)]);
        }
      }
    }
  }
};

}  // namespace

std::unique_ptr<AttentionRun> build_attention(const arch::GpuSpec& machine, const AttentionKernel& kernel,
                                              const AttentionProblem& problem, double density, uint32_t heads,
                                              bool use_gather_engine) {
  auto run = std::make_unique<AttentionRun>();
  const bool engine = use_gather_engine && machine.gather_engine.present && kernel.kernel == KernelSource::kGather;
  const Shape shape{kernel, {kernel.stages, kernel.consumer_warpgroups, query_buffers(kernel)}, engine,
                    machine.gather_engine.rows_per_request};
  run->kernel.name = kernel.name;
  add_shape(shape, run->kernel);
  const uint32_t resident = machine.sm_count * ctas_per_sm(machine, run->kernel.shape);
  // Whoever is free first takes the next item; a tile is the unit of time.
  using Free = std::pair<uint64_t, uint32_t>;
  std::priority_queue<Free, std::vector<Free>, std::greater<>> free;
  for (uint32_t c = 0; c < resident; ++c) {
    free.emplace(0, c);
  }
  std::vector<CtaItems> ctas(resident);
  const Builder builder{shape, problem, *run};
  heads = std::min(heads, problem.heads);
  uint64_t pairs = 0;
  for (uint32_t head = 0; head < heads; ++head) {
    masks::Mask mask = problem.mask_of(density, head);
    const masks::WorkList work = masks::build_work_list(mask, kernel.tiling());
    run->list_hash = (run->list_hash ^ masks::hash(work)) * 0x100000001b3ULL;
    run->listed_elements += work.listed_elements();
    pairs += uint64_t{problem.queries} * problem.keys;
    for (uint32_t block = 0; block < work.query_blocks(); ++block) {
      if (work.tiles_of(block) == 0) {
        continue;
      }
      const auto [time, cta] = free.top();
      free.pop();
      builder.add(ctas[cta], work, head, block);
      free.emplace(time + builder.tiles_of(work, block) + 1, cta);
    }
  }
  run->list_density = pairs == 0 ? 0 : double(run->listed_elements) / double(pairs);
  const uint64_t row = uint64_t{kernel.head_size} * 2, token_rows = uint64_t{heads} * problem.keys;
  run->minimum_bytes = row * (2 * token_rows + 2 * uint64_t{heads} * problem.queries);
  const uint64_t values = round_up(token_rows * row, 1 << 21), queries = 2 * values;
  const uint64_t outputs = queries + round_up(uint64_t{heads} * problem.queries * row, 1 << 21);
  const uint64_t key_unit = kernel.kernel == KernelSource::kGather ? row : 128;
  for (CtaItems& items : ctas) {
    if (items.counts.empty()) {
      continue;
    }
    CtaWork work;
    work.parameters[0] = static_cast<uint32_t>(items.counts.size());
    work.counts = std::move(items.counts);
    const auto keep = [&](std::vector<uint32_t>&& table) -> const std::vector<uint32_t>& {
      run->tables.push_back(std::move(table));
      return run->tables.back();
    };
    const auto& keys = keep(std::move(items.keys));
    const auto& query_table = keep(std::move(items.queries));
    const auto& output_table = keep(std::move(items.outputs));
    work.streams[kKeyStream] = {0, key_unit, keys.data(), keys.size(), 0};
    work.streams[kValueStream] = {values, key_unit, keys.data(), keys.size(), 0};
    work.streams[kQueryStream] = {queries, 128, query_table.data(), query_table.size(), 0};
    work.streams[kOutputStream] = {outputs, row, output_table.data(), output_table.size(), 0};
    run->kernel.ctas.push_back(std::move(work));
  }
  run->entries_per_tile = kernel.kernel == KernelSource::kGather
                              ? kernel.key_tile
                              : kernel.key_tile / kernel.key_block * shape.subtiles();
  run->queries_per_item = kernel.consumer_warpgroups * shape.subtiles();
  run->outputs_per_item = kernel.consumer_warpgroups;
  return run;
}

std::unique_ptr<AttentionRun> shortened(const AttentionRun& run, uint32_t items, uint32_t tiles) {
  auto made = std::make_unique<AttentionRun>();
  made->kernel = run.kernel;
  made->entries_per_tile = run.entries_per_tile;
  for (CtaWork& work : made->kernel.ctas) {
    const std::vector<uint32_t> counts = std::exchange(work.counts, {});
    const uint32_t* const keys = work.streams[kKeyStream].table;
    std::vector<uint32_t> table;
    std::size_t at = 0;
    for (std::size_t item = 0; item < std::min<std::size_t>(items, counts.size()); ++item) {
      const uint32_t kept = std::min(tiles, counts[item] + 1);
      table.insert(table.end(), keys + at, keys + at + std::size_t{kept} * run.entries_per_tile);
      at += std::size_t{counts[item] + 1} * run.entries_per_tile;
      work.counts.push_back(kept - 1);
      made->tiles += kept;
      ++made->items;
    }
    work.parameters[0] = static_cast<uint32_t>(work.counts.size());
    made->tables.push_back(std::move(table));
    for (const uint8_t stream : {kKeyStream, kValueStream}) {
      work.streams[stream].table = made->tables.back().data();
      work.streams[stream].size = made->tables.back().size();
    }
  }
  return made;
}

}  // namespace tilewright::gpu

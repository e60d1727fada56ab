// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/attention.h"

#include <algorithm>
#include <numeric>
#include <queue>

#include "sim/gpu/parts.h"
#include "sim/gpu/programs/attention_warps.h"

namespace tilewright::gpu {
namespace {

using namespace attention;
using workloads::AttentionProblem;
using workloads::KernelSource;

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
  cta.progress_barrier = static_cast<uint8_t>(places.value_empty());  // a value tile of the ring's first stage is done with
  cta.shared_bytes = shared_bytes(spec, places.query_buffers);
  const uint32_t threads = 128 * (1 + spec.consumer_warpgroups);
  const uint32_t registers = 128 * (spec.producer_registers + spec.consumer_warpgroups * spec.consumer_registers);
  cta.registers_per_thread = registers / threads / 8 * 8;
  // The producer warpgroup's other warps leave at once where one thread loads.
  for (uint32_t w = 0; w < (shape.copies() ? kGatheringWarps : 1U); ++w) {
    add_warps(kernel, produce(shape, w == 0), 1, Role::kProducer);
    const uint32_t rows = shape.passes() * shape.rows_at_once() * w;
    cta.warps.back().stream_start = {rows, rows, 0, 0, 0, w, w};
  }
  if (!shape.copies()) {
    ProgramBuilder idle("idle");
    add_warps(kernel, idle.take(), 3, Role::kProducer);
  }
  for (uint32_t g = 0; g < spec.consumer_warpgroups; ++g) {
    for (uint32_t w = 0; w < 4; ++w) {
      add_warps(kernel, consume(shape, g, w == 0), 1, Role::kConsumer);
      cta.warps.back().warpgroup = static_cast<uint8_t>(g);
      cta.warps.back().stream_start[kOutputStream] = g;
    }
    ++cta.warpgroups;
  }
}

// One CTA's tables while items are added to it.
struct CtaItems {
  std::vector<uint32_t> keys, queries, outputs, counts, lists, windows;
};

struct Builder {
  const Shape& shape;
  const AttentionProblem& problem;
  AttentionRun& run;

  // `first_tile`: tiles of all lists before this one.
  void add(CtaItems& cta, const masks::WorkList& work, uint32_t head, uint32_t block, uint64_t first_tile) const {
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
      if (kernel.kernel == KernelSource::kGather) {
        add_rows(cta, work, first_row, block, tile);
        add_parts(cta.lists, first_tile + tile, kGatheringWarps);
        add_parts(cta.windows, first_tile + tile, kGatheringWarps * shape.windows());
      } else {
        add_boxes(cta, work, first_row, block, tile);
      }
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

  static void add_parts(std::vector<uint32_t>& table, uint64_t tile, uint32_t parts) {
    for (uint32_t part = 0; part < parts; ++part) {
      table.push_back(static_cast<uint32_t>(tile * parts + part));
    }
  }

  // In the order in which the warps copy: a group of threads has neighbouring entries of the list, a warp a few groups.
  void add_rows(CtaItems& cta, const masks::WorkList& work, uint32_t first_row, uint32_t block, uint32_t tile) const {
    const uint32_t key_tile = shape.kernel.key_tile, at_once = shape.rows_at_once(), rows = shape.passes();
    const uint64_t begin = work.starts[block], last = work.starts[block + 1] - 1;
    for (uint32_t warp = 0; warp < kGatheringWarps; ++warp) {
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
  const Shape shape{kernel, {kernel.stages, kernel.consumer_warpgroups, query_buffers(kernel)}, engine, machine};
  run->kernel.name = kernel.name;
  run->stages = kernel.stages;
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
  uint64_t pairs = 0, first_tile = 0;
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
      builder.add(ctas[cta], work, head, block, first_tile);
      first_tile += builder.tiles_of(work, block);
      free.emplace(time + builder.tiles_of(work, block) + 1, cta);
    }
  }
  run->list_density = pairs == 0 ? 0 : double(run->listed_elements) / double(pairs);
  const uint64_t row = uint64_t{kernel.head_size} * 2, token_rows = uint64_t{heads} * problem.keys;
  run->minimum_bytes = row * (2 * token_rows + 2 * uint64_t{heads} * problem.queries);
  const uint64_t values = round_up(token_rows * row, 1 << 21), queries = 2 * values;
  const uint64_t outputs = queries + round_up(uint64_t{heads} * problem.queries * row, 1 << 21);
  constexpr uint64_t kCountBytes = 64 * 1024;  // few, and read often enough to stay in L2
  const uint64_t counts = outputs + round_up(uint64_t{heads} * problem.queries * row, 1 << 21);
  const uint64_t lists = round_up(counts + kCountBytes, 1 << 21), list_bytes = shape.copies() ? first_tile * kernel.key_tile * 4 : 0;
  run->minimum_bytes += list_bytes;
  run->kernel.resident.push_back({counts, kCountBytes});
  if (2 * (outputs + list_bytes) < machine.l2.capacity.value) {  // a launch before this one left them there
    run->kernel.resident.push_back({0, outputs});
    run->kernel.resident.push_back({lists, list_bytes});
  }
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
    work.streams[kCountStream] = {counts, 32, nullptr, kCountBytes / 32, run->kernel.ctas.size()};
    if (shape.copies()) {
      const auto& parts = keep(std::move(items.lists));
      const auto& windows = keep(std::move(items.windows));
      work.streams[kPrefetchStream] = {lists, shape.list_bytes(), parts.data(), parts.size(), 0};
      work.streams[kListStream] = {lists, shape.window_bytes(), windows.data(), windows.size(), 0};
    }
    run->kernel.ctas.push_back(std::move(work));
  }
  run->entries_per_tile = kernel.kernel == KernelSource::kGather
                              ? kernel.key_tile
                              : kernel.key_tile / kernel.key_block * shape.subtiles();
  run->queries_per_item = kernel.consumer_warpgroups * shape.subtiles();
  run->rows_per_entry = kernel.kernel == KernelSource::kGather ? 1 : kernel.key_block;
  run->row_bytes = static_cast<uint32_t>(row);
  run->tensor_rows = uint64_t{heads} * std::max(problem.keys, problem.queries) + std::max(kernel.key_tile, kernel.query_tile);
  return run;
}

std::unique_ptr<AttentionRun> shortened(const AttentionRun& run, const Shortening& to) {
  auto made = std::make_unique<AttentionRun>();
  made->kernel = run.kernel;
  made->stages = run.stages;
  made->entries_per_tile = run.entries_per_tile;
  for (CtaWork& work : made->kernel.ctas) {
    const std::vector<uint32_t> counts = std::exchange(work.counts, {});
    const uint64_t all = std::accumulate(counts.begin(), counts.end(), uint64_t{counts.size()});
    // The tiles that are kept, as [first, end) of each item.
    std::vector<std::pair<uint64_t, uint64_t>> tiles;
    const bool whole = to.items >= counts.size() && (all <= to.tiles_in_all || counts.size() <= to.short_items) &&
                       to.short_items != UINT32_MAX;
    uint32_t left = to.tiles_in_all;
    uint64_t first = 0;
    for (std::size_t item = 0; item < std::min<std::size_t>(to.items, counts.size()) && left > 0; ++item) {
      const uint32_t most = !whole && item < to.short_items ? to.short_tiles : UINT32_MAX;
      const uint32_t kept = std::min({most, counts[item] + 1, left});
      left -= kept;
      tiles.emplace_back(first, first + kept);
      first += counts[item] + 1;
      work.counts.push_back(kept - 1);
      made->tiles += kept;
      ++made->items;
    }
    work.parameters[0] = static_cast<uint32_t>(work.counts.size());
    for (const uint8_t s : {kKeyStream, kListStream, kPrefetchStream}) {
      Stream& stream = work.streams[s];
      if (stream.table == nullptr) {
        continue;
      }
      const uint64_t of_tile = stream.size / all;
      std::vector<uint32_t>& table = made->tables.emplace_back();
      for (const auto& [begin, end] : tiles) {
        table.insert(table.end(), stream.table + begin * of_tile, stream.table + end * of_tile);
      }
      stream.table = table.data();
      stream.size = table.size();
    }
    work.streams[kValueStream].table = work.streams[kKeyStream].table;
    work.streams[kValueStream].size = work.streams[kKeyStream].size;
  }
  return made;
}

}  // namespace tilewright::gpu

// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/replay.h"

#include <algorithm>
#include <bit>
#include <queue>

#include "sim/gpu/programs/attention_warps.h"
#include "sim/gpu/tags.h"

namespace tilewright::gpu {
namespace {

using namespace attention;

constexpr uint64_t kSampledRows = 8192;  // of a tensor, at least
constexpr uint32_t kMostShare = 32;
constexpr uint64_t kBoxRows = 64;  // of queries

// Every so many-th row of a tensor, by chance: strides of a mask must not meet it.
class SampledRows {
 public:
  SampledRows(uint64_t rows, uint32_t share) : next_(rows + 1, static_cast<uint32_t>(rows)) {
    for (uint64_t row = rows; row-- > 0;) {
      next_[row] = mix_line(row * kLineBytes) % share == 0 ? static_cast<uint32_t>(row) : next_[row + 1];
    }
  }
  uint64_t rows() const { return next_.size() - 1; }
  uint64_t from(uint64_t row) const {
    return row < next_.size() ? next_[row] : rows();
  }  // the first at or behind `row`

 private:
  std::vector<uint32_t> next_;
};

arch::L2Spec share_of(const arch::L2Spec& l2, uint32_t share) {
  arch::L2Spec smaller = l2;
  smaller.capacity.value = l2.capacity.value / share;
  return smaller;
}

class Replay {
 public:
  Replay(const arch::GpuSpec& machine, const AttentionRun& run, uint32_t share)
      : machine_(machine),
        run_(run),
        l2_(share_of(machine.l2, share)),
        share_(share),
        tensor_rows_(run.tensor_rows, share),
        list_parts_(list_parts_of(run), share) {
    for (uint32_t p = 0; p < machine.l2.partitions; ++p) {
      partitions_.emplace_back(l2_);
    }
    for (const ResidentRange& range : run.kernel.resident) {
      preload(range);
    }
  }

  double run_at(const Pace& pace) {
    struct Next {
      double time;
      uint32_t cta;
      bool operator>(const Next& other) const {
        return time != other.time ? time > other.time : cta > other.cta;
      }
    };
    std::priority_queue<Next, std::vector<Next>, std::greater<>> next;
    std::vector<Place> places(run_.kernel.ctas.size());
    for (uint32_t c = 0; c < places.size(); ++c) {
      next.push({0, c});
    }
    while (!next.empty()) {
      const auto [time, cta] = next.top();
      next.pop();
      const CtaWork& work = run_.kernel.ctas[cta];
      Place& place = places[cta];
      if (place.item == work.counts.size()) {
        continue;
      }
      const uint32_t partition = partition_of_sm(machine_, cta % machine_.sm_count);
      const bool begins = place.tile == 0;
      if (begins) {
        read_queries(work, place.item, partition);
      }
      read_tile(work, place.tiles_before + place.tile, partition);
      double cost = pace.tile_cycles;
      if (++place.tile > work.counts[place.item]) {
        place.tiles_before += place.tile;
        place.tile = 0;
        ++place.item;
        cost += pace.item_cycles;
      }
      next.push({time + cost, cta});
    }
    return double(bytes_) * share_;
  }

 private:
  struct Place {
    std::size_t item = 0;
    uint64_t tiles_before = 0;
    uint32_t tile = 0;
  };

  static uint64_t list_parts_of(const AttentionRun& run) { return run.tiles * kGatheringWarps; }

  void preload(const ResidentRange& range) {
    for (uint64_t line = range.base; line < range.base + range.bytes; line += kLineBytes) {
      if (is_sampled(line)) {
        for (uint32_t p = 0; p < partitions_.size(); ++p) {
          partitions_[p].preload(line, p != home_partition(machine_.l2, line));
        }
      }
    }
  }

  // Whether a line is among those that the replay reads: of a sampled row of its tensor, or of a sampled part of a list.
  bool is_sampled(uint64_t line) const {
    const auto& streams = run_.kernel.ctas.front().streams;
    const Stream& list = streams[kPrefetchStream];
    if (list.table != nullptr && line >= list.base) {
      const uint64_t part = list_parts_.from((line - list.base) / list.unit);
      return part < list_parts_.rows() && part * list.unit < line - list.base + kLineBytes;
    }
    uint64_t base = 0;
    for (const uint8_t tensor : {kKeyStream, kValueStream, kQueryStream, kOutputStream}) {
      base = streams[tensor].base <= line ? std::max(base, streams[tensor].base) : base;
    }
    const uint64_t row = (line - base) / run_.row_bytes;
    return row < tensor_rows_.rows() && tensor_rows_.from(row) == row;
  }

  void read(uint64_t line, uint8_t sectors, uint32_t partition) {
    const uint8_t missing = missing_in(partition, line, sectors);
    if (missing == 0) {
      return;
    }
    const uint32_t home = home_partition(machine_.l2, line);
    const uint8_t fetched = home == partition ? missing : missing_in(home, line, missing);
    if (fetched != 0) {
      bytes_ += static_cast<uint64_t>(std::popcount(fetched)) * kSectorBytes;
      keep(line, fetched, home, false);
    }
    if (home != partition) {
      keep(line, missing, partition, true);
    }
  }
  // Whole halves: what a partition asks for.
  uint8_t missing_in(uint32_t partition, uint64_t line, uint8_t sectors) {
    return whole_halves(static_cast<uint8_t>(sectors & ~partitions_[partition].look_up(line)));
  }
  void keep(uint64_t line, uint8_t sectors, uint32_t partition, bool copy) {
    partitions_[partition].reserve(line, copy);
    partitions_[partition].fill(line, sectors, true);
  }

  // `rows` rows from the one where `first` lies, `bytes` of each.
  void read_rows(const Stream& stream, uint64_t first, uint64_t rows, uint64_t bytes, uint32_t partition) {
    const uint64_t row = first / run_.row_bytes, within = first % run_.row_bytes;
    for (uint64_t r = tensor_rows_.from(row); r < row + rows && r < tensor_rows_.rows();
         r = tensor_rows_.from(r + 1)) {
      for (uint64_t at = 0; at < bytes; at += kLineBytes) {
        read(stream.base + r * run_.row_bytes + within + at, 15, partition);
      }
    }
  }

  void read_queries(const CtaWork& work, std::size_t item, uint32_t partition) {
    const Stream& stream = work.streams[kQueryStream];
    for (uint64_t q = 0; q < run_.queries_per_item; ++q) {
      read_rows(stream, stream.address(item * run_.queries_per_item + q) - stream.base, kBoxRows, stream.unit,
                partition);
    }
  }

  void read_tile(const CtaWork& work, uint64_t tile, uint32_t partition) {
    for (const uint8_t s : {kKeyStream, kValueStream}) {
      const Stream& stream = work.streams[s];
      for (uint64_t e = tile * run_.entries_per_tile; e < (tile + 1) * run_.entries_per_tile; ++e) {
        read_rows(stream, stream.address(e) - stream.base, run_.rows_per_entry, stream.unit, partition);
      }
    }
    if (const Stream& list = work.streams[kPrefetchStream]; list.table != nullptr) {
      for (uint64_t e = tile * kGatheringWarps; e < (tile + 1) * kGatheringWarps; ++e) {
        read_list(list, e, partition);
      }
    }
  }

  void read_list(const Stream& list, uint64_t entry, uint32_t partition) {
    const uint64_t part = list.table[entry];
    if (list_parts_.from(part) != part) {
      return;
    }
    Op op;
    op.kind = OpKind::kGlobalLoad;
    op.bytes = static_cast<uint32_t>(list.unit);
    Stream at = list;
    at.position = entry;
    for_each_line(op, at, [&](uint64_t line, uint32_t, uint8_t sectors) { read(line, sectors, partition); });
  }

  const arch::GpuSpec& machine_;
  const AttentionRun& run_;
  arch::L2Spec l2_;
  uint32_t share_;
  SampledRows tensor_rows_, list_parts_;
  std::vector<Tags> partitions_;
  uint64_t bytes_ = 0;
};

}  // namespace

double replay_dram_bytes(const arch::GpuSpec& machine, const AttentionRun& run, const Pace& pace) {
  uint32_t share = 1;
  while (share < kMostShare && run.tensor_rows / (2 * share) >= kSampledRows) {
    share *= 2;
  }
  return Replay(machine, run, share).run_at(pace);
}

}  // namespace tilewright::gpu

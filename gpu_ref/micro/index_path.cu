// SPDX-License-Identifier: Apache-2.0
// How row numbers reach the threads that copy the rows, apart from the copy itself and with it: a load for
// each copy, a load a tile ahead and a shuffle, shared memory, and bulk copies of pieces of the list.
#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kTileRows = 64, kRowBytes = 256;
constexpr int kPasses = kTileRows / 2;  // an instruction of a warp covers two rows
constexpr int kBatch = 8;  // row numbers are fetched, then used, for eight instructions at a time
constexpr int kTiles = 128;
constexpr int kRingBatches = 4;
constexpr uint32_t kRingBytes = kRingBatches * kBatch * 512;
constexpr int kPieceTiles = 8;  // tiles of the list that one bulk copy brings
constexpr uint32_t kPieceBytes = kPieceTiles * kTileRows * 4;
constexpr uint32_t kWarpBytes = kRingBytes + 2 * kPieceBytes + kTiles * kTileRows * 4 + 128;

enum class Index : uint8_t {
  kComputed,     // no list: the least that a copy needs
  kLoad,         // each lane loads the number of its row when it needs it
  kLoadAhead,    // the same, one batch ahead
  kLoadShuffle,  // a lane loads two numbers a tile ahead; a shuffle hands them to the lanes of the row
  kShared,       // the whole list lies in shared memory
  kBulk,         // bulk copies bring the list to shared memory, one piece ahead
};

struct IndexName {
  Index index;
  const char* name;
};

__device__ __forceinline__ uint32_t load_shared4(uint32_t address) {
  uint32_t v;
  asm volatile("ld.volatile.shared.u32 %0, [%1];" : "=r"(v) : "r"(address) : "memory");
  return v;
}
__device__ __forceinline__ uint32_t load_global4(const uint32_t* address) {
  uint32_t v;
  asm volatile("ld.global.u32 %0, [%1];" : "=r"(v) : "l"(address) : "memory");
  return v;
}

__device__ __forceinline__ uint32_t computed_row(uint32_t place, uint32_t rows) {
  return place * 40503u & (rows - 1);
}

// What a warp needs to find the rows of a batch.
template <Index kIndex>
struct Rows {
  const uint32_t* list;  // of this warp
  uint32_t rows, half;   // half: which of the two rows of an instruction is this lane's
  uint32_t shared_list, pieces, barriers;
  uint32_t held[2], next[2], ahead[kBatch];

  __device__ __forceinline__ void bring_piece(int piece) const {
    if (threadIdx.x % 32 == 0 && piece < kTiles / kPieceTiles) {
      mbarrier_arrive_expect(barriers + piece % 2 * 8, kPieceBytes);
      bulk_load(pieces + piece % 2 * kPieceBytes, list + piece * (kPieceBytes / 4), kPieceBytes,
                barriers + piece % 2 * 8);
    }
    __syncwarp();
  }
  __device__ __forceinline__ void start() {
    if constexpr (kIndex == Index::kLoadShuffle) {
      next[0] = load_global4(list + threadIdx.x % 32);
      next[1] = load_global4(list + threadIdx.x % 32 + 32);
    } else if constexpr (kIndex == Index::kLoadAhead) {
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        ahead[i] = load_global4(list + i * 2 + half);
      }
    } else if constexpr (kIndex == Index::kBulk) {
      bring_piece(0);
      bring_piece(1);
    }
  }
  __device__ __forceinline__ void start_tile(int tile) {
    if constexpr (kIndex == Index::kLoadShuffle) {
      held[0] = next[0];
      held[1] = next[1];
      const uint32_t* coming = list + min(tile + 1, kTiles - 1) * kTileRows + threadIdx.x % 32;
      next[0] = load_global4(coming);
      next[1] = load_global4(coming + 32);
    } else if constexpr (kIndex == Index::kBulk) {
      const int piece = tile / kPieceTiles;
      if (tile % kPieceTiles == 0) {
        if (piece >= 1) {
          __syncwarp();  // all lanes have read the piece that lies there
          bring_piece(piece + 1);
        }
        mbarrier_wait(barriers + piece % 2 * 8, piece / 2 & 1);
        __syncwarp();
      }
    }
  }
  __device__ __forceinline__ void batch(uint32_t (&row)[kBatch], int tile, int first_pass) {
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const int in_tile = (first_pass + i) * 2;
      const uint32_t place = tile * kTileRows + in_tile + half;
      if constexpr (kIndex == Index::kComputed) {
        row[i] = computed_row(place, rows);
      } else if constexpr (kIndex == Index::kLoad) {
        row[i] = load_global4(list + place);
      } else if constexpr (kIndex == Index::kLoadAhead) {
        row[i] = ahead[i];
      } else if constexpr (kIndex == Index::kLoadShuffle) {
        row[i] = __shfl_sync(0xffffffffu, in_tile < 32 ? held[0] : held[1], (in_tile + half) % 32);
      } else if constexpr (kIndex == Index::kShared) {
        row[i] = load_shared4(shared_list + place * 4);
      } else {
        const uint32_t piece = pieces + tile / kPieceTiles % 2 * kPieceBytes;
        row[i] = load_shared4(piece + (tile % kPieceTiles * kTileRows + in_tile + half) * 4);
      }
    }
    if constexpr (kIndex == Index::kLoadAhead) {
      const int coming = min(tile * kTileRows + (first_pass + kBatch) * 2, kTiles * kTileRows - kBatch * 2);
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        ahead[i] = load_global4(list + coming + i * 2 + half);
      }
    }
  }
};

// Every warp works through kTiles tiles of its own list. Without kCopy the addresses are only added up.
template <Index kIndex, bool kCopy>
__global__ void __launch_bounds__(128)
    index_kernel(Stamp* stamps, const uint8_t* source, const uint32_t* lists, uint32_t rows) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  uint8_t* mine = shared + warp * kWarpBytes;
  const uint32_t ring = shared_address(mine), pieces = ring + kRingBytes,
                 shared_list = pieces + 2 * kPieceBytes, barriers = shared_list + kTiles * kTileRows * 4;
  const uint32_t* list = lists + warp * kTiles * kTileRows;
  for (uint32_t i = lane; i < kTiles * kTileRows; i += 32) {
    reinterpret_cast<uint32_t*>(mine + kRingBytes + 2 * kPieceBytes)[i] = list[i];
  }
  if (lane == 0) {
    mbarrier_init(barriers, 1);
    mbarrier_init(barriers + 8, 1);
    mbarrier_init_fence();
  }
  Rows<kIndex> finder{list, rows, lane / 16, shared_list, pieces, barriers};
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].errors = 0;
    stamp_begin(stamps);
  }
  uint32_t row[kBatch], slot = 0;
  uint64_t sum = 0;
  finder.start();
#pragma unroll 1
  for (int tile = 0; tile < kTiles; ++tile) {
    finder.start_tile(tile);
#pragma unroll
    for (int pass = 0; pass < kPasses; pass += kBatch) {
      finder.batch(row, tile, pass);
      if constexpr (kCopy) {
        cp_async_wait<kRingBatches - 1>();
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const uint8_t* from = source + size_t{row[i]} * kRowBytes + lane % 16 * 16;
        if constexpr (kCopy) {
          cp_async16(ring + slot + i * 512 + lane * 16, from);
        } else {
          sum += reinterpret_cast<uint64_t>(from);
        }
      }
      if constexpr (kCopy) {
        cp_async_commit();
        slot = slot + kBatch * 512 == kRingBytes ? 0 : slot + kBatch * 512;
      }
    }
  }
  cp_async_wait<0>();
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
  if constexpr (kCopy) {
    // The last instruction's rows lie at the end of the ring.
    const uint32_t place = kTiles * kTileRows - 2 + lane / 16;
    const uint32_t wanted = kIndex == Index::kComputed ? computed_row(place, rows) : list[place];
    const uint32_t last = (kTiles * kPasses / kBatch - 1) % kRingBatches * kBatch * 512 + (kBatch - 1) * 512;
    const uint32_t found = *reinterpret_cast<const uint32_t*>(mine + last + lane * 16);
    if (found != pattern_word(size_t{wanted} * (kRowBytes / 4) + lane % 16 * 4)) {
      atomicAdd(&stamps[0].errors, 1u);
    }
  } else if (sum == 0x9e3779b9u) {
    stamps[0].value[3] = sum;
  }
}

// From the request to a row number in a register, one request at a time. `bytes` of list come with each; in L1 are those that
// the thread has read before.
template <bool kBulk>
__global__ void index_latency_kernel(Stamp* stamps, const uint32_t* list, uint32_t bytes, int requests, bool in_l1) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t base = shared_address(shared), barrier = base + bytes;
  mbarrier_init(barrier, 1);
  mbarrier_init_fence();
  stamps[0].errors = 0;
  uint32_t value = 0;
  for (int i = 0; i < (in_l1 ? requests : 0); ++i) {
    wait_for(load_global4(list + size_t(i) * (bytes / 4)));
  }
  stamp_begin(stamps);
  for (int i = 0; i < requests; ++i) {
    const uint32_t* from = list + size_t(i) * (bytes / 4);
    if constexpr (kBulk) {
      mbarrier_arrive_expect(barrier, bytes);
      bulk_load(base, from, bytes, barrier);
      mbarrier_spin(barrier, i & 1);
      value = load_shared4(base);
    } else {
      value = load_global4(from);
    }
    wait_for(value);
  }
  stamp_end(stamps);
  stamps[0].errors = value == list[size_t(requests - 1) * (bytes / 4)] ? 0 : 1;
}

struct Input {
  const uint8_t* source;
  const uint32_t* lists;
  uint32_t rows;
};

template <Index kIndex, bool kCopy>
void measure_path(Bench& bench, const Input& input, const char* name) {
  for (const int warps : {1, 2, 4}) {
    const size_t shared = kWarpBytes * static_cast<size_t>(warps);
    const auto kernel = index_kernel<kIndex, kCopy>;
    allow_shared(kernel, shared);
    const Repeat repeat{.warm_up = 2, .repeats = 7, .verifies = kCopy};
    const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
      kernel<<<1, warps * 32, shared>>>(stamps, input.source, input.lists, input.rows);
    });
    const double instructions = double{kTiles} * kPasses * warps;
    bench.add(kCopy ? "index_path_with_copy" : "index_path", kCopy ? Mechanisms::kCombined : Mechanisms::kOne,
              {{"index", std::string(name)},
               {"warps", int64_t{warps}},
               {"row_bytes", int64_t{kRowBytes}},
               {"residency", std::string("l2")}},
              samples, repeat,
              {{"cycles_per_instruction", "cycle", [=](const Sample& s) { return s.cycles / instructions; }},
               {"cycles_per_row", "cycle", [=](const Sample& s) { return s.cycles / (2 * instructions); }},
               {"bytes_per_cycle", "B/cycle",
                [=](const Sample& s) { return kCopy ? 512 * instructions / s.cycles : 0.0; }}});
  }
}

template <Index kIndex>
void measure_index(Bench& bench, const Input& input, const char* name) {
  measure_path<kIndex, false>(bench, input, name);
  measure_path<kIndex, true>(bench, input, name);
}

template <bool kBulk>
void measure_latency(Bench& bench, const uint32_t* list, uint32_t bytes, bool in_l1 = false) {
  const size_t shared = bytes + 128;
  const int requests = 64;
  allow_shared(index_latency_kernel<kBulk>, shared);
  const Repeat repeat{.warm_up = 2, .repeats = 7, .verifies = true};
  const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
    index_latency_kernel<kBulk><<<1, 1, shared>>>(stamps, list, bytes, requests, in_l1);
  });
  bench.add("index_latency", Mechanisms::kOne,
            {{"path", std::string(kBulk ? "bulk_then_shared" : "load")},
             {"bytes", int64_t{bytes}},
             {"residency", std::string(in_l1 ? "l1" : "l2")}},
            samples, repeat,
            {{"latency_cycles", "cycle", [=](const Sample& s) { return s.cycles / requests; }}});
}

}  // namespace

void run_index_path(Bench& bench) {
  const auto rows = static_cast<uint32_t>(kResidentBytes / kRowBytes);
  DeviceBuffer<uint32_t> source(kResidentBytes / 4);
  fill_pattern(source.get(), source.count());
  std::vector<uint32_t> lists(size_t{4} * kTiles * kTileRows);
  for (size_t i = 0; i < lists.size(); ++i) {
    lists[i] = pattern_word(i) >> 8 & (rows - 1);
  }
  DeviceBuffer<uint32_t> device_lists(lists.size());
  device_lists.upload(lists);
  touch(source.get(), source.bytes());
  const Input input{reinterpret_cast<const uint8_t*>(source.get()), device_lists.get(), rows};
  measure_index<Index::kComputed>(bench, input, "computed");
  measure_index<Index::kLoad>(bench, input, "load");
  measure_index<Index::kLoadAhead>(bench, input, "load_ahead");
  measure_index<Index::kLoadShuffle>(bench, input, "load_ahead_shuffle");
  measure_index<Index::kShared>(bench, input, "shared");
  measure_index<Index::kBulk>(bench, input, "bulk_ahead_shared");
  for (const uint32_t bytes : {256u, 512u, 1024u, 2048u}) {
    measure_latency<true>(bench, source.get(), bytes);
  }
  // A line each time: L1 never has it.
  measure_latency<false>(bench, source.get() + (size_t{1} << 20), 128);
  for (const uint32_t bytes : {32u, 128u}) {
    measure_latency<false>(bench, source.get() + (size_t{1} << 20), bytes, true);
  }
}

}  // namespace tw::gpu

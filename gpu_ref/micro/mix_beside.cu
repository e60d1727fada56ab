// SPDX-License-Identifier: Apache-2.0
// Mixes of the instructions a softmax is made of, by one and two warps of every sub-core, alone and beside
// the matrix unit: what a pipe's turn costs the other pipes. The products come without pause (batches of 32)
// or with the pause that a warpgroup makes when it waits for its batch (of 8) before it issues the next. An
// instruction's other operands are constants or registers of their own. A mix says how many of each kind
// there are; in which order they come is the compiler's choice.
#include <iterator>
#include <utility>

#include "micro/arithmetic_kernels.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

using arithmetic::Instruction;
using arithmetic::step;

struct Progress {
  volatile uint32_t done;
  unsigned long long turns, taken;
};

constexpr int kChains = 8, kUnroll = 32, kRoundsPerLook = 16;
constexpr int kProducts = 4096;           // of a launch
constexpr uint64_t kIdleCycles = 200000;  // as long where nothing is multiplied
constexpr int kColumns = 128;

// Letters: f FFMA, m FMUL, a FADD, x FMNMX, e EX2, p F2FP, l LOP3, i IMAD.
constexpr const char* kNames[] = {"FFMA", "FMUL", "FADD", "FMNMX", "EX2", "F2FP", "LOP3", "IMAD"};
constexpr Instruction kInstructions[] = {Instruction::kFfma,  Instruction::kFmul, Instruction::kFadd,
                                         Instruction::kFmnmx, Instruction::kEx2,  Instruction::kF2fp,
                                         Instruction::kLop3,  Instruction::kImad};
constexpr const char* kMixes[] = {"m",  "p",   "e",     "i",   "mp",    "mmp",      "mmmmp",
                                  "mi", "fx",  "me",    "xe",  "ie",    "mmmme",    "mmmmmmmme",
                                  "pe", "ppe", "ppppe", "fea", "feamp", "feampfeam"};
constexpr size_t kMixCount = std::size(kMixes);

__host__ __device__ constexpr size_t index_of(char letter) {
  const char* const letters = "fmaxepli";
  size_t index = 0;
  while (letters[index] != letter) {
    ++index;
  }
  return index;
}
__host__ __device__ constexpr size_t length_of(const char* mix) {
  size_t length = 0;
  while (mix[length] != 0) {
    ++length;
  }
  return length;
}
// How often the letter comes among the first `places`.
__host__ __device__ constexpr int count_of(const char* mix, char letter, size_t places) {
  int count = 0;
  for (size_t i = 0; i < places; ++i) {
    count += mix[i] == letter;
  }
  return count;
}

// One place of the mix: which instruction, and on which of its kind's chains in turn `turn`.
template <size_t kMix, size_t kPlace>
struct Place {
  static constexpr char kLetter = kMixes[kMix][kPlace];
  static constexpr size_t kKind = index_of(kLetter);
  static constexpr Instruction kInstruction = kInstructions[kKind];
  static constexpr int kBefore = count_of(kMixes[kMix], kLetter, kPlace);
  static constexpr int kInAll = count_of(kMixes[kMix], kLetter, length_of(kMixes[kMix]));
};

struct Chains {
  uint32_t of[8][kChains];  // by kind
  uint32_t other[kChains];  // operands that never change
};

template <size_t kMix, bool kRegisters, int kTurn, size_t kPlace>
__device__ __forceinline__ void place(Chains& chains, uint32_t y, uint32_t z) {
  using P = Place<kMix, kPlace>;
  constexpr int kChain = (kTurn * P::kInAll + P::kBefore) % kChains;
  uint32_t& mine = chains.of[P::kKind][kChain];
  if constexpr (kRegisters) {
    step<P::kInstruction>(mine, chains.other[(kChain + 3) % kChains], chains.other[(kChain + 6) % kChains]);
  } else {
    step<P::kInstruction>(mine, y, z);
  }
}

template <size_t kMix, bool kRegisters, int kTurn, size_t... kPlaces>
__device__ __forceinline__ void turn(Chains& chains, uint32_t y, uint32_t z,
                                     std::index_sequence<kPlaces...>) {
  (place<kMix, kRegisters, kTurn, kPlaces>(chains, y, z), ...);
}

template <size_t kMix, bool kRegisters, int... kTurns>
__device__ __forceinline__ void turns(Chains& chains, uint32_t y, uint32_t z,
                                      std::integer_sequence<int, kTurns...>) {
  (turn<kMix, kRegisters, kTurns>(chains, y, z, std::make_index_sequence<length_of(kMixes[kMix])>()), ...);
}

template <size_t kMix, bool kRegisters>
__device__ __forceinline__ void run_mix(uint32_t y, uint32_t z, Progress& progress, Stamp* stamps) {
  Chains chains;
#pragma unroll
  for (int i = 0; i < 8 * kChains; ++i) {
    chains.of[i / kChains][i % kChains] = y + threadIdx.x * kChains + i;
  }
#pragma unroll
  for (int i = 0; i < kChains; ++i) {
    chains.other[i] = z * (threadIdx.x + i) + y;
    asm volatile("" : "+r"(chains.other[i]));
  }
  uint32_t rounds = 0;
  const uint64_t begin = clock_now();
  while (__any_sync(0xffffffffu, progress.done == 0)) {
#pragma unroll 1
    for (int i = 0; i < kRoundsPerLook; ++i) {
      turns<kMix, kRegisters>(chains, y, z, std::make_integer_sequence<int, kUnroll>());
    }
    rounds += kRoundsPerLook;
  }
  const uint64_t taken = clock_now() - begin;
  if (threadIdx.x % 32 == 0) {
    atomicAdd(&progress.turns, static_cast<unsigned long long>(rounds) * kUnroll);
  }
  if (threadIdx.x % 32 == 0) {
    atomicMax(&progress.taken, static_cast<unsigned long long>(taken));
  }
  uint32_t all = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) {
    all ^= chains.other[i];
  }
#pragma unroll
  for (int i = 0; i < 8 * kChains; ++i) {
    all ^= chains.of[i / kChains][i % kChains];
  }
  if (all == 0x9e3779b9u) {
    stamps[0].value[3] = all;
  }
}

template <bool kRegisters, size_t... kAll>
__device__ __forceinline__ void run_mix_number(int number, uint32_t y, uint32_t z, Progress& progress,
                                               Stamp* stamps, std::index_sequence<kAll...>) {
  ((number == static_cast<int>(kAll) ? run_mix<kAll, kRegisters>(y, z, progress, stamps) : void()), ...);
}

template <bool kFromRegisters, int kBatch>
__device__ __forceinline__ void multiply(const uint8_t* tiles, Stamp* stamps) {
  const uint32_t a = shared_address(tiles), b = a + 64 * kRowBytes;
  float d[kColumns / 2] = {};
  uint32_t fragment[4];
  load_a_fragment(fragment, tiles, 0);
#pragma unroll 1
  for (int g = 0; g < kProducts / kBatch; ++g) {
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const uint32_t at = i % 4 * kStepBytes;
      if constexpr (kFromRegisters) {
        Wgmma<kColumns>::rs(d, fragment, wgmma_descriptor(b + at));
      } else {
        Wgmma<kColumns>::ss(d, wgmma_descriptor(a + at), wgmma_descriptor(b + at));
      }
    }
    wgmma_commit();
    wgmma_wait<0>();
  }
  float sum = 0;
  for (const float v : d) {
    sum += v;
  }
  if (sum == 1.2345f) {
    stamps[0].value[3] = 1;
  }
}

// What the matrix unit does meanwhile, and whether its warps are the sub-cores' oldest or youngest.
enum class Matrix : uint8_t { kNone, kOldest, kYoungest };

// One warpgroup multiplies, the others run the mix until it is done. value[0]: turns of the mix, summed over
// those warps; value[1]: cycles that they took.
template <bool kFromRegisters, int kBatch, bool kRegisters>
__global__ void __launch_bounds__(384)
    mix_kernel(Stamp* stamps, uint32_t y, uint32_t z, int mix, Matrix matrix) {
  extern __shared__ __align__(1024) uint8_t tiles[];
  __shared__ Progress progress;
  fill_tile(tiles, 64 + kColumns, 0, Data::kRandom);
  if (threadIdx.x == 0) {
    progress.done = 0;
    progress.turns = progress.taken = 0;
    stamps[0].errors = 0;
  }
  fence_proxy_async();
  __syncthreads();
  const uint32_t multiplier = matrix == Matrix::kYoungest ? blockDim.x - 128 : 0;
  if (threadIdx.x / 128 * 128 == multiplier) {
    if (threadIdx.x == multiplier) {
      stamp_begin(stamps);
    }
    if (matrix != Matrix::kNone) {
      multiply<kFromRegisters, kBatch>(tiles, stamps);
    } else {
      for (const uint64_t begin = clock_now(); clock_now() - begin < kIdleCycles;) {
        __nanosleep(1000);
      }
    }
    named_sync(1, 128);
    if (threadIdx.x == multiplier) {
      stamp_end(stamps);
      progress.done = 1;
    }
  } else {
    run_mix_number<kRegisters>(mix, y, z, progress, stamps, std::make_index_sequence<kMixCount>());
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamps[0].value[0] = progress.turns;
    stamps[0].value[1] = progress.taken;
  }
}

std::string text_of(const char* mix) {
  std::string text;
  for (size_t i = 0; mix[i] != 0; ++i) {
    if (i > 0) {
      text += '+';
    }
    text += kNames[index_of(mix[i])];
  }
  return text;
}

template <bool kFromRegisters, int kBatch, bool kRegisters>
void measure_operands(Bench& bench, Matrix matrix) {
  constexpr const char* kAges[] = {"none", "oldest", "youngest"};
  const bool multiplies = matrix != Matrix::kNone;
  for (size_t mix = 0; mix < kMixCount; ++mix) {
    for (const int warps : {1, 2}) {
      const Repeat repeat{};
      const auto samples = bench.measure(1, repeat, [&](Stamp* stamps, int) {
        mix_kernel<kFromRegisters, kBatch, kRegisters><<<1, 128 + warps * 128, (64 + kColumns) * kRowBytes>>>(
            stamps, 0x3f7fff00u, 0x3a83126fu, static_cast<int>(mix), matrix);
      });
      bench.add(
          "mix_turn", Mechanisms::kOne,
          {{"mix", text_of(kMixes[mix])},
           {"operands", std::string(kRegisters ? "registers" : "constants")},
           {"matrix_warps", std::string(kAges[static_cast<int>(matrix)])},
           {"a", std::string(!multiplies      ? "none"
                             : kFromRegisters ? "RS"
                                              : "SS")},
           {"batch", int64_t{multiplies ? kBatch : 0}},
           {"warps_per_sub_core", int64_t{warps}}},
          samples, repeat,
          {{"turn_cycles", "cycle", [](const Sample& s) { return 4 * s.mean_value(1) / s.mean_value(0); }},
           {"wgmma_cycles", "cycle",
            [=](const Sample& s) { return multiplies ? s.cycles / kProducts : 0.0; }}});
    }
  }
}

template <bool kFromRegisters, int kBatch>
void measure(Bench& bench, Matrix matrix) {
  measure_operands<kFromRegisters, kBatch, false>(bench, matrix);
  measure_operands<kFromRegisters, kBatch, true>(bench, matrix);
}

}  // namespace

void run_mix_beside(Bench& bench) {
  measure<false, 32>(bench, Matrix::kNone);
  measure<false, 32>(bench, Matrix::kOldest);
  measure<true, 32>(bench, Matrix::kOldest);
  measure<false, 8>(bench, Matrix::kOldest);
  measure<false, 8>(bench, Matrix::kYoungest);
}

}  // namespace tw::gpu

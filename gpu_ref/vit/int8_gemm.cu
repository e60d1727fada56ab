// SPDX-License-Identifier: Apache-2.0
#include "harness/check.h"
#include "micro/ptx.cuh"
#include "vit/gemm_layout.h"
#include "vit/kernels.h"

namespace tw::gpu::vit {
namespace {

constexpr int kStages = 4;
constexpr int kOutputPadding = 16;

template <int kM, int kN, int kWarpsM, int kWarpsN>
struct Tile {
  static constexpr int kRows = kM, kColumns = kN, kWarpColumns = kWarpsN;
  static constexpr int kThreads = 32 * kWarpsM * kWarpsN;
  static constexpr int kWarpM = kM / kWarpsM, kWarpN = kN / kWarpsN;
  static constexpr int kFragmentsM = kWarpM / 16, kFragmentsN = kWarpN / 8;
  static constexpr int kRowsAtOnce = kThreads / kChunksPerRow;
  static constexpr int kCopiesA = kM / kRowsAtOnce, kCopiesB = kN / kRowsAtOnce;
  static constexpr int kStageBytes = (kM + kN) * kDepth;
  static constexpr int kSharedBytes = kStages * kStageBytes;
  static_assert(kM % kRowsAtOnce == 0 && kN % kRowsAtOnce == 0 && kWarpN % 16 == 0 && kWarpM % 16 == 0);
  static_assert(kM * (kN + kOutputPadding) <= kSharedBytes);
};

// 16 bytes, or zeros where there is nothing to copy.
__device__ __forceinline__ void copy_or_zero(uint32_t destination, const int8_t* source, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(destination), "l"(source),
               "r"(valid ? 16 : 0)
               : "memory");
}

__device__ __forceinline__ void load_matrices(uint32_t (&out)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address)
               : "memory");
}

__device__ __forceinline__ void multiply(int32_t (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                         uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, "
      "%1, %2, %3};"
      : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Copies a thread's chunks of one stage after the other: always the same rows, 64 bytes further along the
// reduction.
template <typename T, bool kWide>
class Loader {
 public:
  __device__ Loader(const LayerShape& shape, const LayerBuffers& buffers, uint32_t tiles)
      : shape_(shape), buffers_(buffers), tiles_(tiles), chunk_(threadIdx.x % kChunksPerRow) {
#pragma unroll
    for (int i = 0; i < T::kCopiesA; ++i) {
      const int pixel = blockIdx.y * T::kRows + row(i);
      patches_[i] = patch_of(pixel, shape);
      if (pixel >= shape.pixels()) {
        patches_[i].row = -(1 << 28);  // on no image
      }
    }
    cursor_.advance(chunk_ * kChunk, shape);
  }

  __device__ void load(int stage) {
    const uint32_t tile = tiles_ + stage * T::kStageBytes;
#pragma unroll
    for (int i = 0; i < T::kCopiesA; ++i) {
      load_input(tile + chunk_offset(row(i), chunk_), patches_[i]);
    }
#pragma unroll
    for (int i = 0; i < T::kCopiesB; ++i) {
      load_weight(tile + T::kRows * kDepth + chunk_offset(row(i), chunk_), blockIdx.x * T::kColumns + row(i));
    }
    cursor_.advance(kDepth, shape_);
    reduction_ += kDepth;
  }

 private:
  __device__ int row(int i) const {
    return threadIdx.x / kChunksPerRow + i * T::kRowsAtOnce;
  }

  __device__ void load_input(uint32_t destination, Patch patch) const {
    uint64_t index;
    if constexpr (kWide) {
      const bool valid = input_position(shape_, blockIdx.z, patch, cursor_, index);
      copy_or_zero(destination, buffers_.inputs + (valid ? index : 0), valid);
    } else {
      PatchCursor at = cursor_;
      uint32_t words[4] = {};
#pragma unroll
      for (int i = 0; i < kChunk; ++i) {
        if (input_position(shape_, blockIdx.z, patch, at, index)) {
          words[i / 4] |= uint32_t{static_cast<uint8_t>(buffers_.inputs[index])} << i % 4 * 8;
        }
        at.advance(1, shape_);
      }
      store(destination, words);
    }
  }

  __device__ void load_weight(uint32_t destination, int output) const {
    const int first = reduction_ + chunk_ * kChunk;
    const int8_t* const source =
        buffers_.weights + (uint64_t(blockIdx.z) * shape_.outputs + output) * shape_.reduction() + first;
    if constexpr (kWide) {
      const bool valid = output < shape_.outputs && first < shape_.reduction();
      copy_or_zero(destination, valid ? source : buffers_.weights, valid);
    } else {
      uint32_t words[4] = {};
#pragma unroll
      for (int i = 0; i < kChunk; ++i) {
        if (output < shape_.outputs && first + i < shape_.reduction()) {
          words[i / 4] |= uint32_t{static_cast<uint8_t>(source[i])} << i % 4 * 8;
        }
      }
      store(destination, words);
    }
  }

  __device__ static void store(uint32_t destination, const uint32_t (&words)[4]) {
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(destination), "r"(words[0]), "r"(words[1]),
                 "r"(words[2]), "r"(words[3])
                 : "memory");
  }

  const LayerShape& shape_;
  const LayerBuffers& buffers_;
  uint32_t tiles_;
  int chunk_;
  int reduction_ = 0;
  PatchCursor cursor_;
  Patch patches_[T::kCopiesA];
};

template <typename T>
__device__ __forceinline__ void multiply_stage(uint32_t tile, int warp_row, int warp_column,
                                               int32_t (&sums)[T::kFragmentsM][T::kFragmentsN][4]) {
  const int lane = threadIdx.x % 32;
  const ChunkPlace place_a = a_chunk_of(lane), place_b = b_chunk_of(lane);
  const uint32_t tile_b = tile + T::kRows * kDepth;
#pragma unroll
  for (int step = 0; step < kDepth / kMmaDepth; ++step) {
    uint32_t a[T::kFragmentsM][4], b[T::kFragmentsN / 2][4];
#pragma unroll
    for (int i = 0; i < T::kFragmentsM; ++i) {
      load_matrices(a[i], tile + chunk_offset(warp_row + i * 16 + place_a.row, step * 2 + place_a.chunk));
    }
#pragma unroll
    for (int j = 0; j < T::kFragmentsN / 2; ++j) {
      load_matrices(b[j],
                    tile_b + chunk_offset(warp_column + j * 16 + place_b.row, step * 2 + place_b.chunk));
    }
#pragma unroll
    for (int i = 0; i < T::kFragmentsM; ++i) {
#pragma unroll
      for (int j = 0; j < T::kFragmentsN; ++j) {
        multiply(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
      }
    }
  }
}

// Requantised outputs go through shared memory, so that whole rows of channels are written.
template <typename T>
__device__ __forceinline__ void write_outputs(const LayerShape& shape, const LayerBuffers& buffers,
                                              int8_t* staged, int warp_row, int warp_column,
                                              const int32_t (&sums)[T::kFragmentsM][T::kFragmentsN][4]) {
  constexpr int kPitch = T::kColumns + kOutputPadding;
  const int lane = threadIdx.x % 32;
  int outside = 0;
#pragma unroll
  for (int i = 0; i < T::kFragmentsM; ++i) {
#pragma unroll
    for (int j = 0; j < T::kFragmentsN; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const Place place = accumulator_place(lane, e);
        outside += leaves_24_bits(sums[i][j][e]) ? 1 : 0;
        staged[(warp_row + i * 16 + place.row) * kPitch + warp_column + j * 8 + place.column] =
            requantise(sums[i][j][e], buffers.shift, shape.relu != 0);
      }
    }
  }
  if (outside != 0) {
    atomicAdd(buffers.outside, static_cast<unsigned long long>(outside));
  }
  __syncthreads();
  const int first_pixel = blockIdx.y * T::kRows, first_output = blockIdx.x * T::kColumns;
  const int width = shape.outputs % kChunk == 0 ? kChunk : 1;
  for (int at = threadIdx.x * width; at < T::kRows * T::kColumns; at += T::kThreads * width) {
    const int row = at / T::kColumns, column = at % T::kColumns;
    if (first_pixel + row >= shape.pixels() || first_output + column >= shape.outputs) {
      continue;
    }
    int8_t* const destination = buffers.outputs +
                                (uint64_t(blockIdx.z) * shape.pixels() + first_pixel + row) * shape.outputs +
                                first_output + column;
    const int8_t* const source = staged + row * kPitch + column;
    if (width == kChunk) {
      *reinterpret_cast<uint4*>(destination) = *reinterpret_cast<const uint4*>(source);
    } else {
      *destination = *source;
    }
  }
}

template <typename T, bool kWide>
__global__ void __launch_bounds__(T::kThreads)
    gemm_kernel(const __grid_constant__ LayerShape shape, const __grid_constant__ LayerBuffers buffers) {
  extern __shared__ __align__(1024) int8_t shared[];
  const uint32_t tiles = shared_address(shared);
  const int warp = threadIdx.x / 32;
  const int warp_row = warp / T::kWarpColumns * T::kWarpM, warp_column = warp % T::kWarpColumns * T::kWarpN;
  const int steps = (shape.reduction() + kDepth - 1) / kDepth;
  Loader<T, kWide> loader(shape, buffers, tiles);
  int32_t sums[T::kFragmentsM][T::kFragmentsN][4] = {};
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < steps) {
      loader.load(stage);
    }
    cp_async_commit();
  }
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    cp_async_wait<kStages - 2>();
    __syncthreads();  // this stage has arrived for all, and nobody reads the one that is filled next
    if (step + kStages - 1 < steps) {
      loader.load((step + kStages - 1) % kStages);
    }
    cp_async_commit();
    multiply_stage<T>(tiles + step % kStages * T::kStageBytes, warp_row, warp_column, sums);
  }
  cp_async_wait<0>();
  __syncthreads();
  write_outputs<T>(shape, buffers, shared, warp_row, warp_column, sums);
}

template <typename T, bool kWide>
void launch(const LayerShape& shape, const LayerBuffers& buffers, cudaStream_t stream) {
  const auto kernel = gemm_kernel<T, kWide>;
  TW_CUDA(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize, T::kSharedBytes));
  const dim3 grid((shape.outputs + T::kColumns - 1) / T::kColumns, (shape.pixels() + T::kRows - 1) / T::kRows,
                  shape.groups);
  kernel<<<grid, T::kThreads, T::kSharedBytes, stream>>>(shape, buffers);
  TW_CUDA(cudaGetLastError());
}

template <typename T>
void launch_tile(const LayerShape& shape, const LayerBuffers& buffers, cudaStream_t stream) {
  if (shape.channels % kChunk == 0) {
    launch<T, true>(shape, buffers, stream);
  } else {
    launch<T, false>(shape, buffers, stream);
  }
}

}  // namespace

void run_gemm(const LayerShape& shape, const LayerBuffers& buffers, GemmTile tile, cudaStream_t stream) {
  if (tile.rows == 128 && tile.columns == 128) {
    launch_tile<Tile<128, 128, 2, 4>>(shape, buffers, stream);
  } else if (tile.rows == 128 && tile.columns == 64) {
    launch_tile<Tile<128, 64, 4, 1>>(shape, buffers, stream);
  } else if (tile.rows == 64 && tile.columns == 64) {
    launch_tile<Tile<64, 64, 2, 2>>(shape, buffers, stream);
  } else if (tile.rows == 32 && tile.columns == 32) {
    launch_tile<Tile<32, 32, 2, 1>>(shape, buffers, stream);
  } else {
    throw RunError("no kernel for this tile");
  }
}

}  // namespace tw::gpu::vit

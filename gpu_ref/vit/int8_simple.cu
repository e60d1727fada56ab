// SPDX-License-Identifier: Apache-2.0
// Operand generators, the naive kernel that the others are checked against, and the depthwise kernel.
#include "harness/check.h"
#include "vit/depthwise_step.h"
#include "vit/kernels.h"

namespace tw::gpu::vit {
namespace {

constexpr int kThreads = 256;

unsigned blocks_for(uint64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

__device__ __forceinline__ uint64_t thread_number() {
  return uint64_t(blockIdx.x) * kThreads + threadIdx.x;
}

__global__ void fill_kernel(int8_t* values, uint64_t count, uint64_t seed, uint64_t first) {
  const uint64_t at = thread_number();
  if (at < count) {
    values[at] = operand(seed, first + at);
  }
}

__global__ void fill_interleaved_kernel(int8_t* values, int planes, int plane_size, uint64_t seed) {
  const uint64_t at = thread_number();
  if (at < uint64_t(planes) * plane_size) {
    values[at] = operand(seed, at % planes * plane_size + at / planes);
  }
}

__global__ void naive_kernel(const LayerShape shape, const LayerBuffers buffers, uint64_t count) {
  const uint64_t at = thread_number();
  if (at >= count) {
    return;
  }
  const int output = static_cast<int>(at % shape.outputs);
  const int pixel = static_cast<int>(at / shape.outputs % shape.pixels());
  const int group = static_cast<int>(at / shape.outputs / shape.pixels());
  const Patch patch = patch_of(pixel, shape);
  const int8_t* weight = buffers.weights + (uint64_t(group) * shape.outputs + output) * shape.reduction();
  int32_t sum = 0;
  bool outside = false;
  for (PatchCursor c; c.row < shape.kernel_height; c.advance(1, shape), ++weight) {
    uint64_t index;
    if (input_position(shape, group, patch, c, index)) {
      sum += int32_t{buffers.inputs[index]} * *weight;
      outside |= leaves_24_bits(sum);
    }
  }
  if (outside) {
    atomicAdd(buffers.outside, 1ULL);
  }
  buffers.outputs[at] = requantise(sum, buffers.shift, shape.relu != 0);
}

__global__ void pack_kernel(const int8_t* weights, uint32_t* packed, int channels) {
  const int at = static_cast<int>(thread_number());
  if (at >= 3 * channels) {
    return;
  }
  const int row = at / channels, channel = at % channels;
  uint32_t word = 0;
  for (int column = 0; column < 3; ++column) {
    word |= uint32_t{static_cast<uint8_t>(weights[channel * 9 + row * 3 + column])} << 8 * column;
  }
  packed[at] = word;
}

// One thread: four channels of two neighbouring output columns. Neighbouring threads take neighbouring
// channels.
__global__ void __launch_bounds__(kThreads)
    depthwise_kernel(const LayerShape shape, const LayerBuffers buffers, const uint32_t* packed) {
  const int words = shape.groups / 4, pairs = (shape.output_width + 1) / 2;
  const int at = static_cast<int>(thread_number());
  if (at >= words * pairs * shape.output_height) {
    return;
  }
  const int word = at % words, column = at / words % pairs * 2, row = at / words / pairs;
  const auto* const image = reinterpret_cast<const uint32_t*>(buffers.inputs);
  int32_t sums[2][4] = {};
#pragma unroll
  for (int r = 0; r < 3; ++r) {
    const int y = row + r - 1;
    const uint4 w = *reinterpret_cast<const uint4*>(packed + r * shape.groups + word * 4);
    const uint32_t weights[4] = {w.x, w.y, w.z, w.w};
    uint32_t columns[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int x = column + i - 1;
      const bool inside = y >= 0 && y < shape.input_height && x >= 0 && x < shape.input_width;
      columns[i] = inside ? image[(y * shape.input_width + x) * words + word] : 0;
    }
    depthwise_row(columns, weights, sums);
  }
  bool outside = false;
  auto* const out =
      reinterpret_cast<uint32_t*>(buffers.outputs) + (row * shape.output_width + column) * words + word;
#pragma unroll
  for (int c = 0; c < 2; ++c) {
    uint32_t bytes = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      outside |= leaves_24_bits(sums[c][i]);
      bytes |= uint32_t{static_cast<uint8_t>(requantise(sums[c][i], buffers.shift, shape.relu != 0))}
               << 8 * i;
    }
    if (column + c < shape.output_width) {
      out[c * words] = bytes;
    }
  }
  if (outside) {
    atomicAdd(buffers.outside, 1ULL);
  }
}

}  // namespace

void fill_operands(int8_t* values, uint64_t count, uint64_t seed, uint64_t first, cudaStream_t stream) {
  fill_kernel<<<blocks_for(count), kThreads, 0, stream>>>(values, count, seed, first);
  TW_CUDA(cudaGetLastError());
}

void fill_operands_interleaved(int8_t* values, int planes, int plane_size, uint64_t seed,
                               cudaStream_t stream) {
  fill_interleaved_kernel<<<blocks_for(uint64_t(planes) * plane_size), kThreads, 0, stream>>>(
      values, planes, plane_size, seed);
  TW_CUDA(cudaGetLastError());
}

void run_naive(const LayerShape& shape, const LayerBuffers& buffers, cudaStream_t stream) {
  naive_kernel<<<blocks_for(shape.output_count()), kThreads, 0, stream>>>(shape, buffers,
                                                                          shape.output_count());
  TW_CUDA(cudaGetLastError());
}

bool depthwise_supports(const LayerShape& shape) {
  return shape.depthwise() && shape.kernel_height == 3 && shape.kernel_width == 3 && shape.stride == 1 &&
         shape.padding == 1 && shape.groups % 4 == 0;
}

void pack_depthwise(const int8_t* weights, uint32_t* packed, int channels, cudaStream_t stream) {
  pack_kernel<<<blocks_for(3 * uint64_t(channels)), kThreads, 0, stream>>>(weights, packed, channels);
  TW_CUDA(cudaGetLastError());
}

void run_depthwise(const LayerShape& shape, const LayerBuffers& buffers, const uint32_t* packed,
                   cudaStream_t stream) {
  const uint64_t threads = uint64_t(shape.groups / 4) * ((shape.output_width + 1) / 2) * shape.output_height;
  depthwise_kernel<<<blocks_for(threads), kThreads, 0, stream>>>(shape, buffers, packed);
  TW_CUDA(cudaGetLastError());
}

}  // namespace tw::gpu::vit

// SPDX-License-Identifier: Apache-2.0
#include "micro/device_data.h"

#include <dlfcn.h>

#include "micro/ptx.cuh"

namespace tw::gpu {
namespace {

__global__ void fill_pattern_kernel(uint32_t* destination, size_t words) {
  for (size_t i = blockIdx.x * size_t{blockDim.x} + threadIdx.x; i < words;
       i += size_t{gridDim.x} * blockDim.x) {
    destination[i] = pattern_word(i);
  }
}

__global__ void touch_kernel(const uint8_t* source, size_t bytes, uint32_t* sink) {
  uint32_t sum = 0;
  for (size_t i = (blockIdx.x * size_t{blockDim.x} + threadIdx.x) * 16; i + 16 <= bytes;
       i += size_t{gridDim.x} * blockDim.x * 16) {
    const uint4 v = load_cg16(source + i);
    sum ^= v.x ^ v.y ^ v.z ^ v.w;
  }
  if (sum == 0x12345u && sink != nullptr) {
    *sink = sum;
  }
}

using Encode = decltype(&cuTensorMapEncodeTiled);

// Looked up in the loaded driver, so that the binary also starts where no driver is installed.
Encode tensor_map_encoder() {
  static void* const library = dlopen("libcuda.so.1", RTLD_NOW);
  static const auto encode =
      library == nullptr ? nullptr : reinterpret_cast<Encode>(dlsym(library, "cuTensorMapEncodeTiled"));
  if (encode == nullptr) {
    throw RunError("the driver has no cuTensorMapEncodeTiled");
  }
  return encode;
}

CUtensorMap encode_tensor_map(const void* base, uint32_t rank, const cuuint64_t* sizes, const cuuint64_t* strides,
                              const cuuint32_t* box, Swizzle swizzle) {
  CUtensorMap map;
  const cuuint32_t steps[3] = {1, 1, 1};
  const CUresult status = tensor_map_encoder()(
      &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, rank, const_cast<void*>(base), sizes, strides, box, steps,
      CU_TENSOR_MAP_INTERLEAVE_NONE,
      swizzle == Swizzle::k128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_NONE,
      CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    throw RunError("cuTensorMapEncodeTiled refused a box of " + std::to_string(box[1]) + " x " +
                   std::to_string(box[0]) + " (driver error " + std::to_string(status) + ")");
  }
  return map;
}

}  // namespace

void fill_pattern(uint32_t* destination, size_t words) {
  fill_pattern_kernel<<<1024, 256>>>(destination, words);
  TW_CUDA(cudaGetLastError());
  TW_CUDA(cudaDeviceSynchronize());
}

void touch(const void* source, size_t bytes) {
  touch_kernel<<<1024, 256>>>(static_cast<const uint8_t*>(source), bytes, nullptr);
  TW_CUDA(cudaGetLastError());
}

CUtensorMap make_tensor_map(const void* base, uint64_t rows, uint64_t columns, uint32_t box_rows,
                            uint32_t box_columns, Swizzle swizzle) {
  const cuuint64_t sizes[2] = {columns, rows};
  const cuuint64_t strides[1] = {columns * 2};
  const cuuint32_t box[2] = {box_columns, box_rows};
  return encode_tensor_map(base, 2, sizes, strides, box, swizzle);
}

CUtensorMap make_tensor_map3(const void* base, uint64_t planes, uint64_t rows, uint64_t columns, uint32_t box_rows,
                             uint32_t box_columns) {
  const cuuint64_t sizes[3] = {columns, rows, planes};
  const cuuint64_t strides[2] = {columns * 2, columns * 2 * rows};
  const cuuint32_t box[3] = {box_columns, box_rows, 1};
  return encode_tensor_map(base, 3, sizes, strides, box, Swizzle::k128);
}

}  // namespace tw::gpu

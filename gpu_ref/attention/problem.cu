// SPDX-License-Identifier: Apache-2.0
#include "attention/problem.h"

#include <cmath>
#include <cstring>
#include <string>

#include "micro/device_data.h"

namespace tw::gpu {
namespace {

__device__ uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// Standard normal by Box and Muller from the element's number.
__device__ float normal(uint64_t seed, uint64_t element) {
  const uint64_t bits = mix(mix(seed) + element);
  const float u = (static_cast<float>(bits >> 40) + 0.5f) * 0x1p-24f;
  const float v = static_cast<float>(bits & 0xffffffu) * 0x1p-24f;
  return sqrtf(-2.0f * logf(u)) * cospif(2.0f * v);
}

__global__ void fill_normal(__nv_bfloat16* data, uint64_t count, uint64_t seed, float scale) {
  for (uint64_t i = blockIdx.x * uint64_t{blockDim.x} + threadIdx.x; i < count;
       i += uint64_t{gridDim.x} * blockDim.x) {
    data[i] = __float2bfloat16(normal(seed, i) * scale);
  }
}

// Column 0 carries the designed part of the score; the others stay small.
__global__ void set_column(__nv_bfloat16* data, int heads, int tokens, int head_size, float base, float step,
                           int only) {
  const uint64_t rows = uint64_t(heads) * tokens;
  for (uint64_t i = blockIdx.x * uint64_t{blockDim.x} + threadIdx.x; i < rows;
       i += uint64_t{gridDim.x} * blockDim.x) {
    const int token = static_cast<int>(i % tokens);
    data[i * head_size] = __float2bfloat16(only < 0 ? base + step * token : token == only ? base : 0.0f);
  }
}

// The counter that CTAs draw items from; every launch leaves it zero.
uint32_t* schedule_words() {
  static uint32_t* const words = [] {
    void* data = nullptr;
    TW_CUDA(cudaMalloc(&data, 2 * sizeof(uint32_t)));
    TW_CUDA(cudaMemset(data, 0, 2 * sizeof(uint32_t)));
    return static_cast<uint32_t*>(data);
  }();
  return words;
}

}  // namespace

const Kernel& find_kernel(const char* name) {
  std::string known;
  for (const Kernel& kernel : attention_kernels()) {
    if (std::strcmp(kernel.name, name) == 0) {
      return kernel;
    }
    known += std::string(known.empty() ? "" : ", ") + kernel.name;
  }
  throw UsageError(std::string("unknown kernel '") + name + "'; known: " + known);
}

int query_blocks(const Kernel& kernel, int query_count) {
  const int blocks = (query_count + kernel.query_tile - 1) / kernel.query_tile;
  return (blocks + kernel.cluster_size - 1) / kernel.cluster_size * kernel.cluster_size;
}

Arguments make_arguments(const Kernel& kernel, const Tensors& tensors, const DeviceLists& lists,
                         Stamp* stamps) {
  if (tensors.heads < 1 || tensors.heads > 65535 || tensors.query_count < 1 || tensors.key_count < 1) {
    throw UsageError("heads must be from 1 to 65535, queries and keys at least 1");
  }
  if ((kernel.source != Source::kDense) != (lists.items != nullptr)) {
    throw UsageError(std::string(kernel.name) +
                     (lists.items == nullptr ? " needs lists" : " takes no lists"));
  }
  const auto map = [&](const void* base, int tokens, int box_rows) {
    return make_tensor_map3(base, static_cast<uint64_t>(tensors.heads), static_cast<uint64_t>(tokens),
                            static_cast<uint64_t>(kernel.head_size), static_cast<uint32_t>(box_rows), 64);
  };
  const int key_box = kernel.source == Source::kGathered ? 8 : kernel.key_block / kernel.cluster_size;
  Arguments arguments{};
  arguments.queries = map(tensors.queries, tensors.query_count, 64);
  arguments.keys = map(tensors.keys, tensors.key_count, key_box);
  arguments.values = map(tensors.values, tensors.key_count, key_box);
  arguments.outputs = map(tensors.outputs, tensors.query_count, 64);
  arguments.key_rows = static_cast<const uint8_t*>(tensors.keys);
  arguments.value_rows = static_cast<const uint8_t*>(tensors.values);
  arguments.items = lists.items;
  arguments.starts = lists.starts;
  arguments.counts = lists.counts;
  arguments.schedule = schedule_words();
  arguments.blocks = static_cast<uint32_t>(query_blocks(kernel, tensors.query_count));
  arguments.items_of_work = arguments.blocks * static_cast<uint32_t>(tensors.heads);
  arguments.query_count = static_cast<uint32_t>(tensors.query_count);
  arguments.key_count = static_cast<uint32_t>(tensors.key_count);
  arguments.scale_log2 = static_cast<float>(1.4426950408889634 / std::sqrt(double(kernel.head_size)));
  arguments.stamps = stamps;
  return arguments;
}

int grid_size(const Kernel& kernel, const Arguments& arguments) {
  static const int sm_count = [] {
    int device = 0, count = 0;
    TW_CUDA(cudaGetDevice(&device));
    TW_CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
    return count;
  }();
  const int resident = sm_count * kernel.ctas_per_sm / kernel.cluster_size * kernel.cluster_size;
  return std::min(resident, static_cast<int>(arguments.items_of_work));
}

void launch(const Kernel& kernel, const Arguments& arguments, cudaStream_t stream) {
  TW_CUDA(cudaFuncSetAttribute(kernel.function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(kernel.shared_bytes)));
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(grid_size(kernel, arguments)));
  config.blockDim = dim3(static_cast<unsigned>(kernel.threads));
  config.dynamicSmemBytes = kernel.shared_bytes;
  config.stream = stream;
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {static_cast<unsigned>(kernel.cluster_size), 1, 1};
  config.attrs = &cluster;
  config.numAttrs = kernel.cluster_size > 1 ? 1 : 0;
  void* parameters[] = {const_cast<Arguments*>(&arguments)};
  TW_CUDA(cudaLaunchKernelExC(&config, kernel.function, parameters));
}

Problem::Problem(int heads, int query_count, int key_count, int head_size)
    : heads_(heads), query_count_(query_count), key_count_(key_count), head_size_(head_size) {
  const auto allocate = [&](int tokens) {
    return std::make_unique<DeviceBuffer<__nv_bfloat16>>(size_t(heads) * size_t(tokens) * size_t(head_size));
  };
  queries_ = allocate(query_count);
  keys_ = allocate(key_count);
  values_ = allocate(key_count);
  outputs_ = allocate(query_count);
}

void Problem::fill(Fill fill, uint64_t seed, int needle) {
  const float scale = fill == Fill::kNormal ? 1.0f : 0.25f;
  fill_normal<<<1024, 256>>>(queries_->get(), queries_->count(), seed * 3, scale);
  fill_normal<<<1024, 256>>>(keys_->get(), keys_->count(), seed * 3 + 1, scale);
  fill_normal<<<1024, 256>>>(values_->get(), values_->count(), seed * 3 + 2, 1.0f);
  if (fill != Fill::kNormal) {
    const bool ascending = fill == Fill::kAscending;
    set_column<<<256, 256>>>(queries_->get(), heads_, query_count_, head_size_, 16.0f, 0.0f, -1);
    set_column<<<256, 256>>>(keys_->get(), heads_, key_count_, head_size_, ascending ? -8.0f : 32.0f,
                             ascending ? 40.0f / static_cast<float>(key_count_) : 0.0f,
                             ascending ? -1 : needle);
  }
  TW_CUDA(cudaGetLastError());
  TW_CUDA(cudaDeviceSynchronize());
}

void Problem::poison() {
  TW_CUDA(cudaMemset(outputs_->get(), 0xff, outputs_->bytes()));
}

void Problem::use_lists(const Lists& lists) {
  items_.reset();
  if (!lists.counts.empty()) {
    items_ = std::make_unique<DeviceBuffer<uint32_t>>(std::max<size_t>(lists.items.size(), 4));
    counts_ = std::make_unique<DeviceBuffer<uint32_t>>(lists.counts.size());
    starts_ = std::make_unique<DeviceBuffer<uint64_t>>(lists.starts.size());
    std::vector<uint32_t> items = lists.items;
    items.resize(items_->count());
    items_->upload(items);
    counts_->upload(lists.counts);
    starts_->upload(lists.starts);
  }
}

Tensors Problem::tensors() const {
  return {queries_->get(), keys_->get(), values_->get(), outputs_->get(), heads_, query_count_, key_count_};
}

DeviceLists Problem::lists() const {
  return items_ ? DeviceLists{items_->get(), starts_->get(), counts_->get()} : DeviceLists{};
}

}  // namespace tw::gpu

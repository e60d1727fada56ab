// SPDX-License-Identifier: Apache-2.0
#include "attention/reference.h"

#include <cmath>
#include <limits>

namespace tw::gpu {
namespace {

constexpr int kThreads = 128;

struct Rows {
  const __nv_bfloat16* queries;  // of the block
  const __nv_bfloat16* keys;     // of the head
  const __nv_bfloat16* values;
  const uint32_t* list;
  int count, head_size;
};

template <typename Combine>
__device__ double combine_all(double mine, double* shared, Combine combine) {
  shared[threadIdx.x] = mine;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) {
      shared[threadIdx.x] = combine(shared[threadIdx.x], shared[threadIdx.x + half]);
    }
    __syncthreads();
  }
  const double result = shared[0];
  __syncthreads();
  return result;
}

// One CTA a query.
__global__ void reference_kernel(Rows rows, double* scores, double* outputs) {
  __shared__ double shared[kThreads];
  const __nv_bfloat16* query = rows.queries + size_t{blockIdx.x} * rows.head_size;
  double* mine = scores + size_t{blockIdx.x} * rows.count;
  const double scale = 1.0 / sqrt(static_cast<double>(rows.head_size));
  double largest = -INFINITY;
  for (int i = threadIdx.x; i < rows.count; i += kThreads) {
    const __nv_bfloat16* key = rows.keys + size_t{rows.list[i]} * rows.head_size;
    double dot = 0;
    for (int d = 0; d < rows.head_size; ++d) {
      dot += static_cast<double>(__bfloat162float(query[d])) * static_cast<double>(__bfloat162float(key[d]));
    }
    mine[i] = dot * scale;
    largest = fmax(largest, mine[i]);
  }
  largest = combine_all(largest, shared, [](double a, double b) { return fmax(a, b); });
  double sum = 0;
  for (int i = threadIdx.x; i < rows.count; i += kThreads) {
    mine[i] = exp(mine[i] - largest);
    sum += mine[i];
  }
  sum = combine_all(sum, shared, [](double a, double b) { return a + b; });
  for (int d = threadIdx.x; d < rows.head_size; d += kThreads) {
    double output = 0;
    for (int i = 0; i < rows.count; ++i) {
      output += mine[i] *
                static_cast<double>(__bfloat162float(rows.values[size_t{rows.list[i]} * rows.head_size + d]));
    }
    outputs[size_t{blockIdx.x} * rows.head_size + d] = output / sum;
  }
}

std::vector<uint32_t> keys_of(const Problem& problem, const Kernel& kernel, const Lists& lists,
                              BlockOf which) {
  std::vector<uint32_t> keys;
  const auto all = static_cast<uint32_t>(problem.key_count());
  if (kernel.source == Source::kDense) {
    for (uint32_t key = 0; key < all; ++key) {
      keys.push_back(key);
    }
    return keys;
  }
  const size_t list = size_t(which.head) * lists.blocks + size_t(which.block);
  const auto block = static_cast<uint32_t>(kernel.source == Source::kBlocks ? kernel.key_block : 1);
  for (uint32_t i = 0; i < lists.counts[list]; ++i) {
    const uint32_t first = lists.items[lists.starts[list] + i] * block;
    for (uint32_t key = first; key < std::min(first + block, all); ++key) {
      keys.push_back(key);
    }
  }
  return keys;
}

int queries_of(const Problem& problem, const Kernel& kernel, BlockOf which) {
  return std::min(kernel.query_tile, problem.query_count() - which.block * kernel.query_tile);
}

size_t first_query(const Problem& problem, const Kernel& kernel, BlockOf which) {
  return size_t(which.head) * size_t(problem.query_count()) + size_t(which.block) * size_t(kernel.query_tile);
}

}  // namespace

std::vector<double> reference_on_card(const Problem& problem, const Kernel& kernel, const Lists& lists,
                                      BlockOf which) {
  const std::vector<uint32_t> keys = keys_of(problem, kernel, lists, which);
  const auto queries = static_cast<size_t>(queries_of(problem, kernel, which)),
             head_size = size_t(kernel.head_size);
  if (keys.empty()) {
    return std::vector<double>(queries * head_size, 0.0);
  }
  DeviceBuffer<uint32_t> list(keys.size());
  list.upload(keys);
  DeviceBuffer<double> scores(queries * keys.size()), outputs(queries * head_size);
  const Tensors tensors = problem.tensors();
  const size_t head = size_t(which.head) * size_t(problem.key_count()) * head_size;
  const Rows rows{
      static_cast<const __nv_bfloat16*>(tensors.queries) + first_query(problem, kernel, which) * head_size,
      static_cast<const __nv_bfloat16*>(tensors.keys) + head,
      static_cast<const __nv_bfloat16*>(tensors.values) + head,
      list.get(),
      static_cast<int>(keys.size()),
      kernel.head_size};
  reference_kernel<<<static_cast<unsigned>(queries), kThreads>>>(rows, scores.get(), outputs.get());
  TW_CUDA(cudaGetLastError());
  return outputs.download();
}

std::vector<double> reference_on_host(const Problem& problem, const Kernel& kernel, const Lists& lists,
                                      BlockOf which) {
  const std::vector<uint32_t> keys = keys_of(problem, kernel, lists, which);
  const auto queries = static_cast<size_t>(queries_of(problem, kernel, which)),
             head_size = size_t(kernel.head_size);
  std::vector<double> result(queries * head_size, 0.0);
  const Tensors tensors = problem.tensors();
  const auto fetch = [&](const void* base, size_t first, size_t rows) {
    std::vector<__nv_bfloat16> raw(rows * head_size);
    TW_CUDA(cudaMemcpy(raw.data(), static_cast<const __nv_bfloat16*>(base) + first * head_size,
                       raw.size() * sizeof(raw[0]), cudaMemcpyDeviceToHost));
    std::vector<double> wide(raw.size());
    for (size_t i = 0; i < raw.size(); ++i) {
      wide[i] = static_cast<double>(__bfloat162float(raw[i]));
    }
    return wide;
  };
  const auto all = static_cast<size_t>(problem.key_count()), head = size_t(which.head) * all;
  const auto q = fetch(tensors.queries, first_query(problem, kernel, which), queries);
  const auto k = fetch(tensors.keys, head, all), v = fetch(tensors.values, head, all);
  std::vector<double> weights(keys.size());
  for (size_t row = 0; row < queries; ++row) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      double dot = 0;
      for (size_t d = 0; d < head_size; ++d) {
        dot += q[row * head_size + d] * k[keys[i] * head_size + d];
      }
      weights[i] = dot / std::sqrt(static_cast<double>(head_size));
      largest = std::max(largest, weights[i]);
    }
    for (double& weight : weights) {
      weight = std::exp(weight - largest);
      sum += weight;
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      for (size_t d = 0; d < head_size; ++d) {
        result[row * head_size + d] += weights[i] / sum * v[keys[i] * head_size + d];
      }
    }
  }
  return result;
}

double relative_error(const Problem& problem, const Kernel& kernel, const std::vector<__nv_bfloat16>& outputs,
                      const std::vector<double>& expected, BlockOf which) {
  const size_t first = first_query(problem, kernel, which) * size_t(kernel.head_size);
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double delta = static_cast<double>(__bfloat162float(outputs[first + i])) - expected[i];
    difference += delta * delta;
    norm += expected[i] * expected[i];
  }
  const double infinity = std::numeric_limits<double>::infinity();
  if (!(difference < infinity)) {
    return infinity;
  }
  return norm > 0 ? std::sqrt(difference / norm) : difference > 0 ? infinity : 0.0;
}

}  // namespace tw::gpu

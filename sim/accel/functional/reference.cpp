// SPDX-License-Identifier: Apache-2.0
#include "sim/accel/functional/reference.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <bit>

namespace tilewright::accel {
namespace {

using Matrix = Eigen::Matrix<int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr Eigen::Index kPixelsAtOnce = 1024;  // bounds the im2col matrix

Matrix weight_matrix(const Operands& operands, uint32_t group, Eigen::Index depth) {
  const uint64_t count = operands.shape.output_channels * static_cast<uint64_t>(depth);
  const int8_t* const first = &operands.weights[group * count];
  Matrix weights(operands.shape.output_channels, depth);  // stored [output channel][row][column][channel] already
  std::copy(first, first + count, weights.data());
  return weights;
}

Matrix im2col(const Operands& operands, uint32_t group, Eigen::Index first, Eigen::Index count, Eigen::Index depth) {
  const workloads::MacShape& s = operands.shape;
  Matrix columns = Matrix::Zero(count, depth);
  for (Eigen::Index p = 0; p < count; ++p) {
    const int64_t pixel = first + p;
    Eigen::Index at = 0;
    for (uint32_t r = 0; r < s.kernel_height; ++r) {
      for (uint32_t c = 0; c < s.kernel_width; ++c, at += s.input_channels) {
        const int64_t row = pixel / s.output_width * s.stride + r - s.padding;
        const int64_t column = pixel % s.output_width * s.stride + c - s.padding;
        if (row < 0 || column < 0 || row >= s.input_height || column >= s.input_width) {
          continue;
        }
        for (uint32_t k = 0; k < s.input_channels; ++k) {
          columns(p, at + k) =
              operands.input(group, static_cast<uint32_t>(row), static_cast<uint32_t>(column), k);
        }
      }
    }
  }
  return columns;
}

}  // namespace

std::vector<int32_t> reference_sums(const Operands& operands) {
  const workloads::MacShape& s = operands.shape;
  const Eigen::Index pixels = Eigen::Index{s.output_height} * s.output_width;
  const Eigen::Index depth = Eigen::Index{s.kernel_height} * s.kernel_width * s.input_channels;
  std::vector<int32_t> sums;
  sums.reserve(static_cast<std::size_t>(pixels) * s.groups * s.output_channels);
  for (uint32_t group = 0; group < s.groups; ++group) {
    const Matrix weights = weight_matrix(operands, group, depth);
    for (Eigen::Index first = 0; first < pixels; first += kPixelsAtOnce) {
      const Eigen::Index count = std::min(kPixelsAtOnce, pixels - first);
      const Matrix product = im2col(operands, group, first, count, depth) * weights.transpose();
      sums.insert(sums.end(), product.data(), product.data() + product.size());
    }
  }
  return sums;
}

std::string output_hash(const std::vector<int32_t>& sums, uint32_t shift, bool relu) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const int32_t sum : sums) {
    hash = (hash ^ static_cast<uint8_t>(requantise(sum, shift, relu))) * 0x100000001b3ULL;
  }
  return fmt::format("{:016x}", hash);
}

// A sum of n products of independent uniform INT8 values has a standard deviation of about 5461 sqrt(n); three of them in 127.
uint32_t requantisation_shift(uint64_t reduction) {
  const uint64_t root = uint64_t{1} << (std::bit_width(reduction) / 2);
  return static_cast<uint32_t>(std::bit_width(3 * 5461 * root / 127));
}

}  // namespace tilewright::accel

// SPDX-License-Identifier: Apache-2.0
#include "workloads/ofa_resnet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "workloads/builder.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr std::array<uint32_t, kOfaStages> kFewestBlocks = {2, 2, 4, 2};
constexpr std::array<uint32_t, kOfaStages> kMostBlocks = {4, 4, 6, 4};
constexpr std::array<uint32_t, 2 + kOfaStages> kWidths = {32, 64, 256, 512, 1024, 2048};
constexpr std::array<double, 3> kExpandRatios = {0.2, 0.25, 0.35};
constexpr std::array<double, 3> kWidthMultipliers = {0.65, 0.8, 1.0};
constexpr uint32_t kMostDepth = 2;
constexpr uint32_t kSmallestResolution = 128;
constexpr uint32_t kLargestResolution = 256;

// To a multiple of 8, not more than a tenth below the value: the rounding that the trained networks have.
uint32_t divisible(double value) {
  const auto rounded = std::max<uint32_t>(8, static_cast<uint32_t>(value + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * value ? rounded + 8 : rounded;
}

class Generator {
 public:
  explicit Generator(const OfaResnetSpec& spec)
      : spec_(spec), net_(spec.name, {1, spec.resolution, spec.resolution, 3}) {}

  Network build() {
    Tensor x = stem();
    std::size_t ratio = 0;
    for (std::size_t stage = 0; stage < kOfaStages; ++stage) {
      const uint32_t blocks = kFewestBlocks[stage] + spec_.depth[1 + stage];
      for (uint32_t block = 0; block < blocks; ++block) {
        group_ = fmt::format("stage{}", stage + 1);
        name_ = fmt::format("{}.{}", group_, block);
        const uint32_t stride = stage > 0 && block == 0 ? 2 : 1;
        x = bottleneck(x, width(2 + stage), spec_.expand_ratio[ratio + block], stride);
      }
      ratio += kMostBlocks[stage];
    }
    x = net_.adaptive_pool("pool", x, 1, 1);
    net_.linear("classifier", x, spec_.classes);
    return net_.finish();
  }

 private:
  uint32_t width(std::size_t index) const {
    return divisible(kWidths[index] * spec_.width_multiplier[index]);
  }

  Tensor stem() {
    Tensor x = net_.conv2d("stem.conv0", net_.input(), convolution(width(0), 3, 2, true));
    if (spec_.depth[0] == kMostDepth) {
      x = net_.add("stem.add", x, net_.conv2d("stem.residual", x, convolution(width(0), 3, 1, true)));
    }
    x = net_.conv2d("stem.conv1", x, convolution(width(1), 3, 1, true));
    return net_.pool("stem.pool", x, {.kernel = 3, .stride = 2, .padding = 1});
  }

  static NetworkBuilder::Convolution convolution(uint32_t channels, uint32_t kernel, uint32_t stride,
                                                 bool relu) {
    return {
        .output_channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2, .relu = relu};
  }

  LayerName in_block(const std::string& what) const { return {name_ + "." + what, group_ + "." + what}; }

  Tensor bottleneck(Tensor x, uint32_t channels, double ratio, uint32_t stride) {
    const uint32_t inner = divisible(channels * ratio);
    Tensor y = net_.conv2d(in_block("conv1"), x, convolution(inner, 1, 1, true));
    y = net_.conv2d(in_block("conv2"), y, convolution(inner, 3, stride, true));
    y = net_.conv2d(in_block("conv3"), y, convolution(channels, 1, 1, false));
    if (stride > 1) {
      // The size is rounded up where the stride does not divide it: the last window is half outside.
      const Shape out = net_.shape(y);
      x = net_.adaptive_pool(in_block("shortcut_pool"), x, out.height, out.width);
    }
    if (stride > 1 || net_.shape(x).channels != channels) {
      x = net_.conv2d(in_block("shortcut"), x, convolution(channels, 1, 1, false));
    }
    return net_.add(in_block("add"), x, y, true);
  }

  const OfaResnetSpec& spec_;
  NetworkBuilder net_;
  std::string name_, group_;
};

bool one_of(double value, const std::array<double, 3>& choices) {
  return std::any_of(choices.begin(), choices.end(),
                     [value](double choice) { return std::abs(choice - value) < 1e-9; });
}

}  // namespace

OfaResnetSpec ofa_resnet_spec() {
  OfaResnetSpec spec;
  spec.expand_ratio.fill(kExpandRatios.back());
  return spec;
}

std::vector<SettingProblem> check_spec(const OfaResnetSpec& spec) {
  std::vector<SettingProblem> problems;
  const std::string trained = "the space that was trained has no other values";
  check_range(problems, "classes", spec.classes, 1, kMostChannels, "the classifier has an output a class");
  check_range(problems, "resolution", spec.resolution, kSmallestResolution, kLargestResolution, trained);
  for (std::size_t i = 0; i < spec.depth.size(); ++i) {
    check_range(problems, "depth." + std::to_string(i), spec.depth[i], 0, kMostDepth, trained);
  }
  const auto check_choice = [&](const std::string& setting, double value,
                                const std::array<double, 3>& choices) {
    if (!one_of(value, choices)) {
      problems.push_back(
          {setting, fmt::format("must be {}, {} or {}, got {}", choices[0], choices[1], choices[2], value),
           trained});
    }
  };
  for (std::size_t i = 0; i < spec.expand_ratio.size(); ++i) {
    check_choice("expand_ratio." + std::to_string(i), spec.expand_ratio[i], kExpandRatios);
  }
  for (std::size_t i = 0; i < spec.width_multiplier.size(); ++i) {
    check_choice("width_multiplier." + std::to_string(i), spec.width_multiplier[i], kWidthMultipliers);
  }
  return problems;
}

Network ofa_resnet50(const OfaResnetSpec& spec) {
  refuse(check_spec(spec), "workload.path");
  return Generator(spec).build();
}

}  // namespace tilewright::workloads

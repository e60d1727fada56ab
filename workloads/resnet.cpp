// SPDX-License-Identifier: Apache-2.0
#include "workloads/resnet.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr std::array<uint32_t, 4> kBlocks = {3, 4, 6, 3};
constexpr uint32_t kExpansion = 4;
constexpr uint32_t kSmallestImage = 33;  // two pixels are left in the last stage

class Resnet {
 public:
  Resnet(NetworkBuilder& net, const ResnetOptions& options) : net_(net), options_(options) {}

  Tensor stem(Tensor image) {
    const Tensor x = net_.conv2d(
        "conv1", image, {.output_channels = 64, .kernel = 7, .stride = 2, .padding = 3, .relu = true});
    return net_.pool("pool1", x, {.kernel = 3, .stride = 2, .padding = 1});
  }

  Tensor stage(uint32_t index, Tensor x) {
    const bool keeps_size = index == 0 || (index == 3 && options_.dilated_last_stage);
    for (uint32_t block = 0; block < kBlocks[index]; ++block) {
      name_ = "res" + std::to_string(index + 2) + static_cast<char>('a' + block);
      x = bottleneck(x, 64U << index, block == 0, block == 0 && !keeps_size ? 2 : 1);
    }
    return x;
  }

 private:
  Tensor bottleneck(Tensor x, uint32_t width, bool widens, uint32_t stride) {
    const uint32_t first_stride = options_.stride_in_first ? stride : 1;
    const uint32_t second_stride = options_.stride_in_first ? 1 : stride;
    Tensor y =
        net_.conv2d(name_ + "_branch2a", x, {.output_channels = width, .stride = first_stride, .relu = true});
    y = net_.conv2d(
        name_ + "_branch2b", y,
        {.output_channels = width, .kernel = 3, .stride = second_stride, .padding = 1, .relu = true});
    y = net_.conv2d(name_ + "_branch2c", y, {.output_channels = kExpansion * width});
    if (widens) {
      x = net_.conv2d(name_ + "_branch1", x, {.output_channels = kExpansion * width, .stride = stride});
    }
    return net_.add(name_ + "_add", x, y, true);
  }

  NetworkBuilder& net_;
  ResnetOptions options_;
  std::string name_;
};

}  // namespace

std::array<Tensor, 4> append_resnet50(NetworkBuilder& net, Tensor image, const ResnetOptions& options) {
  Resnet resnet(net, options);
  std::array<Tensor, 4> features;
  Tensor x = resnet.stem(image);
  for (uint32_t stage = 0; stage < features.size(); ++stage) {
    x = features[stage] = resnet.stage(stage, x);
  }
  return features;
}

std::vector<SettingProblem> check_spec(const ResnetSpec& spec) {
  std::vector<SettingProblem> problems;
  check_image(problems, spec.height, spec.width, kSmallestImage, spec.name + " halves the image five times");
  check_range(problems, "classes", spec.classes, 1, kMostChannels, "fc has an output a class");
  return problems;
}

Network resnet50(const ResnetSpec& spec) {
  refuse(check_spec(spec), "workload.image");
  NetworkBuilder net(spec.name, {1, spec.height, spec.width, 3});
  const auto features = append_resnet50(
      net, net.input(), {.stride_in_first = spec.stride_in_first, .dilated_last_stage = false});
  const Tensor pooled = net.adaptive_pool("pool5", features[3], 1, 1);
  net.linear("fc", pooled, spec.classes);
  return net.finish();
}

}  // namespace tilewright::workloads

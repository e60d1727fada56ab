// SPDX-License-Identifier: Apache-2.0
#include "workloads/swin.h"

#include <numeric>

#include "workloads/builder.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr uint32_t kWindow = 7;
constexpr uint32_t kMlpRatio = 4;
constexpr uint32_t kImageMultiple = 32;
constexpr std::array<uint32_t, 4> kPoolScales = {1, 2, 3, 6};

struct Kept {
  std::array<uint32_t, kSwinStages> blocks;
  std::array<uint32_t, kFpnLevels> fpn;
  uint32_t bottleneck_input;
  uint32_t predict_input;
};

Kept resolve(const SwinSpec& spec, const SwinPath& path) {
  const uint32_t width = spec.decoder_channels;
  Kept kept{path.blocks.value_or(spec.blocks),
            path.fpn_conv_channels.value_or(std::array{width, width, width}), 0,
            path.predict_input_channels.value_or(width)};
  const uint32_t joined = std::accumulate(kept.fpn.begin(), kept.fpn.end(), width);
  kept.bottleneck_input = path.fpn_bottleneck_input_channels.value_or(joined);
  return kept;
}

class Generator {
 public:
  Generator(const SwinSpec& spec, const Kept& kept)
      : spec_(spec), kept_(kept), net_(spec.name, {1, spec.height, spec.width, 3}) {}

  Network build() {
    Tensor x = net_.conv2d("PatchEmbed_Conv2D", net_.input(),
                           {.output_channels = spec_.channels, .kernel = 4, .stride = 4});
    x = net_.layernorm("PatchEmbed_LayerNorm", x);
    std::array<Tensor, kSwinStages> features;
    for (stage_ = 0; stage_ < kSwinStages; ++stage_) {
      for (block_ = 0; block_ < kept_.blocks[stage_]; ++block_) {
        x = block(x);
      }
      const std::string number = std::to_string(stage_);
      features[stage_] = net_.layernorm("enc" + number + ".norm", x);
      if (stage_ + 1 < kSwinStages) {
        x = merge(number, x);
      }
    }
    head(features);
    return net_.finish();
  }

 private:
  uint32_t channels() const { return spec_.channels << stage_; }
  uint32_t heads() const { return spec_.heads << stage_; }

  LayerName in_block(const std::string& what) const {
    const std::string stage = "enc" + std::to_string(stage_);
    return {stage + "." + std::to_string(block_) + "." + what, stage + "." + what};
  }

  Tensor block(Tensor x) {
    x = net_.add(in_block("attention_add"), x, attention(net_.layernorm(in_block("norm1"), x)));
    Tensor y = net_.linear(in_block("fc1"), net_.layernorm(in_block("norm2"), x), kMlpRatio * channels());
    y = net_.linear(in_block("fc2"), net_.gelu(in_block("gelu"), y), channels());
    return net_.add(in_block("mlp_add"), x, y);
  }

  Tensor attention(Tensor x) {
    constexpr uint32_t kTokens = kWindow * kWindow;
    const Shape map = net_.shape(x);
    const uint32_t windows = (map.height + kWindow - 1) / kWindow * ((map.width + kWindow - 1) / kWindow);
    const uint32_t head_channels = channels() / heads();
    const Tensor y = net_.rearrange(in_block("window_partition"), x, {1, windows, kTokens, channels()});
    const Tensor qkv = net_.linear(in_block("qkv"), y, 3 * channels());
    const Tensor scores = net_.matmul(in_block("qk"), qkv, qkv, {heads(), head_channels, kTokens, windows});
    const Tensor weights = net_.softmax(in_block("softmax"), scores, uint64_t{heads()} * kTokens * kTokens);
    const Tensor mixed =
        net_.matmul(in_block("av"), weights, qkv, {heads(), kTokens, head_channels, windows});
    const Tensor out = net_.linear(in_block("proj"), mixed, channels());
    return net_.rearrange(in_block("window_reverse"), out, map);
  }

  Tensor merge(const std::string& number, Tensor x) {
    const Shape map = net_.shape(x);
    x = net_.rearrange("PatchMerge" + number + "_gather", x,
                       {1, map.height / 2, map.width / 2, 4 * channels()});
    x = net_.layernorm("PatchMerge" + number + "_LayerNorm", x);
    return net_.linear("PatchMerge" + number, x, 2 * channels());
  }

  NetworkBuilder::Convolution convolution(uint32_t channels, uint32_t kernel) const {
    return {.output_channels = channels, .kernel = kernel, .padding = kernel / 2, .relu = true};
  }

  Tensor resize_to(const std::string& name, Tensor x, Tensor like) {
    const Shape& shape = net_.shape(like);
    return net_.resize(name, x, shape.height, shape.width);
  }

  Tensor pyramid_pooling(Tensor x) {
    std::vector<Tensor> joined = {x};
    const Shape map = net_.shape(x);
    for (const uint32_t scale : kPoolScales) {
      const std::string name = "psp_pool" + std::to_string(scale);
      Tensor y = net_.adaptive_pool(name, x, std::min(scale, map.height), std::min(scale, map.width));
      y = net_.conv2d(name + "_Conv2D", y, convolution(spec_.decoder_channels, 1));
      joined.push_back(resize_to(name + "_resize", y, x));
    }
    return net_.conv2d("psp_bottleneck_Conv2D", net_.concat("psp_concat", joined),
                       convolution(spec_.decoder_channels, 3));
  }

  void head(const std::array<Tensor, kSwinStages>& features) {
    std::array<Tensor, kSwinStages> laterals;
    laterals[3] = pyramid_pooling(features[3]);
    std::vector<Tensor> joined;
    for (uint32_t level = kFpnLevels; level-- > 0;) {
      const std::string number = std::to_string(level);
      if (level == 0 && kept_.fpn[0] == 0) {
        continue;
      }
      const Tensor own = net_.conv2d("lateral" + number + "_Conv2D", features[level],
                                     convolution(spec_.decoder_channels, 1));
      const Tensor above = resize_to("topdown" + number + "_resize", laterals[level + 1], own);
      laterals[level] = net_.add("topdown" + number + "_add", own, above);
    }
    for (uint32_t level = 0; level < kFpnLevels; ++level) {
      if (kept_.fpn[level] > 0) {
        const std::string number = std::to_string(level);
        const Tensor y =
            net_.conv2d("fpn_conv" + number + "_Conv2D", laterals[level], convolution(kept_.fpn[level], 3));
        joined.push_back(level == 0 ? y : resize_to("fpn_resize" + number, y, features[0]));
      }
    }
    joined.push_back(resize_to("fpn_resize3", laterals[3], features[0]));
    NetworkBuilder::Convolution bottleneck = convolution(kept_.predict_input, 3);
    bottleneck.input_channels = kept_.bottleneck_input;
    const Tensor fused = net_.conv2d("fpn_bottleneck_Conv2D", net_.concat("fpn_concat", joined), bottleneck);
    net_.conv2d("conv_seg", fused, {.output_channels = spec_.classes});
  }

  const SwinSpec& spec_;
  Kept kept_;
  NetworkBuilder net_;
  uint32_t stage_ = 0;
  uint32_t block_ = 0;
};

}  // namespace

SwinSpec swin_spec(SwinSize size) {
  SwinSpec spec;
  spec.name = "swin_tiny_upernet_ade";
  if (size != SwinSize::kTiny) {
    spec.name = size == SwinSize::kSmall ? "swin_small_upernet_ade" : "swin_base_upernet_ade";
    spec.blocks = {2, 2, 18, 2};
  }
  if (size == SwinSize::kBase) {
    spec.channels = 128;
    spec.heads = 4;
  }
  return spec;
}

std::vector<SettingProblem> check_spec(const SwinSpec& spec) {
  std::vector<SettingProblem> problems;
  for (const auto& [setting, side] :
       {std::pair<const char*, uint32_t>{"image_height", spec.height}, {"image_width", spec.width}}) {
    if (side == 0 || side % kImageMultiple != 0 || side > kLargestImage) {
      problems.push_back({setting,
                          "must be a multiple of 32 from 32 to " + std::to_string(kLargestImage) + ", got " +
                              std::to_string(side),
                          "the stages of " + spec.name + " divide the image by 4, 8, 16 and 32"});
    }
  }
  check_range(problems, "classes", spec.classes, 1, kMostChannels, "conv_seg has an output channel a class");
  check_range(problems, "decoder_channels", spec.decoder_channels, 1, kMostChannels,
              "every convolution of the head has so many output channels");
  return problems;
}

std::vector<SettingProblem> check_path(const SwinSpec& spec, const SwinPath& path) {
  std::vector<SettingProblem> problems;
  const std::string width = std::to_string(spec.decoder_channels);
  for (std::size_t stage = 0; stage < kSwinStages && path.blocks; ++stage) {
    const std::string number = std::to_string(stage);
    check_range(problems, "blocks." + number, path.blocks->at(stage), 1, spec.blocks[stage],
                "stage " + number + " of " + spec.name + " has " + std::to_string(spec.blocks[stage]) +
                    " encoder blocks and keeps at least one");
  }
  uint64_t joined = uint64_t{4} * spec.decoder_channels;
  if (path.fpn_conv_channels) {
    joined = spec.decoder_channels;
    for (std::size_t level = 0; level < kFpnLevels; ++level) {
      joined += path.fpn_conv_channels->at(level);
      check_range(problems, "fpn_conv_channels." + std::to_string(level), path.fpn_conv_channels->at(level),
                  0, spec.decoder_channels, "an FPN convolution has " + width + " output channels");
    }
  }
  if (path.fpn_bottleneck_input_channels) {
    check_range(problems, "fpn_bottleneck_input_channels", *path.fpn_bottleneck_input_channels, 1, joined,
                "the levels hand on " + std::to_string(joined) + " channels");
  }
  if (path.predict_input_channels) {
    check_range(problems, "predict_input_channels", *path.predict_input_channels, 1, spec.decoder_channels,
                "the FPN bottleneck has " + width + " output channels");
  }
  return problems;
}

Network swin_upernet(const SwinSpec& spec, const SwinPath& path) {
  refuse(check_spec(spec), "workload.image");
  refuse(check_path(spec, path), "workload.path");
  return Generator(spec, resolve(spec, path)).build();
}

}  // namespace tilewright::workloads

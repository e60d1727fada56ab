// SPDX-License-Identifier: Apache-2.0
#include "workloads/segformer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/base/error.h"
#include "workloads/builder.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr uint32_t kMlpRatio = 4;
constexpr uint32_t kImageMultiple = 32;  // the patch embeddings shrink the image by 4, 2, 2 and 2

struct Decoder {
  PerStage<uint32_t> linear;
  uint32_t fuse_input;
  uint32_t predict_input;
};

uint64_t sum(const PerStage<uint32_t>& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

PerStage<uint32_t> every_stage(uint32_t value) {
  return {value, value, value, value};
}

class Generator {
 public:
  Generator(const SegformerSpec& spec, PerStage<uint32_t> blocks, Decoder decoder)
      : spec_(spec), blocks_(blocks), decoder_(decoder), net_(spec.name, {1, spec.height, spec.width, 3}) {}

  Network build() {
    PerStage<Tensor> features;
    Tensor x = net_.input();
    for (uint32_t stage = 0; stage < kSegformerStages; ++stage) {
      x = features[stage] = encoder_stage(stage, x);
    }
    head(features);
    return net_.finish();
  }

 private:
  Tensor encoder_stage(uint32_t stage, Tensor image) {
    const std::string number = std::to_string(stage);
    const uint32_t kernel = stage == 0 ? 7 : 3;
    NetworkBuilder::Convolution patches;
    patches.output_channels = spec_.channels[stage];
    patches.kernel = kernel;
    patches.stride = stage == 0 ? 4 : 2;
    patches.padding = kernel / 2;
    Tensor x = net_.conv2d("PatchEmbed" + number + "_Conv2D", image, patches);
    x = net_.layernorm("PatchEmbed" + number + "_LayerNorm", x);
    for (uint32_t block = 0; block < blocks_[stage]; ++block) {
      block_ = block;
      stage_ = stage;
      x = net_.add(in_block("attention_add"), x, attention(net_.layernorm(in_block("norm1"), x)));
      x = net_.add(in_block("mlp_add"), x, mix_ffn(net_.layernorm(in_block("norm2"), x)));
    }
    return net_.layernorm("enc" + number + ".norm", x);
  }

  LayerName in_block(const std::string& what) const {
    const std::string stage = "enc" + std::to_string(stage_);
    return {stage + "." + std::to_string(block_) + "." + what, stage + "." + what};
  }

  Tensor attention(Tensor x) {
    const uint32_t channels = spec_.channels[stage_];
    const uint32_t heads = spec_.heads[stage_];
    const uint32_t head_channels = channels / heads;
    const Tensor q = net_.linear(in_block("q"), x, channels);
    Tensor reduced = x;
    if (const uint32_t reduction = spec_.reductions[stage_]; reduction > 1) {
      NetworkBuilder::Convolution convolution;
      convolution.output_channels = channels;
      convolution.kernel = convolution.stride = reduction;
      reduced = net_.layernorm(in_block("sr_norm"), net_.conv2d(in_block("sr_conv"), x, convolution));
    }
    const Tensor kv = net_.linear(in_block("kv"), reduced, 2 * channels);
    const uint32_t keys = net_.shape(kv).height * net_.shape(kv).width;
    const Tensor scores = net_.matmul(in_block("qk"), q, kv, {heads, head_channels, keys});
    const Tensor weights = net_.softmax(in_block("softmax"), scores);
    const Tensor mixed = net_.matmul(in_block("av"), weights, kv, {heads, keys, head_channels});
    return net_.linear(in_block("proj"), mixed, channels);
  }

  Tensor mix_ffn(Tensor x) {
    const uint32_t channels = spec_.channels[stage_];
    x = net_.linear(in_block("fc1"), x, kMlpRatio * channels);
    x = net_.depthwise(in_block("dwconv"), x, {3, 1, 1});
    x = net_.gelu(in_block("gelu"), x);
    return net_.linear(in_block("fc2"), x, channels);
  }

  void head(const PerStage<Tensor>& features) {
    const Shape quarter = net_.shape(features[0]);
    std::vector<Tensor> joined;
    for (uint32_t stage = kSegformerStages; stage-- > 0;) {
      if (decoder_.linear[stage] == 0) {
        continue;
      }
      const std::string number = std::to_string(stage);
      Tensor x = net_.linear("DecodeLinear" + number, features[stage], decoder_.linear[stage]);
      if (stage > 0) {
        x = net_.resize("DecodeResize" + number, x, quarter.height, quarter.width);
      }
      joined.push_back(x);
    }
    NetworkBuilder::Convolution fuse;
    fuse.input_channels = decoder_.fuse_input;
    fuse.output_channels = decoder_.predict_input;
    fuse.relu = true;
    NetworkBuilder::Convolution predict;
    predict.output_channels = spec_.classes;
    Tensor x = net_.conv2d("Conv2DFuse", net_.concat("DecodeConcat", joined), fuse);
    x = net_.conv2d("Conv2DPred", x, predict);
    if (spec_.resize_logits) {
      net_.resize("LogitsResize", x, spec_.height, spec_.width);
    }
  }

  const SegformerSpec& spec_;
  PerStage<uint32_t> blocks_;
  Decoder decoder_;
  NetworkBuilder net_;
  uint32_t stage_ = 0;
  uint32_t block_ = 0;
};

Decoder resolve(const SegformerSpec& spec, const SegformerPath& path) {
  const PerStage<uint32_t> linear = path.decode_linear_channels.value_or(every_stage(spec.decoder_channels));
  const auto joined = static_cast<uint32_t>(sum(linear));
  return {linear, path.fuse_input_channels.value_or(joined),
          path.predict_input_channels.value_or(spec.decoder_channels)};
}

void refuse_illegal(const SegformerSpec& spec) {
  refuse(check_spec(spec), "workload.image");
  for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
    TILEWRIGHT_CHECK(spec.heads[stage] > 0 && spec.channels[stage] % spec.heads[stage] == 0 &&
                         spec.reductions[stage] > 0 && spec.blocks[stage] > 0,
                     "a SegFormer specification that is not one");
  }
}

}  // namespace

SegformerSpec segformer_spec(SegformerSize size, SegformerData data) {
  static constexpr PerStage<uint32_t> kBlocks[] = {{2, 2, 2, 2},  {2, 2, 2, 2},  {3, 4, 6, 3},
                                                   {3, 4, 18, 3}, {3, 8, 27, 3}, {3, 6, 40, 3}};
  const auto index = static_cast<std::size_t>(size);
  SegformerSpec spec;
  spec.name =
      "segformer_b" + std::to_string(index) + (data == SegformerData::kAde20k ? "_ade" : "_cityscapes");
  if (data == SegformerData::kCityscapes) {
    spec.height = 1024;
    spec.width = 2048;
    spec.classes = 19;
  }
  spec.channels = size == SegformerSize::kB0 ? PerStage<uint32_t>{32, 64, 160, 256}
                                             : PerStage<uint32_t>{64, 128, 320, 512};
  spec.blocks = kBlocks[index];
  spec.heads = {1, 2, 5, 8};
  spec.reductions = {8, 4, 2, 1};
  spec.decoder_channels = size <= SegformerSize::kB1 ? 256 : 768;
  return spec;
}

PerStage<uint32_t> matching_decode_linear_channels(const SegformerSpec& spec, uint32_t fuse_input_channels) {
  PerStage<uint32_t> channels{};
  uint32_t left = fuse_input_channels;
  for (std::size_t stage = kSegformerStages; stage-- > 0;) {
    channels[stage] = std::min(left, spec.decoder_channels);
    left -= channels[stage];
  }
  return channels;
}

std::vector<SettingProblem> check_spec(const SegformerSpec& spec) {
  std::vector<SettingProblem> problems;
  for (const auto& [setting, side] :
       {std::pair<const char*, uint32_t>{"image_height", spec.height}, {"image_width", spec.width}}) {
    if (side == 0 || side % kImageMultiple != 0 || side > kLargestImage) {
      problems.push_back({setting,
                          "must be a multiple of " + std::to_string(kImageMultiple) + " from " +
                              std::to_string(kImageMultiple) + " to " + std::to_string(kLargestImage) +
                              ", got " + std::to_string(side),
                          "the stages of " + spec.name + " divide the image by 4, 8, 16 and 32"});
    }
  }
  check_range(problems, "classes", spec.classes, 1, kMostChannels,
              "Conv2DPred has an output channel a class");
  check_range(problems, "decoder_channels", spec.decoder_channels, 1, kMostChannels,
              "each DecodeLinear has so many output channels");
  return problems;
}

std::vector<SettingProblem> check_path(const SegformerSpec& spec, const SegformerPath& path) {
  std::vector<SettingProblem> problems;
  for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
    const std::string number = std::to_string(stage);
    if (path.blocks) {
      check_range(problems, "blocks." + number, path.blocks->at(stage), 1, spec.blocks[stage],
                  "stage " + number + " of " + spec.name + " has " + std::to_string(spec.blocks[stage]) +
                      " encoder blocks and keeps at least one");
    }
    if (path.decode_linear_channels) {
      const bool deepest = stage + 1 == kSegformerStages;
      check_range(problems, "decode_linear_channels." + number, path.decode_linear_channels->at(stage),
                  deepest ? 1 : 0, spec.decoder_channels,
                  "a DecodeLinear of " + spec.name + " has " + std::to_string(spec.decoder_channels) +
                      " output channels" + (deepest ? "; nothing else reads stage 3" : ""));
    }
  }
  if (path.fuse_input_channels) {
    const uint64_t joined = sum(path.decode_linear_channels.value_or(every_stage(spec.decoder_channels)));
    check_range(problems, "fuse_input_channels", *path.fuse_input_channels, 1, joined,
                "the DecodeLinears hand on " + std::to_string(joined) + " channels");
  }
  if (path.predict_input_channels) {
    check_range(
        problems, "predict_input_channels", *path.predict_input_channels, 1, spec.decoder_channels,
        "Conv2DFuse of " + spec.name + " has " + std::to_string(spec.decoder_channels) + " output channels");
  }
  return problems;
}

Network segformer(const SegformerSpec& spec, const SegformerPath& path) {
  refuse_illegal(spec);
  refuse(check_path(spec, path), "workload.path");
  return Generator(spec, path.blocks.value_or(spec.blocks), resolve(spec, path)).build();
}

}  // namespace tilewright::workloads

// SPDX-License-Identifier: Apache-2.0
#include "workloads/encoder.h"

#include "workloads/builder.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr uint32_t kMlpRatio = 4;
constexpr uint32_t kPatch = 16;
// Rows of BERT's word, position and segment tables (the uncased English vocabulary).
constexpr uint64_t kEmbeddings = 30522 + 512 + 2;
constexpr uint32_t kEmbeddingTables = 3;
constexpr uint32_t kLongestSequence = 512;

class Blocks {
 public:
  Blocks(NetworkBuilder& net, const EncoderSpec& spec) : net_(net), spec_(spec) {}

  // BERT normalises behind each residual addition, DeiT before each branch.
  Tensor run(Tensor x, uint32_t layers, bool normalise_first) {
    for (layer_ = 0; layer_ < layers; ++layer_) {
      if (normalise_first) {
        x = net_.add(name("attention_add"), x, attention(net_.layernorm(name("norm1"), x)));
        x = net_.add(name("mlp_add"), x, mlp(net_.layernorm(name("norm2"), x)));
      } else {
        x = net_.layernorm(name("norm1"), net_.add(name("attention_add"), x, attention(x)));
        x = net_.layernorm(name("norm2"), net_.add(name("mlp_add"), x, mlp(x)));
      }
    }
    return x;
  }

 private:
  LayerName name(const std::string& what) const {
    return {"enc." + std::to_string(layer_) + "." + what, "enc." + what};
  }

  Tensor attention(Tensor x) {
    const Shape tokens = net_.shape(x);
    const uint32_t keys = tokens.height * tokens.width;
    const uint32_t head_channels = spec_.channels / spec_.heads;
    const Tensor qkv = net_.linear(name("qkv"), x, 3 * spec_.channels);
    const Tensor scores = net_.matmul(name("qk"), qkv, qkv, {spec_.heads, head_channels, keys});
    const Tensor weights = net_.softmax(name("softmax"), scores);
    const Tensor mixed = net_.matmul(name("av"), weights, qkv, {spec_.heads, keys, head_channels});
    return net_.linear(name("proj"), mixed, spec_.channels);
  }

  Tensor mlp(Tensor x) {
    x = net_.gelu(name("gelu"), net_.linear(name("fc1"), x, kMlpRatio * spec_.channels));
    return net_.linear(name("fc2"), x, spec_.channels);
  }

  NetworkBuilder& net_;
  const EncoderSpec& spec_;
  uint32_t layer_ = 0;
};

void check_layers(std::vector<SettingProblem>& problems, const EncoderSpec& spec, uint32_t layers) {
  check_range(problems, "encoder_layers", layers, 1, spec.layers,
              spec.name + " has " + std::to_string(spec.layers) + " layers");
}

}  // namespace

EncoderSpec bert_spec(BertSize size) {
  EncoderSpec spec;
  spec.name = "bert_base";
  if (size == BertSize::kLarge) {
    spec.name = "bert_large";
    spec.channels = 1024;
    spec.heads = 16;
    spec.layers = 24;
  }
  return spec;
}

EncoderSpec deit_spec(DeitSize size) {
  constexpr uint32_t kHeadChannels = 64;
  EncoderSpec spec;
  spec.name = size == DeitSize::kTiny ? "deit_tiny" : size == DeitSize::kSmall ? "deit_small" : "deit_base";
  spec.heads = size == DeitSize::kTiny ? 3 : size == DeitSize::kSmall ? 6 : 12;
  spec.channels = kHeadChannels * spec.heads;
  return spec;
}

std::vector<SettingProblem> check_bert(const EncoderSpec& spec, uint32_t layers) {
  std::vector<SettingProblem> problems;
  check_range(problems, "sequence_length", spec.sequence_length, 1, kLongestSequence,
              spec.name + " has 512 position embeddings");
  check_layers(problems, spec, layers);
  return problems;
}

std::vector<SettingProblem> check_deit(const EncoderSpec& spec, uint32_t layers) {
  std::vector<SettingProblem> problems;
  for (const auto& [setting, side] :
       {std::pair<const char*, uint32_t>{"image_height", spec.height}, {"image_width", spec.width}}) {
    if (side == 0 || side % kPatch != 0 || side > 4096) {
      problems.push_back({setting, "must be a multiple of 16 from 16 to 4096, got " + std::to_string(side),
                          spec.name + " cuts the image into patches of 16 x 16"});
    }
  }
  check_range(problems, "classes", spec.classes, 1, kMostChannels, "the head has an output a class");
  check_layers(problems, spec, layers);
  return problems;
}

Network bert(const EncoderSpec& spec, uint32_t layers) {
  refuse(check_bert(spec, layers), "workload.path");
  NetworkBuilder net(spec.name, {1, 1, spec.sequence_length, 1});
  Tensor x = net.gather_table("embeddings", net.input(), kEmbeddings * spec.channels,
                              {.output = {1, 1, spec.sequence_length, spec.channels},
                               .rows_per_output = kEmbeddingTables,
                               .passes = kEmbeddingTables});
  x = net.layernorm("embeddings_norm", x);
  Blocks(net, spec).run(x, layers, false);
  return net.finish();
}

Network deit(const EncoderSpec& spec, uint32_t layers) {
  refuse(check_deit(spec, layers), "workload.path");
  NetworkBuilder net(spec.name, {1, spec.height, spec.width, 3});
  Tensor x = net.conv2d("PatchEmbed_Conv2D", net.input(),
                        {.output_channels = spec.channels, .kernel = kPatch, .stride = kPatch});
  const Shape patches = net.shape(x);
  x = net.rearrange("prepend_class_token", x, {1, 1, patches.height * patches.width + 1, spec.channels});
  x = Blocks(net, spec).run(net.add_table("position_add", x), layers, true);
  x = net.rearrange("class_token", net.layernorm("norm", x), {1, 1, 1, spec.channels});
  net.linear("head", x, spec.classes);
  return net.finish();
}

}  // namespace tilewright::workloads

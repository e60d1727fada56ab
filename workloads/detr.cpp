// SPDX-License-Identifier: Apache-2.0
#include "workloads/detr.h"

#include "workloads/builder.h"
#include "workloads/resnet.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr uint32_t kChannels = 256;
constexpr uint32_t kHeads = 8;
constexpr uint32_t kLevels = 4;
constexpr uint32_t kPoints = 4;
constexpr uint32_t kSamples = kLevels * kPoints;  // of a query and head
constexpr uint32_t kNeighbours = 4;               // of a sampled point
constexpr uint32_t kPassesPerSample = 4;
constexpr uint32_t kSmallestImage = 65;

class Generator {
 public:
  Generator(const DetrSpec& spec, const DetrPath& path)
      : spec_(spec), path_(path), net_(spec.name, {1, spec.height, spec.width, 3}) {}

  Network build() {
    const auto features =
        append_resnet50(net_, net_.input(), {.dilated_last_stage = spec_.variant == DetrVariant::kDc5});
    Tensor memory = deformable() ? flatten_levels(features)
                                 : net_.conv2d("input_proj", features[3], {.output_channels = kChannels});
    for (layer_ = 0; layer_ < path_.encoder_layers; ++layer_) {
      part_ = "enc";
      memory = feed_forward(residual("self", memory, self_attention(memory)));
    }
    // Queries are parameters: the first decoder layer starts from zeros and their embedding.
    Tensor x = net_.table("query_embed", {1, 1, spec_.queries, kChannels});
    for (layer_ = 0; layer_ < path_.decoder_layers; ++layer_) {
      part_ = "dec";
      x = residual("self", x, attend("self", x, x));
      x = residual("cross", x, deformable() ? sample("cross", x, memory) : attend("cross", x, memory));
      x = feed_forward(x);
    }
    heads(deformable() ? x : net_.layernorm("dec.norm", x));
    return net_.finish();
  }

 private:
  bool deformable() const { return spec_.variant == DetrVariant::kDeformable; }

  LayerName name(const std::string& what) const {
    return {part_ + "." + std::to_string(layer_) + "." + what, part_ + "." + what};
  }

  // Four levels of tokens one behind the other; the last level is made from the backbone's output.
  Tensor flatten_levels(const std::array<Tensor, 4>& features) {
    std::vector<Tensor> levels;
    uint32_t tokens = 0;
    for (uint32_t level = 0; level < kLevels; ++level) {
      const std::string number = std::to_string(level);
      NetworkBuilder::Convolution convolution{.output_channels = kChannels};
      if (level + 1 == kLevels) {
        convolution.kernel = 3;
        convolution.stride = 2;
        convolution.padding = 1;
      }
      const Tensor source = features[std::min(level + 1, 3U)];
      levels.push_back(
          net_.groupnorm("input_norm" + number, net_.conv2d("input_proj" + number, source, convolution)));
      tokens += net_.shape(levels.back()).height * net_.shape(levels.back()).width;
    }
    return net_.join_tokens("flatten_levels", levels);
  }

  // `keys` may be the queries themselves. Positions are added to queries and keys, not to values.
  Tensor attend(const std::string& kind, Tensor queries, Tensor keys) {
    const bool self = queries.layer == keys.layer;
    const Tensor placed = net_.add_table(name(kind + "_query_position"), queries);
    const Tensor placed_keys = self ? placed : net_.add_table(name(kind + "_key_position"), keys);
    const uint32_t count = net_.shape(keys).height * net_.shape(keys).width;
    const Tensor q = net_.linear(name(kind + "_q"), placed, kChannels);
    const Tensor k = net_.linear(name(kind + "_k"), placed_keys, kChannels);
    const Tensor v = net_.linear(name(kind + "_v"), keys, kChannels);
    const Tensor scores = net_.matmul(name(kind + "_qk"), q, k, {kHeads, kChannels / kHeads, count});
    const Tensor weights = net_.softmax(name(kind + "_softmax"), scores);
    const Tensor mixed = net_.matmul(name(kind + "_av"), weights, v, {kHeads, count, kChannels / kHeads});
    return net_.linear(name(kind + "_proj"), mixed, kChannels);
  }

  Tensor self_attention(Tensor memory) {
    return deformable() ? sample("self", memory, memory) : attend("self", memory, memory);
  }

  // Multi-scale deformable attention.
  Tensor sample(const std::string& kind, Tensor queries, Tensor source) {
    const Tensor placed = net_.add_table(name(kind + "_query_position"), queries);
    const Tensor value = net_.linear(name(kind + "_value"), source, kChannels);
    const Tensor offsets = net_.linear(name(kind + "_offsets"), placed, kHeads * kSamples * 2);
    Tensor weights = net_.linear(name(kind + "_weights"), placed, kHeads * kSamples);
    weights = net_.softmax(name(kind + "_softmax"), weights, 0, kSamples);
    const Shape tokens = net_.shape(queries);
    const Tensor mixed = net_.gather(name(kind + "_sampling"), value, {offsets, weights},
                                     {.output = {kHeads, tokens.height, tokens.width, kChannels / kHeads},
                                      .rows_per_output = kSamples * kNeighbours,
                                      .parts = kHeads,
                                      .passes = kSamples * kPassesPerSample,
                                      .macs_per_output = kSamples});
    return net_.linear(name(kind + "_proj"), mixed, kChannels);
  }

  Tensor residual(const std::string& kind, Tensor x, Tensor branch) {
    return net_.layernorm(name(kind + "_norm"), net_.add(name(kind + "_add"), x, branch));
  }

  Tensor feed_forward(Tensor x) {
    Tensor y = net_.linear(name("fc1"), x, spec_.feed_forward_channels, true);
    return residual("mlp", x, net_.linear(name("fc2"), y, kChannels));
  }

  void heads(Tensor x) {
    net_.linear("class_head", x, spec_.classes);
    x = net_.linear("box_head0", x, kChannels, true);
    x = net_.linear("box_head1", x, kChannels, true);
    x = net_.linear("box_head2", x, 4);
    net_.activation("box_sigmoid", x);
  }

  const DetrSpec& spec_;
  DetrPath path_;
  NetworkBuilder net_;
  std::string part_;
  uint32_t layer_ = 0;
};

}  // namespace

DetrSpec detr_spec(DetrVariant variant) {
  DetrSpec spec;
  spec.variant = variant;
  if (variant == DetrVariant::kDc5) {
    spec.name = "detr_dc5_r50";
  }
  if (variant == DetrVariant::kDeformable) {
    spec.name = "deformable_detr_r50";
    spec.classes = 91;
    spec.queries = 300;
    spec.feed_forward_channels = 1024;
  }
  return spec;
}

std::vector<SettingProblem> check_spec(const DetrSpec& spec) {
  std::vector<SettingProblem> problems;
  check_image(problems, spec.height, spec.width, kSmallestImage, spec.name + " halves the image six times");
  check_range(problems, "classes", spec.classes, 1, kMostChannels, "the class head has an output a class");
  return problems;
}

std::vector<SettingProblem> check_path(const DetrSpec& spec, const DetrPath& path) {
  std::vector<SettingProblem> problems;
  const std::string six = spec.name + " has " + std::to_string(spec.encoder_layers) + " encoder and " +
                          std::to_string(spec.decoder_layers) + " decoder layers";
  check_range(problems, "encoder_layers", path.encoder_layers, 0, spec.encoder_layers, six);
  check_range(problems, "decoder_layers", path.decoder_layers, 1, spec.decoder_layers, six);
  return problems;
}

Network detr(const DetrSpec& spec, const DetrPath& path) {
  refuse(check_spec(spec), "workload.image");
  refuse(check_path(spec, path), "workload.path");
  return Generator(spec, path).build();
}

}  // namespace tilewright::workloads

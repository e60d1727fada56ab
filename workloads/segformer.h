// SPDX-License-Identifier: Apache-2.0
//
// SegFormer B0 to B5 (Xie et al., NeurIPS 2021; NVlabs/SegFormer, mix_transformer.py and segformer_head.py),
// every layer in order, and the execution paths that keep only part of it.
//
// Counted as published: MACs of convolutions, linear layers and the two attention products. Layer
// normalisation, softmax, GELU, residual additions and the head's resizes are in the graph without MACs;
// batch normalisation is folded into Conv2DFuse and its ReLU is that layer's `relu`. Resizing the logits to
// the image's size is part of evaluation, not of the published count: it is left out unless `resize_logits`
// asks for it. The scale of the attention scores is folded into q.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/layer.h"
#include "workloads/settings.h"

namespace tilewright::workloads {

inline constexpr std::size_t kSegformerStages = 4;
template <typename T>
using PerStage = std::array<T, kSegformerStages>;

enum class SegformerSize : uint8_t { kB0, kB1, kB2, kB3, kB4, kB5 };
enum class SegformerData : uint8_t {
  kAde20k,      // 512 x 512, 150 classes
  kCityscapes,  // 1024 x 2048, 19 classes
};

struct SegformerSpec {
  std::string name;
  uint32_t height = 512;  // of the image; multiples of 32, so that every stage divides evenly
  uint32_t width = 512;
  uint32_t classes = 150;
  PerStage<uint32_t> channels{};
  PerStage<uint32_t> blocks{};
  PerStage<uint32_t> heads{};
  PerStage<uint32_t> reductions{};  // side of the window that keys and values are reduced by
  uint32_t decoder_channels = 256;  // output features of each DecodeLinear
  bool resize_logits = false;
};
SegformerSpec segformer_spec(SegformerSize size, SegformerData data);

// An execution path: what is kept of the full network. Everything left out of it is kept whole.
struct SegformerPath {
  // Encoder blocks kept per stage: the first ones; blocks are removed from the end of a stage. At least 1
  // each.
  std::optional<PerStage<uint32_t>> blocks;
  // Output features that DecodeLinear0..3 keep (the first ones). A stage with 0 loses its DecodeLinear and
  // its resize; stage 3 keeps at least 1, since nothing else reads it.
  std::optional<PerStage<uint32_t>> decode_linear_channels;
  // Input channels that Conv2DFuse keeps: the first ones of the concatenation, whose order is stage 3, 2, 1,
  // 0. Changes Conv2DFuse only: DecodeLinears and resizes that produce dropped channels still run unless
  // narrowed too.
  std::optional<uint32_t> fuse_input_channels;
  // Input channels that Conv2DPred keeps, which are the output channels that Conv2DFuse keeps.
  std::optional<uint32_t> predict_input_channels;
};

// The DecodeLinear channels that a Conv2DFuse with so many input channels reads, every other one dropped.
PerStage<uint32_t> matching_decode_linear_channels(const SegformerSpec& spec, uint32_t fuse_input_channels);

// Of the network itself: "image_height", "image_width", "classes", "decoder_channels".
std::vector<SettingProblem> check_spec(const SegformerSpec& spec);
std::vector<SettingProblem> check_path(const SegformerSpec& spec, const SegformerPath& path);

// Throws UserError, listing every problem, where the specification or the path is illegal.
Network segformer(const SegformerSpec& spec, const SegformerPath& path = {});

}  // namespace tilewright::workloads

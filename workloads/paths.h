// SPDX-License-Identifier: Apache-2.0
//
// A workload file (configs/workloads/*.yaml, kind: workload): a network and the execution paths to take
// through it. The first path is the full network, which all others are compared with.
//
//   const auto set = config::load<PathSet>("configs/workloads/segformer_b2_ade_paths.yaml").value;
//   for (const ExecutionPath& path : set.paths) { const Network network = set.build(path); }
//
// The network is one of those that Tilewright knows (`network`), a list of layers (`network_file`,
// workloads/network_file.h) or an ONNX model (`onnx_file`, workloads/onnx). Which settings and which knobs it
// has depends on its family (workloads/families.h); a file that turns a knob that its network lacks is refused.
//
// Accuracies are optional and need a citation: which path keeps how much accuracy is measured by whoever
// trained the network, never guessed here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/base/config/schema.h"
#include "sim/base/record.h"
#include "workloads/layer.h"
#include "workloads/network_file.h"
#include "workloads/network_names.h"
#include "workloads/segformer.h"

namespace tilewright {
void describe(config::Schema<PublishedValue>& schema);
}  // namespace tilewright

namespace tilewright::workloads {

// One number for each stage; in a file either a list of four or one number for all.
struct StageValues {
  PerStage<uint32_t> values{};
  friend bool operator==(const StageValues&, const StageValues&) = default;
};

// One number for all, or a list of them, one each.
template <class T>
struct OneOrEach {
  std::vector<T> values;
  friend bool operator==(const OneOrEach&, const OneOrEach&) = default;
};

// What may differ from the published network.
struct NetworkSettings {
  std::optional<uint32_t> image_height, image_width, classes, decoder_channels, sequence_length;
};

// What is kept; everything that is left out of it is kept whole.
struct PathKnobs {
  std::optional<PerStage<uint32_t>> blocks;                     // SegFormer, Swin
  std::optional<StageValues> decode_linear_channels;            // SegFormer
  std::optional<uint32_t> fuse_input_channels;                  // SegFormer
  std::optional<uint32_t> predict_input_channels;               // SegFormer, Swin
  std::optional<OneOrEach<uint32_t>> fpn_conv_channels;         // Swin
  std::optional<uint32_t> fpn_bottleneck_input_channels;        // Swin
  std::optional<uint32_t> encoder_layers;                       // DETR, BERT, DeiT
  std::optional<uint32_t> decoder_layers;                       // DETR
  std::optional<OneOrEach<uint32_t>> depth;                     // Once-For-All
  std::optional<OneOrEach<double>> expand_ratio;                // Once-For-All
  std::optional<OneOrEach<double>> width_multiplier;            // Once-For-All
  std::optional<uint32_t> resolution;                           // Once-For-All

  std::vector<std::string> written() const;  // the keys of those that are turned
};

struct ExecutionPath : PathKnobs {
  std::string name;
  std::string group;        // the knob that this path turns, for tables: "full", "encoder_depth", ...
  std::string description;  // optional, for people
  std::optional<double> accuracy;  // a fraction
  std::string accuracy_source;
  std::vector<PublishedValue> published;

  bool full() const { return written().empty(); }  // keeps everything
};

struct PathSet : NetworkSettings {
  std::string name;
  std::string description;
  // Exactly one of the three.
  std::optional<NetworkName> network;
  std::optional<NetworkFile> network_file;
  std::filesystem::path onnx_file;
  std::vector<ExecutionPath> paths;

  // The network that this path runs; its name is the network's. Throws UserError where the path is illegal.
  Network build(const ExecutionPath& path) const;
};
void describe(config::Schema<ExecutionPath>& schema);
void describe(config::Schema<PathSet>& schema);

}  // namespace tilewright::workloads

// Reads a StageValues from a list of four numbers or from one.
template <>
struct tilewright::config::detail::CodecFor<tilewright::workloads::StageValues> {
  static std::unique_ptr<Codec> make();
};
template <class T>
struct tilewright::config::detail::CodecFor<tilewright::workloads::OneOrEach<T>> {
  static std::unique_ptr<Codec> make();
};
extern template struct tilewright::config::detail::CodecFor<tilewright::workloads::OneOrEach<uint32_t>>;
extern template struct tilewright::config::detail::CodecFor<tilewright::workloads::OneOrEach<double>>;

// SPDX-License-Identifier: Apache-2.0
//
// A workload file (configs/workloads/*.yaml, kind: workload): a network and the execution paths to take
// through it. The first path is the full network, which all others are compared with.
//
//   const auto set = config::load<PathSet>("configs/workloads/segformer_b2_ade_paths.yaml").value;
//   for (const ExecutionPath& path : set.paths) { const Network network = set.build(path); }
//
// Accuracies are optional and need a citation: which path keeps how much accuracy is measured by whoever
// trained the network, never guessed here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/base/config/schema.h"
#include "sim/base/record.h"
#include "workloads/layer.h"
#include "workloads/segformer.h"

namespace tilewright {
void describe(config::Schema<PublishedValue>& schema);
}  // namespace tilewright

namespace tilewright::workloads {

// The networks that a workload file may name.
enum class NetworkName : uint8_t {
  kSegformerB0Ade,
  kSegformerB1Ade,
  kSegformerB2Ade,
  kSegformerB3Ade,
  kSegformerB4Ade,
  kSegformerB5Ade,
  kSegformerB0Cityscapes,
  kSegformerB1Cityscapes,
  kSegformerB2Cityscapes,
  kSegformerB3Cityscapes,
  kSegformerB4Cityscapes,
  kSegformerB5Cityscapes,
};
std::span<const config::EnumName<NetworkName>> enumeration_names(NetworkName);
std::string_view name(NetworkName network);

// One number for each stage; in a file either a list of four or one number for all.
struct StageValues {
  PerStage<uint32_t> values{};
  friend bool operator==(const StageValues&, const StageValues&) = default;
};

// What is kept, as SegformerPath says; everything that is left out of it is kept whole.
struct ExecutionPath {
  std::string name;
  std::string group;        // the knob that this path turns, for tables: "full", "encoder_depth", ...
  std::string description;  // optional, for people
  std::optional<PerStage<uint32_t>> blocks;
  std::optional<StageValues> decode_linear_channels;
  std::optional<uint32_t> fuse_input_channels;
  std::optional<uint32_t> predict_input_channels;
  std::optional<double> accuracy;  // a fraction
  std::string accuracy_source;
  std::vector<PublishedValue> published;

  SegformerPath kept() const;
  bool full() const;  // keeps everything
};

struct PathSet {
  std::string name;
  std::string description;
  NetworkName network = NetworkName::kSegformerB2Ade;
  // Where they differ from the published network.
  std::optional<uint32_t> image_height, image_width, classes, decoder_channels;
  std::vector<ExecutionPath> paths;

  SegformerSpec spec() const;
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

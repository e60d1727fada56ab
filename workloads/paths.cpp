// SPDX-License-Identifier: Apache-2.0
#include "workloads/paths.h"

#include <nlohmann/json.hpp>
#include <set>

#include "sim/base/config/reader.h"
#include "sim/base/error.h"

namespace tilewright {

void describe(config::Schema<PublishedValue>& schema) {
  schema.name("published value", "a number somebody published for this run");
  schema.field(&PublishedValue::what, "what", "the quantity").required().non_empty();
  schema.field(&PublishedValue::value, "value", "the number").required();
  schema.field(&PublishedValue::unit, "unit", "its unit").required().non_empty();
  schema.field(&PublishedValue::source, "source", "where it was published").required().non_empty();
}

namespace workloads {
namespace {

constexpr uint32_t kSegformerSizes = 6;

// A StageValues is an array to the loader, except that one number stands for four equal ones.
class StageValuesCodec : public config::Codec {
 public:
  void decode(const config::Node& node, void* value, const config::Constraints& constraints,
              config::Reader& reader) const override {
    PerStage<uint32_t>& stages = static_cast<StageValues*>(value)->values;
    if (!node.is_scalar()) {
      list().decode(node, &stages, constraints, reader);
      return;
    }
    one().decode(node, &stages[0], constraints, reader);
    stages.fill(stages[0]);
  }
  config::Node encode(const void* value, const config::Constraints& constraints) const override {
    return list().encode(&static_cast<const StageValues*>(value)->values, constraints);
  }
  void json_schema(nlohmann::ordered_json& out, const config::Constraints& constraints,
                   bool partial) const override {
    nlohmann::ordered_json choices[2];
    one().json_schema(choices[0], constraints, partial);
    list().json_schema(choices[1], constraints, partial);
    out["anyOf"] = {choices[0], choices[1]};
  }
  std::string expected(const config::Constraints& constraints) const override {
    return one().expected(constraints) + " for all stages, or " + list().expected(constraints);
  }

 private:
  static const config::Codec& one() { return config::codec_of<uint32_t>(); }
  static const config::Codec& list() { return config::codec_of<PerStage<uint32_t>>(); }
};

void check_path_fields(const ExecutionPath& path, config::Checker& check) {
  if (path.accuracy && path.accuracy_source.empty()) {
    check.error("accuracy", "needs 'accuracy_source': who measured it, and where that is published");
  }
  if (!path.accuracy && !path.accuracy_source.empty()) {
    check.error("accuracy_source", "stands without an 'accuracy'");
  }
}

void check_set(const PathSet& set, config::Checker& check) {
  const SegformerSpec spec = set.spec();
  const std::vector<SettingProblem> problems = check_spec(spec);
  for (const SettingProblem& problem : problems) {
    check.error(problem.setting, problem.message, {problem.note});
  }
  if (!problems.empty()) {
    return;
  }
  if (!set.paths.front().full()) {
    check.error("paths.0", "must keep everything: the other paths are compared with it");
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    const std::string place = "paths." + std::to_string(i) + ".";
    if (!names.insert(set.paths[i].name).second) {
      check.error(place + "name",
                  "must differ from the names of earlier paths, got '" + set.paths[i].name + "'");
    }
    for (const SettingProblem& problem : check_path(spec, set.paths[i].kept())) {
      check.error(place + problem.setting, problem.message, {problem.note});
    }
  }
}

}  // namespace

std::span<const config::EnumName<NetworkName>> enumeration_names(NetworkName) {
  using enum NetworkName;
  static constexpr config::EnumName<NetworkName> kNames[] = {
      {kSegformerB0Ade, "segformer_b0_ade"},
      {kSegformerB1Ade, "segformer_b1_ade"},
      {kSegformerB2Ade, "segformer_b2_ade"},
      {kSegformerB3Ade, "segformer_b3_ade"},
      {kSegformerB4Ade, "segformer_b4_ade"},
      {kSegformerB5Ade, "segformer_b5_ade"},
      {kSegformerB0Cityscapes, "segformer_b0_cityscapes"},
      {kSegformerB1Cityscapes, "segformer_b1_cityscapes"},
      {kSegformerB2Cityscapes, "segformer_b2_cityscapes"},
      {kSegformerB3Cityscapes, "segformer_b3_cityscapes"},
      {kSegformerB4Cityscapes, "segformer_b4_cityscapes"},
      {kSegformerB5Cityscapes, "segformer_b5_cityscapes"},
  };
  return kNames;
}

std::string_view name(NetworkName network) {
  for (const auto& entry : enumeration_names(network)) {
    if (entry.value == network) {
      return entry.name;
    }
  }
  throw InternalError("a network without a name");
}

SegformerPath ExecutionPath::kept() const {
  SegformerPath path;
  path.blocks = blocks;
  if (decode_linear_channels) {
    path.decode_linear_channels = decode_linear_channels->values;
  }
  path.fuse_input_channels = fuse_input_channels;
  path.predict_input_channels = predict_input_channels;
  return path;
}

bool ExecutionPath::full() const {
  return !blocks && !decode_linear_channels && !fuse_input_channels && !predict_input_channels;
}

SegformerSpec PathSet::spec() const {
  const auto index = static_cast<uint32_t>(network);
  const auto data = index < kSegformerSizes ? SegformerData::kAde20k : SegformerData::kCityscapes;
  SegformerSpec spec = segformer_spec(static_cast<SegformerSize>(index % kSegformerSizes), data);
  TILEWRIGHT_CHECK(spec.name == workloads::name(network), "a network that is not what its name says");
  spec.height = image_height.value_or(spec.height);
  spec.width = image_width.value_or(spec.width);
  spec.classes = classes.value_or(spec.classes);
  spec.decoder_channels = decoder_channels.value_or(spec.decoder_channels);
  return spec;
}

Network PathSet::build(const ExecutionPath& path) const {
  return segformer(spec(), path.kept());
}

void describe(config::Schema<ExecutionPath>& schema) {
  schema.name("execution path", "what is kept of the network; what is left out of it is kept whole");
  schema.field(&ExecutionPath::name, "name", "of the path").required().non_empty();
  schema.field(&ExecutionPath::group, "group", "the knob it turns, for tables").required().non_empty();
  schema.field(&ExecutionPath::description, "description", "for people");
  schema.field(&ExecutionPath::blocks, "blocks",
               "encoder blocks kept in stage 0 to 3, the first ones of each");
  schema.field(
      &ExecutionPath::decode_linear_channels, "decode_linear_channels",
      "output channels that DecodeLinear0 to 3 keep, or one number for all; 0 drops a stage's branch");
  schema.field(&ExecutionPath::fuse_input_channels, "fuse_input_channels",
               "input channels that Conv2DFuse keeps, the first of the concatenation of stage 3, 2, 1, 0");
  schema.field(&ExecutionPath::predict_input_channels, "predict_input_channels",
               "input channels that Conv2DPred keeps, which Conv2DFuse then computes");
  schema.field(&ExecutionPath::accuracy, "accuracy", "a fraction; only with its source").range(0, 1);
  schema.field(&ExecutionPath::accuracy_source, "accuracy_source", "who measured the accuracy");
  schema.field(&ExecutionPath::published, "published", "numbers published for this path");
  schema.check(check_path_fields);
}

void describe(config::Schema<PathSet>& schema) {
  schema.kind("workload", "a network and the execution paths to take through it");
  schema.field(&PathSet::name, "name", "of the workload").required().non_empty();
  schema.field(&PathSet::description, "description", "for people");
  schema.field(&PathSet::network, "network", "the network").required();
  schema.field(&PathSet::image_height, "image_height", "if not the data set's");
  schema.field(&PathSet::image_width, "image_width", "if not the data set's");
  schema.field(&PathSet::classes, "classes", "if not the data set's");
  schema.field(&PathSet::decoder_channels, "decoder_channels",
               "output channels of a DecodeLinear, if not as published");
  schema.field(&PathSet::paths, "paths", "the full network first").required().at_least_items(1);
  schema.check(check_set);
}

}  // namespace workloads
}  // namespace tilewright

std::unique_ptr<tilewright::config::Codec>
tilewright::config::detail::CodecFor<tilewright::workloads::StageValues>::make() {
  return std::make_unique<workloads::StageValuesCodec>();
}

// SPDX-License-Identifier: Apache-2.0
#include "workloads/paths.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/reader.h"
#include "sim/base/error.h"
#include "workloads/families.h"
#include "workloads/onnx/import.h"

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

// A list to the loader, except that one number stands for equal ones. `Values` has `values`, a list.
template <class Values, class Element>
class OneOrListCodec : public config::Codec {
 public:
  void decode(const config::Node& node, void* value, const config::Constraints& constraints,
              config::Reader& reader) const override {
    auto& list_of = static_cast<Values*>(value)->values;
    if (!node.is_scalar()) {
      list().decode(node, &list_of, constraints, reader);
      return;
    }
    Element single{};
    one().decode(node, &single, constraints, reader);
    if constexpr (requires { list_of.resize(1); }) {
      list_of.assign(1, single);
    } else {
      list_of.fill(single);
    }
  }
  config::Node encode(const void* value, const config::Constraints& constraints) const override {
    return list().encode(&static_cast<const Values*>(value)->values, constraints);
  }
  void json_schema(nlohmann::ordered_json& out, const config::Constraints& constraints,
                   bool partial) const override {
    nlohmann::ordered_json choices[2];
    one().json_schema(choices[0], constraints, partial);
    list().json_schema(choices[1], constraints, partial);
    out["anyOf"] = {choices[0], choices[1]};
  }
  std::string expected(const config::Constraints& constraints) const override {
    return one().expected(constraints) + " for all" + stages() + ", or " + list().expected(constraints);
  }

 private:
  static constexpr const char* stages() { return std::is_same_v<Values, StageValues> ? " stages" : ""; }
  static const config::Codec& one() { return config::codec_of<Element>(); }
  static const config::Codec& list() { return config::codec_of<decltype(Values::values)>(); }
};

void check_path_fields(const ExecutionPath& path, config::Checker& check) {
  if (path.accuracy && path.accuracy_source.empty()) {
    check.error("accuracy", "needs 'accuracy_source': who measured it, and where that is published");
  }
  if (!path.accuracy && !path.accuracy_source.empty()) {
    check.error("accuracy_source", "stands without an 'accuracy'");
  }
}

std::vector<std::string> written_settings(const NetworkSettings& set) {
  std::vector<std::string> keys;
  const auto add = [&](const char* key, const std::optional<uint32_t>& value) {
    if (value) {
      keys.emplace_back(key);
    }
  };
  add("image_height", set.image_height);
  add("image_width", set.image_width);
  add("classes", set.classes);
  add("decoder_channels", set.decoder_channels);
  add("sequence_length", set.sequence_length);
  return keys;
}

void refuse_unknown(const std::vector<std::string>& written, const std::vector<std::string>& known,
                    const std::string& place, const std::string& network, const std::string& what,
                    config::Checker& check) {
  for (const std::string& key : written) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      check.error(
          place + key, "is no " + what + " of " + network,
          {known.empty() ? network + " has none" : what + "s of " + network + ": " + config::join(known)});
    }
  }
}

void check_names(const PathSet& set, config::Checker& check) {
  if (!set.paths.front().full()) {
    check.error("paths.0", "must keep everything: the other paths are compared with it");
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    if (!names.insert(set.paths[i].name).second) {
      check.error("paths." + std::to_string(i) + ".name",
                  "must differ from the names of earlier paths, got '" + set.paths[i].name + "'");
    }
  }
}

// A network of the user's own is what it is: there is nothing to set or to leave out.
void check_own_network(const PathSet& set, config::Checker& check) {
  refuse_unknown(written_settings(set), {}, "", "a network of your own", "setting", check);
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    refuse_unknown(set.paths[i].written(), {}, "paths." + std::to_string(i) + ".", "a network of your own",
                   "knob", check);
  }
  check_names(set, check);
  if (!set.onnx_file.empty()) {
    try {
      (void)import_onnx(set.onnx_file);
    } catch (const UserError& problem) {
      for (const Diagnostic& each : problem.diagnostics()) {
        check.error("onnx_file", "cannot be used: " + each.location.file + ": " + each.message, each.notes,
                    each.code);
      }
    }
  }
}

void check_set(const PathSet& set, config::Checker& check) {
  const int networks = (set.network ? 1 : 0) + (set.network_file ? 1 : 0) + (set.onnx_file.empty() ? 0 : 1);
  if (networks != 1) {
    check.error(networks == 0      ? "network"
                : set.network_file ? "network_file"
                                   : "onnx_file",
                networks == 0 ? "is missing" : "stands beside another network: one of them is enough",
                {"'network' names one that Tilewright knows (tilewright list networks), 'network_file' and "
                 "'onnx_file' "
                 "one of your own"});
    return;
  }
  if (!set.network) {
    check_own_network(set, check);
    return;
  }
  const NetworkFamily& family = family_of(*set.network);
  refuse_unknown(written_settings(set), family.settings, "", family.name, "setting", check);
  const std::vector<SettingProblem> problems = family.check_settings(*set.network, set);
  for (const SettingProblem& problem : problems) {
    check.error(problem.setting, problem.message, {problem.note});
  }
  if (!problems.empty()) {
    return;
  }
  check_names(set, check);
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    const std::string place = "paths." + std::to_string(i) + ".";
    refuse_unknown(set.paths[i].written(), family.knobs, place, family.name, "knob", check);
    for (const SettingProblem& problem : family.check_path(*set.network, set, set.paths[i])) {
      check.error(place + problem.setting, problem.message, {problem.note});
    }
  }
}

}  // namespace

std::vector<std::string> PathKnobs::written() const {
  std::vector<std::string> keys;
  const auto add = [&](const char* key, const auto& value) {
    if (value) {
      keys.emplace_back(key);
    }
  };
  add("blocks", blocks);
  add("decode_linear_channels", decode_linear_channels);
  add("fuse_input_channels", fuse_input_channels);
  add("predict_input_channels", predict_input_channels);
  add("fpn_conv_channels", fpn_conv_channels);
  add("fpn_bottleneck_input_channels", fpn_bottleneck_input_channels);
  add("encoder_layers", encoder_layers);
  add("decoder_layers", decoder_layers);
  add("depth", depth);
  add("expand_ratio", expand_ratio);
  add("width_multiplier", width_multiplier);
  add("resolution", resolution);
  return keys;
}

Network PathSet::build(const ExecutionPath& path) const {
  if (network) {
    return family_of(*network).build(*network, *this, path);
  }
  if (network_file) {
    return network_file->build();
  }
  if (!onnx_file.empty()) {
    return import_onnx(onnx_file);
  }
  throw UserError("workload '" + name + "' names no network");
}

void describe(config::Schema<ExecutionPath>& schema) {
  using E = ExecutionPath;
  schema.name("execution path", "what is kept of the network; what is left out of it is kept whole");
  schema.field(&E::name, "name", "of the path").required().non_empty();
  schema.field(&E::group, "group", "the knob it turns, for tables").required().non_empty();
  schema.field(&E::description, "description", "for people");
  schema.field<decltype(E::blocks)>(&E::blocks, "blocks",
                                    "encoder blocks kept in stage 0 to 3, the first ones of each");
  schema.field<decltype(E::decode_linear_channels)>(
      &E::decode_linear_channels, "decode_linear_channels",
      "output channels that DecodeLinear0 to 3 keep, or one number for all; 0 drops a stage's branch");
  schema.field<decltype(E::fuse_input_channels)>(
      &E::fuse_input_channels, "fuse_input_channels",
      "input channels that Conv2DFuse keeps, the first of the concatenation of stage 3, 2, 1, 0");
  schema.field<decltype(E::predict_input_channels)>(
      &E::predict_input_channels, "predict_input_channels",
      "input channels of the last convolution, which the one before then computes");
  schema.field<decltype(E::fpn_conv_channels)>(&E::fpn_conv_channels, "fpn_conv_channels",
                                               "output channels that the FPN convolutions of level 0 to 2 "
                                               "keep, or one number for all; 0 drops a level");
  schema.field<decltype(E::fpn_bottleneck_input_channels)>(
      &E::fpn_bottleneck_input_channels, "fpn_bottleneck_input_channels",
      "input channels that the FPN bottleneck keeps, the first of the concatenation of level 0, 1, 2, 3");
  schema.field<decltype(E::encoder_layers)>(&E::encoder_layers, "encoder_layers",
                                            "the first so many are kept");
  schema.field<decltype(E::decoder_layers)>(&E::decoder_layers, "decoder_layers",
                                            "the first so many are kept");
  schema.field<decltype(E::depth)>(&E::depth, "depth",
                                   "of the stem and stage 1 to 4, or one number for all: 0 to 2");
  schema.field<decltype(E::expand_ratio)>(&E::expand_ratio, "expand_ratio",
                                          "of each of 18 blocks, or one number for all: 0.2, 0.25, 0.35");
  schema.field<decltype(E::width_multiplier)>(
      &E::width_multiplier, "width_multiplier",
      "of the stem's inner and outer width and stage 1 to 4, or one number for all: 0.65, 0.8, 1");
  schema.field<decltype(E::resolution)>(&E::resolution, "resolution", "side of the image");
  schema.field(&E::accuracy, "accuracy", "a fraction; only with its source").range(0, 1);
  schema.field(&E::accuracy_source, "accuracy_source", "who measured the accuracy");
  schema.field(&E::published, "published", "numbers published for this path");
  schema.check(check_path_fields);
}

void describe(config::Schema<PathSet>& schema) {
  using Optional = std::optional<uint32_t>;
  schema.kind("workload", "a network and the execution paths to take through it");
  schema.field(&PathSet::name, "name", "of the workload").required().non_empty();
  schema.field(&PathSet::description, "description", "for people");
  schema.field(&PathSet::network, "network", "a network that Tilewright knows, by name");
  schema.field(&PathSet::network_file, "network_file", "instead: a file of kind 'network', or its keys")
      .reference();
  schema.field(&PathSet::onnx_file, "onnx_file", "instead: an ONNX model, operator set 11 to 17").file();
  schema.field<Optional>(&PathSet::image_height, "image_height", "if not the data set's");
  schema.field<Optional>(&PathSet::image_width, "image_width", "if not the data set's");
  schema.field<Optional>(&PathSet::classes, "classes", "if not the data set's");
  schema.field<Optional>(&PathSet::decoder_channels, "decoder_channels",
                         "width of the decoder's convolutions, if not as published");
  schema.field<Optional>(&PathSet::sequence_length, "sequence_length", "tokens; 128, if absent");
  schema.field(&PathSet::paths, "paths", "the full network first").required().at_least_items(1);
  schema.check(check_set);
}

}  // namespace workloads
}  // namespace tilewright

namespace tilewright::config::detail {

std::unique_ptr<Codec> CodecFor<workloads::StageValues>::make() {
  return std::make_unique<workloads::OneOrListCodec<workloads::StageValues, uint32_t>>();
}
template <class T>
std::unique_ptr<Codec> CodecFor<workloads::OneOrEach<T>>::make() {
  return std::make_unique<workloads::OneOrListCodec<workloads::OneOrEach<T>, T>>();
}
template struct CodecFor<workloads::OneOrEach<uint32_t>>;
template struct CodecFor<workloads::OneOrEach<double>>;

}  // namespace tilewright::config::detail

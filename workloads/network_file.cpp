// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_file.h"

#include <algorithm>
#include <array>
#include <map>

#include "sim/base/config/diagnostics.h"
#include "workloads/builder.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

constexpr double kMostSide = 1 << 20;  // of any dimension
constexpr std::size_t kAnyInputs = SIZE_MAX;
const std::string kInput = "input";

// What a kind needs and what else it knows, besides name, group, kind and inputs.
struct KindKeys {
  LayerKind kind;
  std::size_t least_inputs, most_inputs;
  std::vector<std::string> needs, knows;
};

const std::vector<KindKeys>& kind_keys() {
  using enum LayerKind;
  static const std::vector<KindKeys> all = {
      {kConv2d,
       1,
       1,
       {"output_channels", "kernel"},
       {"stride", "padding", "groups", "relu", "input_channels"}},
      {kLinear, 1, 1, {"output_channels"}, {"relu"}},
      {kMatmul, 2, 2, {"heads", "reduction", "columns"}, {"windows"}},
      {kSoftmax, 1, 1, {}, {"table_elements", "row"}},
      {kLayerNorm, 1, 1, {}, {}},
      {kGelu, 1, 1, {}, {}},
      {kRelu, 1, 1, {}, {}},
      {kAdd, 1, 2, {}, {"relu"}},
      {kConcat, 1, kAnyInputs, {}, {}},
      {kResize, 1, 1, {"height", "width"}, {}},
      {kPool, 1, 1, {}, {"kernel", "stride", "padding", "height", "width"}},
      {kGroupNorm, 1, 1, {}, {}},
      {kActivation, 1, 1, {}, {}},
      {kMultiply, 2, 2, {}, {}},
      {kRearrange, 1, 1, {"height", "width", "channels"}, {}},
      {kGather,
       1,
       kAnyInputs,
       {"height", "width", "channels", "rows_per_output", "passes"},
       {"heads", "table_elements"}},
  };
  return all;
}

const KindKeys& keys_of(LayerKind kind) {
  return kind_keys().at(static_cast<std::size_t>(kind));
}

// A wrong layer, with the key it is about (empty: the layer as a whole).
struct WrongLayer {
  std::string key;
  std::string message;
  std::vector<std::string> notes;
};

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_keys(const LayerEntry& entry) {
  const KindKeys& keys = keys_of(entry.kind);
  const std::string kind(name(entry.kind));
  std::vector<std::string> all = keys.needs;
  all.insert(all.end(), keys.knows.begin(), keys.knows.end());
  const std::vector<std::string> notes = {all.empty()
                                              ? "a layer of kind '" + kind + "' has no keys of its own"
                                              : "keys of kind '" + kind + "': " + config::join(all)};
  const std::vector<std::string> written = entry.written();
  for (const std::string& key : written) {
    if (!contains(all, key)) {
      throw WrongLayer{key, "is no key of a layer of kind '" + kind + "'", notes};
    }
  }
  for (const std::string& key : keys.needs) {
    if (!contains(written, key)) {
      throw WrongLayer{"", "of kind '" + kind + "' needs '" + key + "'", notes};
    }
  }
}

class FileBuilder {
 public:
  explicit FileBuilder(const NetworkFile& file)
      : file_(file), net_(file.name, {1, file.input.height, file.input.width, file.input.channels}) {}

  // Throws WrongLayer.
  void append(const LayerEntry& entry) {
    check_keys(entry);
    if (entry.name == kInput || tensors_.contains(entry.name)) {
      throw WrongLayer{
          "name", "must differ from 'input' and the names of earlier layers, got '" + entry.name + "'", {}};
    }
    inputs_ = inputs_of(entry);
    name_ = entry.name;
    try {
      const LayerName own(entry.name, entry.group.empty() ? entry.name : entry.group);
      last_ = tensors_[entry.name] = layer(own, entry);
    } catch (const IllegalLayer& wrong) {
      throw WrongLayer{"", wrong.reason(), {shapes_note(entry)}};
    } catch (const UserError& wrong) {
      throw WrongLayer{"", "is too large: " + wrong.diagnostics().front().message, {}};
    }
  }

  Network finish() { return net_.finish(); }

 private:
  std::vector<Tensor> inputs_of(const LayerEntry& entry) const {
    const KindKeys& keys = keys_of(entry.kind);
    std::vector<Tensor> inputs;
    std::vector<std::string> known = {kInput};
    for (const auto& [known_name, tensor] : tensors_) {
      known.push_back(known_name);
    }
    for (std::size_t i = 0; i < entry.inputs.size(); ++i) {
      const std::string& wanted = entry.inputs[i];
      const auto found = tensors_.find(wanted);
      if (wanted != kInput && found == tensors_.end()) {
        throw WrongLayer{"inputs." + std::to_string(i),
                         "must be 'input' or the name of an earlier layer, got '" + wanted + "'" +
                             config::did_you_mean(wanted, known),
                         {}};
      }
      inputs.push_back(wanted == kInput ? net_.input() : found->second);
    }
    if (inputs.empty()) {
      inputs.push_back(last_);
    }
    if (inputs.size() < keys.least_inputs || inputs.size() > keys.most_inputs) {
      const std::string count = keys.most_inputs == 1    ? "one input"
                                : keys.least_inputs == 2 ? "two inputs"
                                                         : "one or two inputs";
      throw WrongLayer{entry.inputs.empty() ? "" : "inputs",
                       "must have " + count + ", got " + std::to_string(inputs.size()),
                       {}};
    }
    return inputs;
  }

  std::string shapes_note(const LayerEntry& entry) const {
    std::string text = "it reads";
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Shape& shape = net_.shape(inputs_[i]);
      text += (i == 0 ? " " : ", ") +
              (i < entry.inputs.size() ? "'" + entry.inputs[i] + "': " : std::string("the layer before: ")) +
              (shape.groups > 1 ? std::to_string(shape.groups) + " heads of " : "") +
              std::to_string(shape.height) + " x " + std::to_string(shape.width) + " x " +
              std::to_string(shape.channels);
    }
    return text + " (height x width x channels)";
  }

  Tensor layer(const LayerName& own, const LayerEntry& e) {
    switch (e.kind) {
      case LayerKind::kConv2d:
        return convolution(own, e);
      case LayerKind::kLinear:
        return net_.linear(own, inputs_[0], *e.output_channels, e.relu.value_or(false));
      case LayerKind::kMatmul:
        return net_.matmul(own, inputs_[0], inputs_[1],
                           {*e.heads, *e.reduction, *e.columns, e.windows.value_or(1)});
      case LayerKind::kSoftmax:
        return net_.softmax(own, inputs_[0], e.table_elements.value_or(0), e.row.value_or(0));
      case LayerKind::kLayerNorm:
        return net_.layernorm(own, inputs_[0]);
      case LayerKind::kGelu:
        return net_.gelu(own, inputs_[0]);
      case LayerKind::kRelu:
        return net_.relu(own, inputs_[0]);
      case LayerKind::kAdd:
        return add(own, e);
      case LayerKind::kConcat:
        return net_.concat(own, inputs_);
      case LayerKind::kResize:
        return net_.resize(own, inputs_[0], *e.height, *e.width);
      case LayerKind::kPool:
        return pool(own, e);
      case LayerKind::kGroupNorm:
        return net_.groupnorm(own, inputs_[0]);
      case LayerKind::kActivation:
        return net_.activation(own, inputs_[0]);
      case LayerKind::kMultiply:
        return net_.multiply(own, inputs_[0], inputs_[1]);
      case LayerKind::kRearrange:
        return net_.rearrange(own, inputs_[0], {1, *e.height, *e.width, *e.channels});
      case LayerKind::kGather:
        return gather(own, e);
    }
    throw InternalError("a layer kind that cannot be built");
  }

  Tensor convolution(const LayerName& own, const LayerEntry& e) {
    NetworkBuilder::Convolution shape;
    shape.output_channels = *e.output_channels;
    shape.kernel = *e.kernel;
    shape.stride = e.stride.value_or(1);
    shape.padding = e.padding.value_or(0);
    shape.relu = e.relu.value_or(false);
    shape.input_channels = e.input_channels.value_or(0);
    shape.groups = e.groups.value_or(1);
    return net_.conv2d(own, inputs_[0], shape);
  }

  Tensor add(const LayerName& own, const LayerEntry& e) {
    return inputs_.size() == 2 ? net_.add(own, inputs_[0], inputs_[1], e.relu.value_or(false))
                               : net_.add_table(own, inputs_[0]);
  }

  Tensor pool(const LayerName& own, const LayerEntry& e) {
    if (e.height && e.width && !e.kernel && !e.stride && !e.padding) {
      return net_.adaptive_pool(own, inputs_[0], *e.height, *e.width);
    }
    if (!e.kernel || e.height || e.width) {
      throw WrongLayer{
          "", "of kind 'pool' needs 'kernel' (with 'stride', 'padding'), or 'height' and 'width'", {}};
    }
    return net_.pool(own, inputs_[0], {*e.kernel, e.stride.value_or(1), e.padding.value_or(0)});
  }

  Tensor gather(const LayerName& own, const LayerEntry& e) {
    NetworkBuilder::Sampling sampling;
    sampling.parts = e.heads.value_or(1);
    sampling.output = {sampling.parts, *e.height, *e.width, *e.channels};
    sampling.rows_per_output = *e.rows_per_output;
    sampling.passes = *e.passes;
    if (e.table_elements) {
      return net_.gather_table(own, inputs_[0], *e.table_elements, sampling);
    }
    return net_.gather(own, inputs_[0], {inputs_.begin() + 1, inputs_.end()}, sampling);
  }

  const NetworkFile& file_;
  NetworkBuilder net_;
  std::map<std::string, Tensor> tensors_;
  Tensor last_;
  std::vector<Tensor> inputs_;
  std::string name_;
};

void check_layers(const NetworkFile& file, config::Checker& check) {
  FileBuilder builder(file);
  for (std::size_t i = 0; i < file.layers.size(); ++i) {
    try {
      builder.append(file.layers[i]);
    } catch (const WrongLayer& wrong) {
      const std::string place = "layers." + std::to_string(i);
      check.error(wrong.key.empty() ? place : place + "." + wrong.key,
                  (wrong.key.empty() ? "(" + file.layers[i].name + ") " : "") + wrong.message, wrong.notes);
      return;  // what stands behind it would only be wrong because of it
    }
  }
  try {
    (void)builder.finish();
  } catch (const InternalError& wrong) {
    check.error("layers", std::string("do not make a network: ") + wrong.what());
  } catch (const UserError& wrong) {
    check.error("layers", wrong.diagnostics().front().message);
  }
}

}  // namespace

std::span<const config::EnumName<LayerKind>> enumeration_names(LayerKind) {
  static const std::array<config::EnumName<LayerKind>, kLayerKinds> names = [] {
    std::array<config::EnumName<LayerKind>, kLayerKinds> all{};
    for (std::size_t i = 0; i < kLayerKinds; ++i) {
      all[i] = {static_cast<LayerKind>(i), name(static_cast<LayerKind>(i))};
    }
    return all;
  }();
  return names;
}

std::vector<std::string> LayerEntry::written() const {
  std::vector<std::string> keys;
  const auto add = [&](const char* key, bool there) {
    if (there) {
      keys.emplace_back(key);
    }
  };
  add("output_channels", output_channels.has_value());
  add("input_channels", input_channels.has_value());
  add("kernel", kernel.has_value());
  add("stride", stride.has_value());
  add("padding", padding.has_value());
  add("groups", groups.has_value());
  add("heads", heads.has_value());
  add("reduction", reduction.has_value());
  add("columns", columns.has_value());
  add("windows", windows.has_value());
  add("height", height.has_value());
  add("width", width.has_value());
  add("channels", channels.has_value());
  add("row", row.has_value());
  add("rows_per_output", rows_per_output.has_value());
  add("passes", passes.has_value());
  add("table_elements", table_elements.has_value());
  add("relu", relu.has_value());
  return keys;
}

Network NetworkFile::build() const {
  FileBuilder builder(*this);
  for (const LayerEntry& entry : layers) {
    try {
      builder.append(entry);
    } catch (const WrongLayer& wrong) {
      throw UserError("layer '" + entry.name + "' of network '" + name + "': " + wrong.message);
    }
  }
  return builder.finish();
}

void describe(config::Schema<NetworkInput>& schema) {
  schema.name("input", "what the network is given");
  schema.field(&NetworkInput::height, "height", "rows of pixels; 1 for tokens").range(1, kMostSide);
  schema.field(&NetworkInput::width, "width", "pixels in a row, or tokens").range(1, kMostSide);
  schema.field(&NetworkInput::channels, "channels", "of a pixel or token").required().range(1, kMostSide);
}

void describe(config::Schema<LayerEntry>& schema) {
  using E = LayerEntry;
  schema.name("layer", "one operator; which keys it has depends on its kind");
  schema.field(&E::name, "name", "of the layer, used once").required().non_empty();
  schema.field(&E::kind, "kind", "what it computes").required();
  schema.field(&E::inputs, "inputs", "names of earlier layers, or input; the layer before, if absent");
  schema.field(&E::group, "group", "the row that it is counted in; its name, if absent");
  schema.field(&E::output_channels, "output_channels", "conv2d, linear").range(1, kMostSide);
  schema.field(&E::input_channels, "input_channels", "conv2d: reads the first so many channels")
      .range(1, kMostSide);
  schema.field(&E::kernel, "kernel", "conv2d, pool: side of the window").range(1, kMostSide);
  schema.field(&E::stride, "stride", "conv2d, pool; 1, if absent").range(1, kMostSide);
  schema.field(&E::padding, "padding", "conv2d, pool: on every side; 0, if absent").range(0, kMostSide);
  schema.field(&E::groups, "groups", "conv2d; as many as input channels: depthwise").range(1, kMostSide);
  schema.field(&E::heads, "heads", "matmul, gather: attention heads side by side").range(1, kMostSide);
  schema.field(&E::reduction, "reduction", "matmul: what is summed over, in a head").range(1, kMostSide);
  schema.field(&E::columns, "columns", "matmul: of the result, in a head").range(1, kMostSide);
  schema.field(&E::windows, "windows", "matmul: the height of its left input, each with its own matrices")
      .range(1, kMostSide);
  schema.field(&E::height, "height", "resize, pool, rearrange, gather: of the output").range(1, kMostSide);
  schema.field(&E::width, "width", "likewise").range(1, kMostSide);
  schema.field(&E::channels, "channels", "rearrange, gather: of the output (of a head)").range(1, kMostSide);
  schema.field(&E::row, "row", "softmax: elements that add up to 1; all channels, if absent")
      .range(1, kMostSide);
  schema.field(&E::rows_per_output, "rows_per_output", "gather: rows read for a row of the output")
      .range(1, 1 << 16);
  schema.field(&E::passes, "passes", "gather: over the output").range(1, 1 << 16);
  schema
      .field(&E::table_elements, "table_elements",
             "softmax: parameters added first; gather: parameters gathered from")
      .range(1, 1e12);
  schema.field(&E::relu, "relu", "conv2d, linear, add: clip what leaves at 0");
}

void describe(config::Schema<NetworkFile>& schema) {
  schema.kind("network", "layers with their data dependencies");
  schema.field(&NetworkFile::name, "name", "of the network").required().non_empty();
  schema.field(&NetworkFile::description, "description", "for people");
  schema.field(&NetworkFile::input, "input", "what the network is given").required();
  schema.field(&NetworkFile::layers, "layers", "in an order in which every input stands before its reader")
      .required()
      .at_least_items(1);
  schema.check(check_layers);
}

}  // namespace tilewright::workloads

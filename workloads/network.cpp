// SPDX-License-Identifier: Apache-2.0
#include "workloads/network.h"

#include <algorithm>
#include <set>

#include "sim/base/error.h"

namespace tilewright::workloads {
namespace {

uint64_t checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    throw UserError("a network is too large: its layers together do not fit in 64 bits");
  }
  return sum;
}

uint64_t checked_elements(const Shape& shape) {
  return checked_multiply(checked_multiply(shape.groups, shape.height),
                          checked_multiply(shape.width, shape.channels));
}

uint64_t output_size(uint64_t input, uint64_t kernel, uint64_t stride, uint64_t padding) {
  return (input + 2 * padding - kernel) / stride + 1;
}

class Checker {
 public:
  explicit Checker(const Network& network) : network_(network) {}

  void run() {
    require(!network_.layers.empty(), "holds no layers");
    require(checked_elements(network_.input) > 0, "has an empty input");
    for (index_ = 0; index_ < network_.layers.size(); ++index_) {
      check_layer();
    }
    (void)network_.macs();
    (void)network_.weights();
  }

 private:
  const Layer& layer() const { return network_.layers[index_]; }

  void require(bool condition, const std::string& text) const {
    if (!condition) {
      const std::string where = index_ < network_.layers.size() ? ", layer \"" + layer().name + "\"" : "";
      throw InternalError("network \"" + network_.name + "\"" + where + ": " + text);
    }
  }

  const Shape& input(std::size_t operand) const {
    const std::size_t source = layer().inputs[operand];
    return source == kNetworkInput ? network_.input : network_.layers[source].output;
  }

  void check_layer() {
    require(!layer().name.empty() && !layer().group.empty(), "has no name or no group");
    require(names_.insert(layer().name).second, "the name is used twice");
    require(!layer().inputs.empty() || layer().vector.table_elements > 0, "reads nothing");
    for (std::size_t source : layer().inputs) {
      require(source == kNetworkInput || source < index_, "reads a layer that does not stand before it");
    }
    require(checked_elements(layer().output) > 0, "has an empty output");
    const LayerKind kind = layer().kind;
    const bool gemm = kind == LayerKind::kConv2d || kind == LayerKind::kLinear || kind == LayerKind::kMatmul;
    require(layer().on_pe_array == gemm, "runs on the wrong unit for its kind");
    gemm ? check_mac() : check_vector();
  }

  void check_mac() const {
    const MacShape& mac = layer().mac;
    require(mac.kernel_height > 0 && mac.kernel_width > 0 && mac.stride > 0, "has an empty kernel or stride");
    require(mac.macs() > 0 && footprint_elements(mac) > 0, "does no work");
    const uint64_t rows = uint64_t{mac.input_height} + 2 * uint64_t{mac.padding};
    const uint64_t columns = uint64_t{mac.input_width} + 2 * uint64_t{mac.padding};
    require(mac.kernel_height <= rows && mac.kernel_width <= columns, "its kernel is larger than its input");
    require(mac.output_height == output_size(mac.input_height, mac.kernel_height, mac.stride, mac.padding) &&
                mac.output_width == output_size(mac.input_width, mac.kernel_width, mac.stride, mac.padding),
            "its output size does not follow from input, kernel, stride and padding");
    require(layer().output.elements() ==
                uint64_t{mac.groups} * mac.output_channels * mac.output_height * mac.output_width,
            "its output shape does not hold what it computes");
    const bool matmul = layer().kind == LayerKind::kMatmul;
    require(mac.weights_are_activations == matmul && mac.groups_share_pixels == !matmul,
            "its operand flags do not fit its kind");
    require(layer().inputs.size() == (matmul ? 2U : 1U), "has the wrong number of inputs for its kind");
    // A reader may take a prefix of the channels of its input, never more than there are.
    const uint64_t read = uint64_t{mac.groups} * mac.input_channels * mac.input_height * mac.input_width;
    require(input(0).elements() >= read, "reads more than its input holds");
    if (matmul) {
      require(input(1).elements() >= mac.weights(), "reads more than its second operand holds");
    }
  }

  void check_vector() const {
    const VectorShape& vector = layer().vector;
    const bool in_place = layer().kind == LayerKind::kConcat && vector.passes == 0;
    if (in_place) {
      require(vector.input_elements == 0 && vector.output_elements == 0, "moves elements in no pass");
      return;
    }
    require(vector.passes > 0 && vector.operands > 0 && vector.row_elements > 0, "does no work");
    require(vector.operands <= layer().inputs.size() + (vector.table_elements > 0 ? 1 : 0),
            "has fewer inputs than operands");
    if (layer().kind != LayerKind::kConcat) {
      require(vector.output_elements == layer().output.elements(), "does not write its output once");
      check_reads();
    }
    require(vector.output_elements % vector.row_elements == 0, "its output is not made of whole rows");
  }

  // Each input once, but for the kinds that read again, or only a part.
  void check_reads() const {
    const VectorShape& vector = layer().vector;
    const LayerKind kind = layer().kind;
    uint64_t held = vector.table_elements;
    for (std::size_t operand = 0; operand < layer().inputs.size(); ++operand) {
      held = checked_add(held, input(operand).elements());
    }
    if (kind == LayerKind::kGather) {
      check_gather();
    } else if (kind == LayerKind::kGroupNorm) {
      require(vector.input_elements == 2 * held, "does not read its input twice");
    } else if (kind == LayerKind::kRearrange) {
      require(vector.input_elements > 0 && vector.input_elements <= held, "reads more than its input holds");
    } else {
      require(vector.input_elements == held, "does not read its inputs once each");
    }
    require(vector.second_elements < vector.input_elements, "has a second operand larger than all it reads");
  }

  void check_gather() const {
    const VectorShape& vector = layer().vector;
    require(vector.source_elements > 0 && vector.source_parts > 0 && vector.operands == 2 &&
                vector.input_elements > vector.second_elements,
            "gathers nothing");
    const uint64_t rows = vector.output_elements / vector.row_elements;
    const uint64_t gathered = vector.input_elements - vector.second_elements;
    require(rows % vector.source_parts == 0 && gathered % vector.output_elements == 0 &&
                vector.source_elements % (uint64_t{vector.row_elements} * vector.source_parts) == 0,
            "gathers rows that are not whole");
    const bool table = vector.table_elements > 0;
    require(table ? vector.table_elements == gathered : vector.source_elements == input(0).elements(),
            "does not gather from its source");
    uint64_t places = 0;
    for (std::size_t operand = table ? 0 : 1; operand < layer().inputs.size(); ++operand) {
      places = checked_add(places, input(operand).elements());
    }
    require(places == vector.second_elements, "does not read its places once each");
  }

  const Network& network_;
  std::size_t index_ = 0;
  std::set<std::string> names_;
};

}  // namespace

uint64_t Network::macs() const {
  uint64_t sum = 0;
  for (const Layer& layer : layers) {
    sum = checked_add(sum, layer.macs());
  }
  return sum;
}

uint64_t Network::weights() const {
  uint64_t sum = 0;
  for (const Layer& layer : layers) {
    sum = checked_add(sum, layer.weights());
  }
  return sum;
}

std::vector<GroupTotals> totals_by_group(const Network& network) {
  std::vector<GroupTotals> totals;
  for (std::size_t index = 0; index < network.layers.size(); ++index) {
    const Layer& layer = network.layers[index];
    auto row = std::find_if(totals.begin(), totals.end(),
                            [&](const GroupTotals& other) { return other.group == layer.group; });
    if (row == totals.end()) {
      const bool depthwise = layer.on_pe_array && layer.mac.depthwise();
      row = totals.insert(totals.end(), {layer.group, layer.kind, depthwise, 0, 0, 0, index});
    }
    TILEWRIGHT_CHECK(row->kind == layer.kind, "group \"" + layer.group + "\" mixes layer kinds");
    row->layers += 1;
    row->macs = checked_add(row->macs, layer.macs());
    row->weights = checked_add(row->weights, layer.weights());
  }
  return totals;
}

std::vector<std::vector<std::size_t>> readers(const Network& network) {
  std::vector<std::vector<std::size_t>> result(network.layers.size());
  for (std::size_t index = 0; index < network.layers.size(); ++index) {
    for (std::size_t source : network.layers[index].inputs) {
      if (source != kNetworkInput && (result[source].empty() || result[source].back() != index)) {
        result[source].push_back(index);
      }
    }
  }
  return result;
}

uint64_t footprint_elements(const MacShape& shape) {
  const uint64_t input = checked_multiply(checked_multiply(shape.groups, shape.input_channels),
                                          checked_multiply(shape.input_height, shape.input_width));
  const uint64_t output = checked_multiply(checked_multiply(shape.groups, shape.output_channels),
                                           checked_multiply(shape.output_height, shape.output_width));
  return checked_add(checked_add(input, output), shape.weights());
}

void check_network(const Network& network) {
  Checker(network).run();
}

}  // namespace tilewright::workloads

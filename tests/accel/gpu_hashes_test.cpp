// SPDX-License-Identifier: Apache-2.0
//
// Two machines, one answer: output hashes that gpu_ref computed (small layers on its CPU path, network layers on cards) against
// those of this simulator, which shares no code with it. Large layers: gpu_ref/vit/compare_hashes.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/search/find_mapping.h"
#include "sim/accel/functional/functional_run.h"
#include "sim/accel/functional/reference.h"
#include "sim/accel/simulator.h"

namespace {

using namespace tilewright;
using workloads::Layer;

struct Hashed {
  std::string from, hash;
  Layer layer;
};

constexpr std::array kColumns = {"groups",        "input_channels", "output_channels", "kernel_height",
                                 "kernel_width",  "stride",         "padding",         "input_height",
                                 "input_width",   "output_height",  "output_width",    "relu"};

Layer layer_of(const std::array<uint32_t, kColumns.size()>& n, const std::string& kind) {
  Layer layer;
  layer.name = "hashed";
  layer.kind = kind == "linear" ? workloads::LayerKind::kLinear
               : kind == "matmul" ? workloads::LayerKind::kMatmul : workloads::LayerKind::kConv2d;
  workloads::MacShape& mac = layer.mac;
  mac.groups = n[0];
  mac.input_channels = n[1];
  mac.output_channels = n[2];
  mac.kernel_height = n[3];
  mac.kernel_width = n[4];
  mac.stride = n[5];
  mac.padding = n[6];
  mac.input_height = n[7];
  mac.input_width = n[8];
  mac.output_height = n[9];
  mac.output_width = n[10];
  mac.weights_are_activations = kind == "matmul";
  mac.groups_share_pixels = kind != "matmul";
  layer.relu = n[11] != 0;
  layer.output = {mac.groups_share_pixels ? 1 : mac.groups, mac.output_height, mac.output_width,
                  mac.output_channels * (mac.groups_share_pixels ? mac.groups : 1)};
  layer.inputs = {workloads::kNetworkInput};
  return layer;
}

std::vector<Hashed> host_hashes() {
  std::ifstream in(TILEWRIGHT_SOURCE_DIR "/gpu_ref/tests/host_hashes.csv");
  std::vector<Hashed> all;
  std::string line;
  std::getline(in, line);  // headings
  while (std::getline(in, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::stringstream words(line);
    std::string hash;
    words >> hash;
    std::array<uint32_t, kColumns.size()> n{};
    for (uint32_t& value : n) {
      words >> value;
    }
    const bool convolution = n[0] == 1 || n[1] == 1;
    all.push_back({"host_hashes.csv: " + line, hash, layer_of(n, convolution ? "conv2d" : "matmul")});
  }
  return all;
}

// Layers of at most `most` multiply-accumulates in the records of every card.
std::vector<Hashed> recorded_hashes(uint64_t most) {
  std::vector<Hashed> all;
  for (const auto& card : std::filesystem::directory_iterator(TILEWRIGHT_SOURCE_DIR "/gpu_ref/measurements")) {
    std::ifstream in(card.path() / "vit_int8.json");
    if (!in) {
      continue;
    }
    for (const auto& point : nlohmann::json::parse(in)["points"]) {
      const auto& parameters = point["parameters"];
      std::array<uint32_t, kColumns.size()> n{};
      for (std::size_t i = 0; i < n.size(); ++i) {
        n[i] = parameters[kColumns[i]].get<uint32_t>();
      }
      Layer layer = layer_of(n, parameters["kind"].get<std::string>());
      if (layer.macs() <= most) {
        all.push_back({card.path().filename().string() + ": " + point["id"].get<std::string>(),
                       point["hashes"]["outputs"].get<std::string>(), std::move(layer)});
      }
    }
  }
  return all;
}

uint32_t shift_of(const Layer& layer) {
  return accel::requantisation_shift(uint64_t{layer.mac.kernel_height} * layer.mac.kernel_width * layer.mac.input_channels);
}

std::string reference_hash(const Layer& layer) {
  accel::Operands operands(layer.mac);
  operands.fill(1);
  return accel::output_hash(accel::reference_sums(operands), shift_of(layer), layer.relu);
}

std::string simulated_hash(const Layer& layer, const arch::AcceleratorSpec& spec) {
  const mappers::Residency residency;
  mappers::SearchOptions options;
  options.strategy = mappers::StrategyName::kDescent;
  const mappers::Mapping mapping = mappers::find_mapping(layer, spec, residency, {}, options).mapping;
  const auto program = mappers::lower(layer, mapping, spec, residency, true);
  accel::Operands operands(layer.mac);
  operands.fill(1);
  accel::FunctionalRun values(program, spec, operands);
  accel::AcceleratorSimulator(spec, accel::Fidelity::kEvent).run(program, &values);
  CHECK(values.saturations() == 0);
  return accel::output_hash(values.sums(), shift_of(layer), layer.relu);
}

}  // namespace

TEST_CASE("small layers through the modelled buffers have the hashes that gpu_ref computes") {
  const auto spec = arch::load_accelerator(TILEWRIGHT_SOURCE_DIR "/configs/arch/magnet_16pe_5nm_lpddr5.yaml").value;
  const std::vector<Hashed> all = host_hashes();
  REQUIRE(all.size() >= 6);
  for (const Hashed& one : all) {
    CAPTURE(one.from);
    CHECK(simulated_hash(one.layer, spec) == one.hash);
  }
}

TEST_CASE("layers that cards computed have the reference's hashes") {
  for (const Hashed& one : recorded_hashes(70'000'000)) {
    CAPTURE(one.from);
    CHECK(reference_hash(one.layer) == one.hash);
  }
}

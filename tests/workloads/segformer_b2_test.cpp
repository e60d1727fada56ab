// SPDX-License-Identifier: Apache-2.0
//
// SegFormer-B2 on ADE20K against the layer table derived from its published definition, to the last printed
// digit.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "tests/workloads/printed.h"
#include "workloads/network.h"
#include "workloads/segformer.h"

namespace tilewright::workloads {
namespace {

const SegformerSpec kAde = segformer_spec(SegformerSize::kB2, SegformerData::kAde20k);
const SegformerSpec kCityscapes = segformer_spec(SegformerSize::kB2, SegformerData::kCityscapes);

constexpr TableRow kTable[] = {
    // clang-format off
    {"PatchEmbed0_Conv2D", 1, "conv", 3, 64, 7, 4, 1, "128x128", "154.1", "0.25", "9.4"},
    {"enc0.q", 3, "linear", 64, 64, 1, 1, 1, "16384", "201.3", "0.32", "12.3"},
    {"enc0.sr_conv", 3, "conv", 64, 64, 8, 8, 1, "16x16", "201.3", "0.32", "786.4"},
    {"enc0.kv", 3, "linear", 64, 128, 1, 1, 1, "256", "6.3", "0.01", "24.6"},
    {"enc0.qk", 3, "matmul", 64, 256, 1, 1, 1, "16384", "805.3", "1.29", "0.0"},
    {"enc0.av", 3, "matmul", 256, 64, 1, 1, 1, "16384", "805.3", "1.29", "0.0"},
    {"enc0.proj", 3, "linear", 64, 64, 1, 1, 1, "16384", "201.3", "0.32", "12.3"},
    {"enc0.fc1", 3, "linear", 64, 256, 1, 1, 1, "16384", "805.3", "1.29", "49.2"},
    {"enc0.dwconv", 3, "dwconv", 256, 256, 3, 1, 1, "128x128", "113.2", "0.18", "6.9"},
    {"enc0.fc2", 3, "linear", 256, 64, 1, 1, 1, "16384", "805.3", "1.29", "49.2"},
    {"DecodeLinear0", 1, "linear", 64, 768, 1, 1, 1, "16384", "805.3", "1.29", "49.2"},
    {"PatchEmbed1_Conv2D", 1, "conv", 64, 128, 3, 2, 1, "64x64", "302.0", "0.48", "73.7"},
    {"enc1.q", 4, "linear", 128, 128, 1, 1, 1, "4096", "268.4", "0.43", "65.5"},
    {"enc1.sr_conv", 4, "conv", 128, 128, 4, 4, 1, "16x16", "268.4", "0.43", "1048.6"},
    {"enc1.kv", 4, "linear", 128, 256, 1, 1, 1, "256", "33.6", "0.05", "131.1"},
    {"enc1.qk", 4, "matmul", 64, 256, 1, 1, 2, "4096", "536.9", "0.86", "0.0"},
    {"enc1.av", 4, "matmul", 256, 64, 1, 1, 2, "4096", "536.9", "0.86", "0.0"},
    {"enc1.proj", 4, "linear", 128, 128, 1, 1, 1, "4096", "268.4", "0.43", "65.5"},
    {"enc1.fc1", 4, "linear", 128, 512, 1, 1, 1, "4096", "1073.7", "1.72", "262.1"},
    {"enc1.dwconv", 4, "dwconv", 512, 512, 3, 1, 1, "64x64", "75.5", "0.12", "18.4"},
    {"enc1.fc2", 4, "linear", 512, 128, 1, 1, 1, "4096", "1073.7", "1.72", "262.1"},
    {"DecodeLinear1", 1, "linear", 128, 768, 1, 1, 1, "4096", "402.7", "0.65", "98.3"},
    {"PatchEmbed2_Conv2D", 1, "conv", 128, 320, 3, 2, 1, "32x32", "377.5", "0.61", "368.6"},
    {"enc2.q", 6, "linear", 320, 320, 1, 1, 1, "1024", "629.1", "1.01", "614.4"},
    {"enc2.sr_conv", 6, "conv", 320, 320, 2, 2, 1, "16x16", "629.1", "1.01", "2457.6"},
    {"enc2.kv", 6, "linear", 320, 640, 1, 1, 1, "256", "314.6", "0.50", "1228.8"},
    {"enc2.qk", 6, "matmul", 64, 256, 1, 1, 5, "1024", "503.3", "0.81", "0.0"},
    {"enc2.av", 6, "matmul", 256, 64, 1, 1, 5, "1024", "503.3", "0.81", "0.0"},
    {"enc2.proj", 6, "linear", 320, 320, 1, 1, 1, "1024", "629.1", "1.01", "614.4"},
    {"enc2.fc1", 6, "linear", 320, 1280, 1, 1, 1, "1024", "2516.6", "4.04", "2457.6"},
    {"enc2.dwconv", 6, "dwconv", 1280, 1280, 3, 1, 1, "32x32", "70.8", "0.11", "69.1"},
    {"enc2.fc2", 6, "linear", 1280, 320, 1, 1, 1, "1024", "2516.6", "4.04", "2457.6"},
    {"DecodeLinear2", 1, "linear", 320, 768, 1, 1, 1, "1024", "251.7", "0.40", "245.8"},
    {"PatchEmbed3_Conv2D", 1, "conv", 320, 512, 3, 2, 1, "16x16", "377.5", "0.61", "1474.6"},
    {"enc3.q", 3, "linear", 512, 512, 1, 1, 1, "256", "201.3", "0.32", "786.4"},
    {"enc3.kv", 3, "linear", 512, 1024, 1, 1, 1, "256", "402.7", "0.65", "1572.9"},
    {"enc3.qk", 3, "matmul", 64, 256, 1, 1, 8, "256", "100.7", "0.16", "0.0"},
    {"enc3.av", 3, "matmul", 256, 64, 1, 1, 8, "256", "100.7", "0.16", "0.0"},
    {"enc3.proj", 3, "linear", 512, 512, 1, 1, 1, "256", "201.3", "0.32", "786.4"},
    {"enc3.fc1", 3, "linear", 512, 2048, 1, 1, 1, "256", "805.3", "1.29", "3145.7"},
    {"enc3.dwconv", 3, "dwconv", 2048, 2048, 3, 1, 1, "16x16", "14.2", "0.02", "55.3"},
    {"enc3.fc2", 3, "linear", 2048, 512, 1, 1, 1, "256", "805.3", "1.29", "3145.7"},
    {"DecodeLinear3", 1, "linear", 512, 768, 1, 1, 1, "256", "100.7", "0.16", "393.2"},
    {"Conv2DFuse", 1, "conv", 3072, 768, 1, 1, 1, "128x128", "38654.7", "62.01", "2359.3"},
    {"Conv2DPred", 1, "conv", 768, 150, 1, 1, 1, "128x128", "1887.4", "3.03", "115.2"},
    // clang-format on
};

std::string kind_in_table(const GroupTotals& totals) {
  return totals.depthwise                    ? "dwconv"
         : totals.kind == LayerKind::kConv2d ? "conv"
                                             : std::string(name(totals.kind));
}

std::string outputs_in_table(const Layer& layer) {
  return layer.kind == LayerKind::kConv2d
             ? fmt::format("{}x{}", layer.mac.output_height, layer.mac.output_width)
             : fmt::format("{}", layer.mac.output_width);
}

std::vector<GroupTotals> compute_groups(const Network& network) {
  std::vector<GroupTotals> groups;
  for (const GroupTotals& totals : totals_by_group(network)) {
    if (network.layers[totals.first].on_pe_array) {
      groups.push_back(totals);
    }
  }
  return groups;
}

const GroupTotals& find(const std::vector<GroupTotals>& groups, const std::string& group) {
  for (const GroupTotals& totals : groups) {
    if (totals.group == group) {
      return totals;
    }
  }
  FAIL("no group " << group);
  return groups.front();
}

void check_row(const TableRow& row, const Network& network, const GroupTotals& totals) {
  INFO("group " << row.group);
  const Layer& layer = network.layers[totals.first];
  const uint32_t groups_of_channels = layer.mac.groups_share_pixels ? layer.mac.groups : 1;
  CHECK(totals.layers == row.layers);
  CHECK(kind_in_table(totals) == row.kind);
  CHECK(layer.mac.input_channels * groups_of_channels == row.input_channels);
  CHECK(layer.mac.output_channels * groups_of_channels == row.output_channels);
  CHECK(layer.mac.kernel_height == row.kernel);
  CHECK(layer.mac.kernel_width == row.kernel);
  CHECK(layer.mac.stride == row.stride);
  CHECK((layer.mac.groups_share_pixels ? 1 : layer.mac.groups) == row.matrices);
  CHECK(outputs_in_table(layer) == row.outputs);
  CHECK(printed(totals.macs, 1e6, 1) == row.mmac);
  CHECK(printed_percent(totals.macs, network.macs(), 2) == row.percent);
  CHECK(printed(totals.weights, 1e3, 1) == row.thousand_weights);
}

}  // namespace

TEST_CASE("every row of SegFormer-B2's layer table") {
  const Network network = segformer(kAde);
  const std::vector<GroupTotals> groups = compute_groups(network);
  CHECK(groups.size() == std::size(kTable));
  uint32_t layers = 0;
  for (const TableRow& row : kTable) {
    check_row(row, network, find(groups, row.group));
    layers += row.layers;
  }
  CHECK(layers == 151);
  CHECK(printed(network.macs(), 1e6, 1) == "62337.8");
  CHECK(printed(network.weights(), 1e3, 0) == "27374");
}

TEST_CASE("MACs of one encoder block per stage") {
  const auto check_stages = [](const SegformerSpec& spec, const PerStage<const char*>& expected) {
    const std::vector<GroupTotals> groups = compute_groups(segformer(spec));
    for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
      uint64_t macs = 0;
      for (const GroupTotals& totals : groups) {
        if (totals.group.starts_with(fmt::format("enc{}.", stage))) {
          macs += totals.macs / totals.layers;
        }
      }
      CHECK(printed(macs, 1e6, 1) == expected[stage]);
    }
  };
  check_stages(kAde, {"1314.9", "1033.9", "1385.4", "877.1"});
  check_stages(kCityscapes, {"40584.1", "23303.6", "20478.7", "10775.2"});
}

TEST_CASE("MACs of one encoder block, layer by layer") {
  const PerStage<const char*> expected = {
      "67.1/67.1/2.1/268.4/268.4/67.1/268.4/37.7/268.4", "67.1/67.1/8.4/134.2/134.2/67.1/268.4/18.9/268.4",
      "104.9/104.9/52.4/83.9/83.9/104.9/419.4/11.8/419.4", "67.1/-/134.2/33.6/33.6/67.1/268.4/4.7/268.4"};
  const std::vector<GroupTotals> groups = compute_groups(segformer(kAde));
  for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
    std::string found;
    for (const char* part : {"q", "sr_conv", "kv", "qk", "av", "proj", "fc1", "dwconv", "fc2"}) {
      found += found.empty() ? "" : "/";
      if (stage == 3 && std::string(part) == "sr_conv") {
        found += "-";
        continue;
      }
      const GroupTotals& totals = find(groups, fmt::format("enc{}.{}", stage, part));
      found += printed(totals.macs / totals.layers, 1e6, 1);
    }
    CHECK(found == expected[stage]);
  }
}

TEST_CASE("INT8 footprints") {
  struct Expected {
    const SegformerSpec& spec;
    const char* fuse;
    const char* layer_by_layer;
  };
  for (const Expected& expected :
       {Expected{kAde, "50.33/12.58/2.36", "385"}, {kCityscapes, "402.65/100.66/2.36", "6279"}}) {
    const Network network = segformer(expected.spec);
    uint64_t sum = 0;
    for (const Layer& layer : network.layers) {
      sum += layer.on_pe_array ? footprint_elements(layer.mac) : 0;
      if (layer.name == "Conv2DFuse") {
        const uint64_t pixels = uint64_t{layer.mac.input_height} * layer.mac.input_width;
        CHECK(fmt::format("{}/{}/{}", printed(pixels * layer.mac.input_channels, 1e6, 2),
                          printed(layer.output.elements(), 1e6, 2),
                          printed(layer.weights(), 1e6, 2)) == expected.fuse);
      }
      if (layer.name == "enc0.0.softmax" && &expected.spec == &kCityscapes) {
        CHECK(printed(layer.output.elements(), 1e6, 0) == "268");
      }
    }
    CHECK(printed(sum, 1e6, 0) == expected.layer_by_layer);
  }
}

}  // namespace tilewright::workloads

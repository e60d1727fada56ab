// SPDX-License-Identifier: Apache-2.0
//
// Swin-T + UPerNet on ADE20K against the layer table derived from its published definition, to the last
// printed digit, and what its paths keep.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "tests/workloads/printed.h"
#include "workloads/network.h"
#include "workloads/swin.h"

namespace tilewright::workloads {
namespace {

constexpr TableRow kTable[] = {
    // clang-format off
    {"PatchEmbed_Conv2D", 1, "conv", 3, 96, 4, 4, 1, "128x128", "75.5", "0.03", "4.6"},
    {"enc0.qkv", 2, "linear", 96, 288, 1, 1, 1, "17689", "978.1", "0.41", "55.3"},
    {"enc0.qk", 2, "matmul", 32, 49, 1, 1, 1083, "49", "166.4", "0.07", "0.0"},
    {"enc0.av", 2, "matmul", 49, 32, 1, 1, 1083, "49", "166.4", "0.07", "0.0"},
    {"enc0.proj", 2, "linear", 96, 96, 1, 1, 1, "17689", "326.0", "0.14", "18.4"},
    {"enc0.fc1", 2, "linear", 96, 384, 1, 1, 1, "16384", "1208.0", "0.51", "73.7"},
    {"enc0.fc2", 2, "linear", 384, 96, 1, 1, 1, "16384", "1208.0", "0.51", "73.7"},
    {"PatchMerge0", 1, "linear", 384, 192, 1, 1, 1, "4096", "302.0", "0.13", "73.7"},
    {"enc1.qkv", 2, "linear", 192, 576, 1, 1, 1, "4900", "1083.8", "0.46", "221.2"},
    {"enc1.qk", 2, "matmul", 32, 49, 1, 1, 600, "49", "92.2", "0.04", "0.0"},
    {"enc1.av", 2, "matmul", 49, 32, 1, 1, 600, "49", "92.2", "0.04", "0.0"},
    {"enc1.proj", 2, "linear", 192, 192, 1, 1, 1, "4900", "361.3", "0.15", "73.7"},
    {"enc1.fc1", 2, "linear", 192, 768, 1, 1, 1, "4096", "1208.0", "0.51", "294.9"},
    {"enc1.fc2", 2, "linear", 768, 192, 1, 1, 1, "4096", "1208.0", "0.51", "294.9"},
    {"PatchMerge1", 1, "linear", 768, 384, 1, 1, 1, "1024", "302.0", "0.13", "294.9"},
    {"enc2.qkv", 6, "linear", 384, 1152, 1, 1, 1, "1225", "3251.4", "1.37", "2654.2"},
    {"enc2.qk", 6, "matmul", 32, 49, 1, 1, 300, "49", "138.3", "0.06", "0.0"},
    {"enc2.av", 6, "matmul", 49, 32, 1, 1, 300, "49", "138.3", "0.06", "0.0"},
    {"enc2.proj", 6, "linear", 384, 384, 1, 1, 1, "1225", "1083.8", "0.46", "884.7"},
    {"enc2.fc1", 6, "linear", 384, 1536, 1, 1, 1, "1024", "3623.9", "1.53", "3538.9"},
    {"enc2.fc2", 6, "linear", 1536, 384, 1, 1, 1, "1024", "3623.9", "1.53", "3538.9"},
    {"PatchMerge2", 1, "linear", 1536, 768, 1, 1, 1, "256", "302.0", "0.13", "1179.6"},
    {"enc3.qkv", 2, "linear", 768, 2304, 1, 1, 1, "441", "1560.7", "0.66", "3538.9"},
    {"enc3.qk", 2, "matmul", 32, 49, 1, 1, 216, "49", "33.2", "0.01", "0.0"},
    {"enc3.av", 2, "matmul", 49, 32, 1, 1, 216, "49", "33.2", "0.01", "0.0"},
    {"enc3.proj", 2, "linear", 768, 768, 1, 1, 1, "441", "520.2", "0.22", "1179.6"},
    {"enc3.fc1", 2, "linear", 768, 3072, 1, 1, 1, "256", "1208.0", "0.51", "4718.6"},
    {"enc3.fc2", 2, "linear", 3072, 768, 1, 1, 1, "256", "1208.0", "0.51", "4718.6"},
    {"psp_pool1_Conv2D", 1, "conv", 768, 512, 1, 1, 1, "1x1", "0.4", "0.00", "393.2"},
    {"psp_pool2_Conv2D", 1, "conv", 768, 512, 1, 1, 1, "2x2", "1.6", "0.00", "393.2"},
    {"psp_pool3_Conv2D", 1, "conv", 768, 512, 1, 1, 1, "3x3", "3.5", "0.00", "393.2"},
    {"psp_pool6_Conv2D", 1, "conv", 768, 512, 1, 1, 1, "6x6", "14.2", "0.01", "393.2"},
    {"psp_bottleneck_Conv2D", 1, "conv", 2816, 512, 3, 1, 1, "16x16", "3321.9", "1.40", "12976.1"},
    {"lateral0_Conv2D", 1, "conv", 96, 512, 1, 1, 1, "128x128", "805.3", "0.34", "49.2"},
    {"lateral1_Conv2D", 1, "conv", 192, 512, 1, 1, 1, "64x64", "402.7", "0.17", "98.3"},
    {"lateral2_Conv2D", 1, "conv", 384, 512, 1, 1, 1, "32x32", "201.3", "0.08", "196.6"},
    {"fpn_conv0_Conv2D", 1, "conv", 512, 512, 3, 1, 1, "128x128", "38654.7", "16.32", "2359.3"},
    {"fpn_conv1_Conv2D", 1, "conv", 512, 512, 3, 1, 1, "64x64", "9663.7", "4.08", "2359.3"},
    {"fpn_conv2_Conv2D", 1, "conv", 512, 512, 3, 1, 1, "32x32", "2415.9", "1.02", "2359.3"},
    {"fpn_bottleneck_Conv2D", 1, "conv", 2048, 512, 3, 1, 1, "128x128", "154618.8", "65.28", "9437.2"},
    {"conv_seg", 1, "conv", 512, 150, 1, 1, 1, "128x128", "1258.3", "0.53", "76.8"},
    // clang-format on
};

void check_row(const TableRow& row, const Network& network, const GroupTotals& totals) {
  INFO("group " << row.group);
  const Layer& layer = network.layers[totals.first];
  const bool convolution = layer.kind == LayerKind::kConv2d;
  CHECK(totals.layers == row.layers);
  CHECK((convolution ? "conv" : std::string(name(layer.kind))) == row.kind);
  CHECK(layer.mac.input_channels == row.input_channels);
  CHECK(layer.mac.output_channels == row.output_channels);
  CHECK(layer.mac.kernel_height == row.kernel);
  CHECK(layer.mac.stride == row.stride);
  CHECK(layer.mac.groups == row.matrices);
  CHECK((convolution ? fmt::format("{}x{}", layer.mac.output_height, layer.mac.output_width)
                     : fmt::format("{}", layer.mac.output_width)) == row.outputs);
  CHECK(printed(totals.macs, 1e6, 1) == row.mmac);
  CHECK(printed_percent(totals.macs, network.macs(), 2) == row.percent);
  CHECK(printed(totals.weights, 1e3, 1) == row.thousand_weights);
}

uint32_t count(const Network& network, const std::string& group) {
  for (const GroupTotals& totals : totals_by_group(network)) {
    if (totals.group == group) {
      return totals.layers;
    }
  }
  return 0;
}

std::string gmac(const SwinPath& path) {
  return printed(swin_upernet(swin_spec(SwinSize::kTiny), path).macs(), 1e9, 1);
}

}  // namespace

TEST_CASE("every row of Swin-T's layer table") {
  const Network network = swin_upernet(swin_spec(SwinSize::kTiny));
  std::size_t row = 0;
  uint32_t layers = 0;
  uint64_t footprint = 0;
  for (const GroupTotals& totals : totals_by_group(network)) {
    if (network.layers[totals.first].on_pe_array) {
      // The table lists the head from the pyramid pooling to the laterals level by level; so does the test.
      const TableRow* found = nullptr;
      for (const TableRow& each : kTable) {
        found = totals.group == each.group ? &each : found;
      }
      REQUIRE_MESSAGE(found != nullptr, "not in the table: " << totals.group);
      check_row(*found, network, totals);
      layers += totals.layers;
      ++row;
    }
  }
  for (const Layer& layer : network.layers) {
    footprint += layer.on_pe_array ? footprint_elements(layer.mac) : 0;
  }
  CHECK(row == std::size(kTable));
  CHECK(layers == 89);
  CHECK(printed(network.macs(), 1e6, 1) == "236864.8");
  CHECK(printed(network.weights(), 1e3, 0) == "58916");
  CHECK(printed(footprint, 1e6, 0) == "344");
}

TEST_CASE("what Swin computes besides products") {
  const Network network = swin_upernet(swin_spec(SwinSize::kTiny));
  CHECK(count(network, "enc0.window_partition") == 2);
  CHECK(count(network, "enc2.window_reverse") == 6);
  CHECK(count(network, "enc2.softmax") == 6);
  CHECK(count(network, "PatchMerge1_gather") == 1);
  CHECK(count(network, "psp_pool6") == 1);
  CHECK(count(network, "fpn_resize3") == 1);
  for (const Layer& layer : network.layers) {
    if (layer.name == "enc0.1.window_partition") {  // 128 x 128 padded to 133 x 133, in 19 x 19 windows
      CHECK(layer.output == Shape{1, 361, 49, 96});
      CHECK(layer.vector.input_elements == 128 * 128 * 96);
    }
    if (layer.name == "psp_pool3") {  // windows of 6 x 6 of a map of 16 x 16
      CHECK(layer.vector.passes == 36);
    }
  }
}

TEST_CASE("paths of Swin-T") {
  const auto bottleneck = [](uint32_t channels) {
    SwinPath path;
    path.fpn_bottleneck_input_channels = channels;
    return gmac(path);
  };
  CHECK(gmac({}) == "236.9");
  CHECK(bottleneck(1536) == "198.2");
  CHECK(bottleneck(1024) == "159.6");
  CHECK(bottleneck(768) == "140.2");
  CHECK(bottleneck(512) == "120.9");
  SwinPath narrow;  // level 0 gone: its lateral, its convolution and a quarter of the bottleneck
  narrow.fpn_conv_channels = {0, 512, 512};
  const Network network = swin_upernet(swin_spec(SwinSize::kTiny), narrow);
  CHECK(count(network, "lateral0_Conv2D") == 0);
  CHECK(count(network, "fpn_conv0_Conv2D") == 0);
  CHECK(count(network, "lateral1_Conv2D") == 1);
  const uint64_t full = swin_upernet(swin_spec(SwinSize::kTiny)).macs();
  CHECK(network.macs() == full - uint64_t{128} * 128 * (96 * 512 + 9 * 512 * 512 + 9 * 512 * 512));
  SwinPath shallow;
  shallow.blocks = {1, 1, 3, 1};
  CHECK(count(swin_upernet(swin_spec(SwinSize::kTiny), shallow), "enc2.qkv") == 3);
}

}  // namespace tilewright::workloads

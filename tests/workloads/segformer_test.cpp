// SPDX-License-Identifier: Apache-2.0
//
// SegFormer B0 to B5 against the published definitions' totals, and the execution paths' effect on MACs, each
// compared at the precision its source prints.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <string>

#include "sim/base/error.h"
#include "tests/workloads/printed.h"
#include "workloads/network.h"
#include "workloads/segformer.h"

namespace tilewright::workloads {
namespace {

struct Row {
  SegformerSpec spec;
  const char* gmac;
  const char* million_weights;
  const char* convolution;  // "percent (percent of depthwise)"
  const char* linear;
  const char* matmul;
  const char* decoder;
  std::map<std::string, const char*> largest;
};

SegformerSpec ade(SegformerSize size) {
  return segformer_spec(size, SegformerData::kAde20k);
}
SegformerSpec cityscapes(SegformerSize size) {
  return segformer_spec(size, SegformerData::kCityscapes);
}

SegformerSpec crop() {
  SegformerSpec spec = cityscapes(SegformerSize::kB2);
  spec.width = 1024;
  return spec;
}

SegformerSpec narrow_head() {
  SegformerSpec spec = ade(SegformerSize::kB2);
  spec.decoder_channels = 256;
  return spec;
}

using Size = SegformerSize;
const Row kTable[] = {
    // clang-format off
    {ade(Size::kB0), "8.39", "3.7", "65.1 (0.9)", "22.5", "12.4", "61.8", {{"Conv2DFuse", "51.2"}, {"Conv2DPred", "7.5"}, {"DecodeLinear0", "1.6"}}},
    {ade(Size::kB1), "15.88", "13.7", "42.6 (0.9)", "44.3", "13.1", "34.3", {{"Conv2DFuse", "27.0"}, {"Conv2DPred", "4.0"}, {"DecodeLinear0", "1.7"}}},
    {ade(Size::kB2), "62.34", "27.4", "69.2 (0.4)", "24.6", "6.2", "67.5", {{"Conv2DFuse", "62.0"}, {"Conv2DPred", "3.0"}, {"DecodeLinear0", "1.3"}}},
    {ade(Size::kB3), "78.96", "47.2", "56.4 (0.5)", "36.1", "7.5", "53.3", {{"Conv2DFuse", "49.0"}, {"Conv2DPred", "2.4"}, {"DecodeLinear0", "1.0"}}},
    {ade(Size::kB4), "95.57", "63.9", "48.0 (0.6)", "43.1", "8.9", "44.1", {{"Conv2DFuse", "40.4"}, {"Conv2DPred", "2.0"}, {"DecodeLinear0", "0.8"}}},
    {ade(Size::kB5), "111.51", "84.4", "42.4 (0.6)", "48.5", "9.1", "37.8", {{"Conv2DFuse", "34.7"}, {"Conv2DPred", "1.7"}, {"DecodeLinear0", "0.7"}}},
    {cityscapes(Size::kB0), "120.96", "3.7", "32.5 (0.5)", "12.5", "55.0", "30.7", {{"Conv2DFuse", "28.4"}, {"Conv2DPred", "0.5"}, {"DecodeLinear0", "0.9"}}},
    {cityscapes(Size::kB1), "239.13", "13.6", "20.8 (0.5)", "23.5", "55.7", "16.4", {{"Conv2DFuse", "14.4"}, {"Conv2DPred", "0.3"}, {"DecodeLinear0", "0.9"}}},
    {cityscapes(Size::kB2), "703.49", "27.3", "47.2 (0.3)", "17.4", "35.4", "46.0", {{"Conv2DFuse", "44.0"}, {"Conv2DPred", "0.3"}, {"DecodeLinear0", "0.9"}}},
    {cityscapes(Size::kB3), "949.23", "47.1", "36.1 (0.3)", "24.0", "39.8", "34.1", {{"Conv2DFuse", "32.6"}, {"Conv2DPred", "0.2"}, {"DecodeLinear0", "0.7"}}},
    {cityscapes(Size::kB4), "1226.75", "63.8", "28.9 (0.4)", "26.8", "44.3", "26.4", {{"Conv2DFuse", "25.2"}, {"Conv2DPred", "0.2"}, {"DecodeLinear0", "0.5"}}},
    {cityscapes(Size::kB5), "1446.37", "84.3", "25.2 (0.4)", "29.9", "44.8", "22.4", {{"Conv2DFuse", "21.4"}, {"Conv2DPred", "0.1"}, {"DecodeLinear0", "0.4"}}},
    {crop(), "289.47", "27.3", "57.3 (0.4)", "21.2", "21.5", "55.9", {{"Conv2DFuse", "53.4"}, {"Conv2DPred", "0.3"}, {"DecodeLinear0", "1.1"}}},
    {narrow_head(), "25.68", "24.7", "29.2 (1.1)", "55.6", "15.2", "21.2", {{"Conv2DFuse", "16.7"}, {"Conv2DPred", "2.4"}}},
    // clang-format on
};

struct Split {
  uint64_t convolution = 0, depthwise = 0, linear = 0, matmul = 0, decoder = 0;
};

Split split(const Network& network) {
  Split sum;
  for (const Layer& layer : network.layers) {
    const uint64_t macs = layer.macs();
    sum.convolution += layer.kind == LayerKind::kConv2d ? macs : 0;
    sum.depthwise += layer.on_pe_array && layer.mac.depthwise() ? macs : 0;
    sum.linear += layer.kind == LayerKind::kLinear ? macs : 0;
    sum.matmul += layer.kind == LayerKind::kMatmul ? macs : 0;
    const bool decoder = layer.name.starts_with("Decode") || layer.name.starts_with("Conv2D");
    sum.decoder += decoder ? macs : 0;
  }
  return sum;
}

const Layer& layer_named(const Network& network, const std::string& name) {
  for (const Layer& layer : network.layers) {
    if (layer.name == name) {
      return layer;
    }
  }
  FAIL("no layer " << name);
  return network.layers.front();
}

bool has_layer(const Network& network, const std::string& name) {
  for (const Layer& layer : network.layers) {
    if (layer.name == name) {
      return true;
    }
  }
  return false;
}

void check_rejected(const SegformerPath& path, const std::string& message) {
  try {
    (void)segformer(ade(Size::kB2), path);
    FAIL("accepted, expected: " << message);
  } catch (const UserError& error) {
    CHECK(std::string(error.what()) == message);
    CHECK(error.exit_code() == ExitCode::kUsage);
  }
}

}  // namespace

TEST_CASE("MACs, weights and their split for every size, data set and crop") {
  for (const Row& row : kTable) {
    INFO(row.spec.name << " " << row.gmac);
    const Network network = segformer(row.spec);
    const uint64_t all = network.macs();
    const Split sum = split(network);
    CHECK(printed(all, 1e9, 2) == row.gmac);
    CHECK(printed(network.weights(), 1e6, 1) == row.million_weights);
    CHECK(fmt::format("{} ({})", printed_percent(sum.convolution, all, 1),
                      printed_percent(sum.depthwise, all, 1)) == row.convolution);
    CHECK(printed_percent(sum.linear, all, 1) == row.linear);
    CHECK(printed_percent(sum.matmul, all, 1) == row.matmul);
    CHECK(printed_percent(sum.decoder, all, 1) == row.decoder);
    for (const auto& [name, percent] : row.largest) {
      CHECK(printed_percent(layer_named(network, name).macs(), all, 1) == percent);
    }
  }
}

TEST_CASE("Cityscapes with 150 classes, as the published totals seem to have been counted") {
  SegformerSpec spec = cityscapes(Size::kB2);
  spec.classes = 150;
  CHECK(printed(segformer(spec).macs(), 1e9, 1) == "716.7");
}

TEST_CASE("Conv2DFuse input channels kept, one knob at a time") {
  struct Setting {
    uint32_t channels;
    const char* gmac;
    const char* saving;
  };
  constexpr Setting kSettings[] = {{3072, "62.34", "0.0"},  {2560, "55.90", "10.3"}, {2304, "52.67", "15.5"},
                                   {2048, "49.45", "20.7"}, {1792, "46.23", "25.8"}, {1536, "43.01", "31.0"},
                                   {1280, "39.79", "36.2"}, {1024, "36.57", "41.3"}, {768, "33.35", "46.5"},
                                   {512, "30.13", "51.7"}};
  const uint64_t full = segformer(ade(Size::kB2)).macs();
  for (const Setting& setting : kSettings) {
    SegformerPath path;
    path.fuse_input_channels = setting.channels;
    const Network network = segformer(ade(Size::kB2), path);
    CHECK(printed(network.macs(), 1e9, 2) == setting.gmac);
    CHECK(printed_percent(full - network.macs(), full, 1) == setting.saving);
    CHECK(layer_named(network, "DecodeLinear0").mac.output_channels == 768);
  }
}

TEST_CASE("a DecodeLinear output dropped with the Conv2DFuse channel it feeds saves C x H x W MACs more") {
  // MMAC per dropped channel of stage 0, 1, 2, 3.
  const PerStage<const char*> expected = {"1.05", "0.52", "0.33", "0.13"};
  const SegformerSpec spec = ade(Size::kB2);
  for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
    SegformerPath fuse_only;
    fuse_only.fuse_input_channels = 3071;
    SegformerPath both;
    both.decode_linear_channels = {768, 768, 768, 768};
    both.decode_linear_channels->at(stage) = 767;
    CHECK(printed(segformer(spec, fuse_only).macs() - segformer(spec, both).macs(), 1e6, 2) ==
          expected[stage]);
  }
}

TEST_CASE("encoder blocks kept per stage") {
  struct Setting {
    PerStage<uint32_t> blocks;
    const char* saving;
  };
  constexpr Setting kSettings[] = {{{2, 4, 6, 3}, "2.1"},  {{3, 3, 6, 3}, "1.7"}, {{3, 4, 5, 3}, "2.2"},
                                   {{3, 4, 6, 2}, "1.4"},  {{2, 3, 5, 2}, "7.4"}, {{2, 3, 4, 3}, "8.2"},
                                   {{2, 2, 4, 2}, "11.3"}, {{1, 2, 3, 1}, "17.0"}};
  const uint64_t full = segformer(ade(Size::kB2)).macs();
  for (const Setting& setting : kSettings) {
    SegformerPath path;
    path.blocks = setting.blocks;
    CHECK(printed_percent(full - segformer(ade(Size::kB2), path).macs(), full, 1) == setting.saving);
  }
}

TEST_CASE("blocks are removed from the end of a stage") {
  SegformerPath path;
  path.blocks = {3, 4, 4, 3};
  const Network network = segformer(ade(Size::kB2), path);
  CHECK(has_layer(network, "enc2.3.fc2"));
  CHECK_FALSE(has_layer(network, "enc2.4.norm1"));
  CHECK_FALSE(has_layer(network, "enc2.5.fc2"));
}

TEST_CASE("the channels that a narrowed Conv2DFuse reads are the first of stage 3, 2, 1, 0") {
  const SegformerSpec spec = ade(Size::kB2);
  CHECK(matching_decode_linear_channels(spec, 2560) == PerStage<uint32_t>{256, 768, 768, 768});
  CHECK(matching_decode_linear_channels(spec, 1792) == PerStage<uint32_t>{0, 256, 768, 768});
  CHECK(matching_decode_linear_channels(spec, 512) == PerStage<uint32_t>{0, 0, 0, 512});
}

TEST_CASE("a stage without DecodeLinear channels loses its DecodeLinear and its resize") {
  SegformerPath path;
  path.decode_linear_channels = {0, 0, 768, 768};
  const Network network = segformer(ade(Size::kB2), path);
  CHECK_FALSE(has_layer(network, "DecodeLinear0"));
  CHECK_FALSE(has_layer(network, "DecodeLinear1"));
  CHECK_FALSE(has_layer(network, "DecodeResize1"));
  CHECK(has_layer(network, "DecodeResize2"));
  CHECK(layer_named(network, "Conv2DFuse").mac.input_channels == 1536);
  CHECK(layer_named(network, "Conv2DFuse").output == Shape{1, 128, 128, 768});
  // By hand: 62,337,843,200 - (1,536 fuse channels x 768 x 16,384) - 768 x (64 x 16,384 + 128 x 4,096).
  CHECK(network.macs() == 62337843200 - 19327352832 - 805306368 - 402653184);
}

TEST_CASE("Conv2DPred's input channels are Conv2DFuse's output channels") {
  SegformerPath path;
  path.predict_input_channels = 512;
  const Network network = segformer(ade(Size::kB2), path);
  CHECK(layer_named(network, "Conv2DFuse").mac.output_channels == 512);
  CHECK(layer_named(network, "Conv2DPred").mac.input_channels == 512);
  // By hand: 256 channels less of (3,072 + 150) x 16,384.
  CHECK(network.macs() == 62337843200 - 256ULL * (3072 + 150) * 16384);
}

TEST_CASE("every operator without MACs stands in the graph, in order") {
  const Network network = segformer(ade(Size::kB2));
  std::map<LayerKind, uint32_t> count;
  for (const Layer& layer : network.layers) {
    ++count[layer.kind];
  }
  // 16 blocks: two norms each, one more behind the 13 spatial reductions; 4 patch embeddings, 4 ends of
  // stages.
  CHECK(count[LayerKind::kLayerNorm] == 16 * 2 + 13 + 4 + 4);
  CHECK(count[LayerKind::kSoftmax] == 16);
  CHECK(count[LayerKind::kGelu] == 16);
  CHECK(count[LayerKind::kAdd] == 32);
  CHECK(count[LayerKind::kResize] == 3);
  CHECK(count[LayerKind::kConcat] == 1);
  CHECK(count[LayerKind::kRelu] == 0);
  CHECK(layer_named(network, "Conv2DFuse").relu);
  CHECK_FALSE(layer_named(network, "Conv2DPred").relu);

  const Layer& concat = layer_named(network, "DecodeConcat");
  std::string order;
  for (std::size_t source : concat.inputs) {
    order += network.layers[source].name + " ";
  }
  CHECK(order == "DecodeResize3 DecodeResize2 DecodeResize1 DecodeLinear0 ");
  CHECK(concat.vector.passes == 0);  // all four are written in place

  const Layer& softmax = layer_named(network, "enc2.0.softmax");
  CHECK(softmax.vector == VectorShape{5 * 1024 * 256, 5 * 1024 * 256, 1, 3, 256});
  const Layer& resize = layer_named(network, "DecodeResize3");
  CHECK(resize.vector == VectorShape{16 * 16 * 768, 128 * 128 * 768, 1, 3, 768});
  const Layer& add = layer_named(network, "enc3.2.mlp_add");
  CHECK(add.vector == VectorShape{2 * 256 * 512, 256 * 512, 2, 1, 512});
  CHECK(network.layers.back().name == "Conv2DPred");
}

TEST_CASE("resizing the logits to the image is left out of the count unless asked for") {
  SegformerSpec spec = ade(Size::kB2);
  spec.resize_logits = true;
  const Network network = segformer(spec);
  CHECK(network.layers.back().output == Shape{1, 512, 512, 150});
  CHECK(network.macs() == segformer(ade(Size::kB2)).macs());
}

TEST_CASE("illegal paths say what is allowed and why") {
  SegformerPath path;
  path.blocks = {3, 5, 6, 0};
  check_rejected(path,
                 "error: 'blocks.1' must be 1 to 4, got 5 [workload.path]\n"
                 "  note: stage 1 of segformer_b2_ade has 4 encoder blocks and keeps at least one\n"
                 "error: 'blocks.3' must be 1 to 3, got 0 [workload.path]\n"
                 "  note: stage 3 of segformer_b2_ade has 3 encoder blocks and keeps at least one");
  path = {};
  path.fuse_input_channels = 3073;
  check_rejected(path,
                 "error: 'fuse_input_channels' must be 1 to 3072, got 3073 [workload.path]\n"
                 "  note: the DecodeLinears hand on 3072 channels");
  path.fuse_input_channels = 0;
  check_rejected(path,
                 "error: 'fuse_input_channels' must be 1 to 3072, got 0 [workload.path]\n"
                 "  note: the DecodeLinears hand on 3072 channels");
  path.fuse_input_channels = 1025;
  path.decode_linear_channels = {256, 256, 256, 256};
  check_rejected(path,
                 "error: 'fuse_input_channels' must be 1 to 1024, got 1025 [workload.path]\n"
                 "  note: the DecodeLinears hand on 1024 channels");
  path = {};
  path.decode_linear_channels = {769, 768, 768, 0};
  check_rejected(
      path,
      "error: 'decode_linear_channels.0' must be 0 to 768, got 769 [workload.path]\n"
      "  note: a DecodeLinear of segformer_b2_ade has 768 output channels\n"
      "error: 'decode_linear_channels.3' must be 1 to 768, got 0 [workload.path]\n"
      "  note: a DecodeLinear of segformer_b2_ade has 768 output channels; nothing else reads stage 3");
  path = {};
  path.predict_input_channels = 4294967295;
  check_rejected(path,
                 "error: 'predict_input_channels' must be 1 to 768, got 4294967295 [workload.path]\n"
                 "  note: Conv2DFuse of segformer_b2_ade has 768 output channels");
}

TEST_CASE("illegal images say what is allowed and why") {
  SegformerSpec spec = ade(Size::kB2);
  spec.height = 500;
  CHECK_THROWS_WITH_AS(
      (void)segformer(spec),
      "error: 'image_height' must be a multiple of 32 from 32 to 65536, got 500 [workload.image]\n"
      "  note: the stages of segformer_b2_ade divide the image by 4, 8, 16 and 32",
      UserError);
  spec.height = 4294967264;
  CHECK_THROWS_AS((void)segformer(spec), UserError);
  spec.height = 512;
  spec.classes = 0;
  CHECK_THROWS_WITH_AS((void)segformer(spec),
                       "error: 'classes' must be 1 to 65536, got 0 [workload.image]\n"
                       "  note: Conv2DPred has an output channel a class",
                       UserError);
}

TEST_CASE("the largest image is counted or refused, never wrapped round") {
  SegformerSpec spec = ade(Size::kB5);
  spec.height = spec.width = 65536;
  // 2^28 queries x 2^22 keys x 64 channels.
  CHECK(layer_named(segformer(spec), "enc0.0.qk").macs() == 64ULL << 50);
}

}  // namespace tilewright::workloads

// SPDX-License-Identifier: Apache-2.0
//
// Every network but SegFormer against totals derived from its published definition, as literals, to the last
// printed digit: GMAC, millions of weights, and the shares of convolutions, linear layers and attention's
// products. The weighted sum of deformable attention counts as a product of attention.
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "tests/workloads/printed.h"
#include "workloads/detr.h"
#include "workloads/encoder.h"
#include "workloads/network.h"
#include "workloads/ofa_resnet.h"
#include "workloads/paths.h"
#include "workloads/resnet.h"
#include "workloads/swin.h"

namespace tilewright::workloads {
namespace {

uint64_t macs_of(const Network& network, std::initializer_list<LayerKind> kinds) {
  uint64_t macs = 0;
  for (const Layer& layer : network.layers) {
    macs += std::find(kinds.begin(), kinds.end(), layer.kind) != kinds.end() ? layer.macs() : 0;
  }
  return macs;
}

struct Totals {
  const char* gmac;
  const char* weights_m;
  const char* conv;
  const char* linear;
  const char* attention;
};

void check_totals(const Network& network, const Totals& expected) {
  INFO(network.name << " " << network.input.height << " x " << network.input.width);
  CHECK(printed(network.macs(), 1e9, 2) == expected.gmac);
  CHECK(printed(network.weights(), 1e6, 1) == expected.weights_m);
  const auto share = [&](std::initializer_list<LayerKind> kinds) {
    return printed_percent(macs_of(network, kinds), network.macs(), 1);
  };
  CHECK(share({LayerKind::kConv2d}) == expected.conv);
  CHECK(share({LayerKind::kLinear}) == expected.linear);
  CHECK(share({LayerKind::kMatmul, LayerKind::kGather}) == expected.attention);
}

Network resnet(bool v1) {
  ResnetSpec spec;
  spec.stride_in_first = v1;
  return resnet50(spec);
}

Network detr_at(DetrVariant variant, uint32_t height, uint32_t width) {
  DetrSpec spec = detr_spec(variant);
  spec.height = height;
  spec.width = width;
  return detr(spec);
}

// One expand ratio and width multiplier for all.
std::string ofa(std::array<uint32_t, 5> depth, double expand, double width, uint32_t resolution,
                int digits = 2) {
  OfaResnetSpec spec = ofa_resnet_spec();
  spec.depth = depth;
  spec.expand_ratio.fill(expand);
  spec.width_multiplier.fill(width);
  spec.resolution = resolution;
  const Network network = ofa_resnet50(spec);
  return printed(network.macs(), 1e9, digits) + "/" + printed(network.weights(), 1e6, 1);
}

const Layer& layer(const Network& network, const std::string& wanted) {
  for (const Layer& each : network.layers) {
    if (each.name == wanted) {
      return each;
    }
  }
  FAIL("no layer " << wanted);
  return network.layers.front();
}

}  // namespace

TEST_CASE("totals of Swin + UPerNet") {
  check_totals(swin_upernet(swin_spec(SwinSize::kTiny)), {"236.86", "58.9", "89.3", "10.4", "0.4"});
  check_totals(swin_upernet(swin_spec(SwinSize::kSmall)), {"260.58", "80.2", "81.1", "18.3", "0.5"});
  check_totals(swin_upernet(swin_spec(SwinSize::kBase)), {"298.98", "119.8", "71.0", "28.4", "0.6"});
  const char* const published[] = {"944.4", "1037.4", "1187.4"};  // at 512 x 2048, as its authors count
  for (const SwinSize size : {SwinSize::kTiny, SwinSize::kSmall, SwinSize::kBase}) {
    SwinSpec spec = swin_spec(size);
    spec.width = 2048;
    CHECK(printed(swin_upernet(spec).macs(), 1e9, 1) == published[static_cast<int>(size)]);
  }
}

TEST_CASE("totals of ResNet-50") {
  check_totals(resnet(true), {"3.86", "25.5", "99.9", "0.1", "0.0"});
  check_totals(resnet(false), {"4.09", "25.5", "99.9", "0.1", "0.0"});
  CHECK(printed(resnet(false).macs(), 1e6, 1) == "4089.2");
  CHECK(printed(resnet(true).macs(), 1e6, 0) == "3858");
  CHECK(printed(resnet(false).weights(), 1e6, 2) == "25.50");
  uint64_t footprint = 0;
  uint32_t compute_layers = 0;
  for (const Layer& each : resnet(false).layers) {
    footprint += each.on_pe_array ? footprint_elements(each.mac) : 0;
    compute_layers += each.on_pe_array ? 1 : 0;
  }
  CHECK(compute_layers == 54);
  CHECK(printed(footprint, 1e6, 0) == "47");
}

TEST_CASE("layers of ResNet-50") {
  const Network v1_5 = resnet(false);
  const auto mmac = [](const Network& network, const char* wanted) {
    return printed(layer(network, wanted).macs(), 1e6, 1);
  };
  CHECK(mmac(v1_5, "conv1") == "118.0");
  CHECK(mmac(v1_5, "res2a_branch2a") == "12.8");
  CHECK(mmac(v1_5, "res2a_branch2b") == "115.6");
  CHECK(mmac(v1_5, "res2a_branch1") == "51.4");
  CHECK(mmac(v1_5, "res2b_branch2a") == "51.4");
  for (const char* stage : {"res3a", "res4a", "res5a"}) {
    CHECK(mmac(v1_5, (std::string(stage) + "_branch2a").c_str()) == "102.8");
    CHECK(mmac(v1_5, (std::string(stage) + "_branch2b").c_str()) == "115.6");
    CHECK(mmac(v1_5, (std::string(stage) + "_branch2c").c_str()) == "51.4");
    CHECK(mmac(v1_5, (std::string(stage) + "_branch1").c_str()) == "102.8");
    CHECK(mmac(resnet(true), (std::string(stage) + "_branch2a").c_str()) == "25.7");
  }
  CHECK(mmac(v1_5, "res5c_branch2b") == "115.6");
  CHECK(printed(layer(v1_5, "fc").macs(), 1e6, 2) == "2.05");
}

TEST_CASE("totals of DETR and Deformable DETR") {
  check_totals(detr_at(DetrVariant::kR50, 800, 1066), {"81.17", "41.4", "86.8", "10.1", "3.1"});
  check_totals(detr_at(DetrVariant::kR50, 800, 1333), {"101.59", "41.4", "86.5", "9.8", "3.7"});
  check_totals(detr_at(DetrVariant::kR50, 640, 640), {"38.56", "41.4", "87.1", "11.3", "1.7"});
  check_totals(detr_at(DetrVariant::kDc5, 800, 1066), {"173.17", "41.4", "62.2", "17.2", "20.5"});
  check_totals(detr_at(DetrVariant::kDeformable, 800, 1066), {"164.17", "39.9", "45.1", "54.4", "0.4"});
  check_totals(detr_at(DetrVariant::kDeformable, 640, 640), {"79.33", "39.9", "44.5", "54.9", "0.6"});
  CHECK(printed(detr_at(DetrVariant::kDeformable, 800, 1333).macs(), 1e9, 1) == "204.3");
}

TEST_CASE("deformable sampling is a gather") {
  const Network network = detr(detr_spec(DetrVariant::kDeformable));
  const Layer& sampling = layer(network, "enc.0.self_sampling");
  constexpr uint64_t kTokens = 13400 + 3350 + 850 + 221;  // 100 x 134, 50 x 67, 25 x 34, 13 x 17
  CHECK(sampling.kind == LayerKind::kGather);
  CHECK(sampling.vector.source_elements == kTokens * 256);
  CHECK(sampling.vector.source_parts == 8);
  CHECK(sampling.vector.second_elements == kTokens * (256 + 128));  // offsets and weights
  CHECK(sampling.vector.input_elements == kTokens * 8 * 16 * 4 * 32 + kTokens * 384);
  CHECK(sampling.macs() == kTokens * 8 * 16 * 32);
}

TEST_CASE("the Once-For-All space") {
  CHECK(ofa({2, 2, 2, 2, 2}, 0.35, 1, 224) == "7.49/48.0");
  CHECK(ofa({2, 1, 2, 2, 1}, 0.25, 1, 224) == "4.33/25.5");  // ResNet-50D
  CHECK(ofa({0, 0, 0, 0, 0}, 0.2, 0.65, 224) == "0.96/6.5");
  CHECK(ofa({0, 0, 0, 0, 0}, 0.2, 0.65, 128, 3) == "0.315/6.5");
  CHECK(ofa({2, 0, 0, 0, 0}, 0.2, 1, 224).starts_with("2.37/"));
  CHECK(ofa({2, 1, 1, 1, 1}, 0.25, 0.8, 224).starts_with("2.55/"));
  CHECK(ofa({2, 1, 1, 1, 1}, 0.25, 0.65, 192).starts_with("1.25/"));
  CHECK(ofa({2, 2, 2, 2, 2}, 0.35, 0.65, 224).starts_with("3.21/"));
  OfaResnetSpec spec = ofa_resnet_spec();
  spec.width_multiplier = {0.65, 0.8, 0.65, 0.65, 0.8, 0.65};
  const Network network = ofa_resnet50(spec);
  CHECK(layer(network, "stem.conv0").output.channels == 24);
  CHECK(layer(network, "stem.conv1").output.channels == 48);
  CHECK(layer(network, "stage1.0.conv3").output.channels == 168);
  CHECK(layer(network, "stage2.0.conv3").output.channels == 336);
  CHECK(layer(network, "stage3.0.conv3").output.channels == 816);
  CHECK(layer(network, "stage4.0.conv3").output.channels == 1328);
  spec.expand_ratio[3] = 0.3;
  CHECK_THROWS_AS((void)ofa_resnet50(spec), UserError);
}

TEST_CASE("encoders as the 5 nm core was measured on them") {
  const auto bert_at = [](BertSize size, uint32_t tokens) {
    EncoderSpec spec = bert_spec(size);
    spec.sequence_length = tokens;
    return bert(spec, spec.layers);
  };
  CHECK(printed(bert_at(BertSize::kBase, 128).macs(), 1e9, 3) == "11.174");
  CHECK(printed(bert_at(BertSize::kBase, 384).macs(), 1e9, 3) == "35.333");
  // 24 layers of 12 x 1024^2 weights.
  CHECK(bert_at(BertSize::kLarge, 128).weights() == uint64_t{24} * 12 * 1024 * 1024);
  const EncoderSpec spec = deit_spec(DeitSize::kSmall);
  const Network small = deit(spec, spec.layers);
  // The core's figure leaves out the patch embedding and the classifier.
  const uint64_t ends = layer(small, "PatchEmbed_Conv2D").macs() + layer(small, "head").macs();
  CHECK(printed(small.macs() - ends, 1e9, 3) == "4.541");
  CHECK(layer(small, "enc.0.qkv").mac.input_width == 197);
  const auto weights = [](DeitSize size) {
    const EncoderSpec each = deit_spec(size);
    return printed(deit(each, each.layers).weights(), 1e6, 1);
  };
  // 12 layers of 12 C^2, a patch embedding of 768 C and 1000 C classes.
  CHECK(weights(DeitSize::kTiny) == "5.6");
  CHECK(weights(DeitSize::kSmall) == "21.9");
  CHECK(weights(DeitSize::kBase) == "86.3");
}

}  // namespace tilewright::workloads

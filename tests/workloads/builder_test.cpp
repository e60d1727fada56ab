// SPDX-License-Identifier: Apache-2.0
//
// The shapes each builder function derives, and the laws check_network holds networks to. Expectations by
// hand.
#include "workloads/builder.h"

#include <doctest/doctest.h>

#include <algorithm>

#include <functional>
#include <string>

#include "sim/base/error.h"
#include "workloads/network.h"

namespace tilewright::workloads {
namespace {

using Tensor = NetworkBuilder::Tensor;

Network small_network() {
  NetworkBuilder net("small", {1, 8, 8, 4});
  const Tensor x = net.conv2d("conv", net.input(), {.output_channels = 6, .kernel = 3, .padding = 1});
  net.relu("relu", x);
  return net.finish();
}

void check_broken(const std::function<void(Network&)>& damage, const std::string& text) {
  Network network = small_network();
  damage(network);
  CHECK_THROWS_WITH_AS(check_network(network), ("network \"small\", layer " + text).c_str(), InternalError);
}

}  // namespace

TEST_CASE("a strided, grouped convolution") {
  NetworkBuilder net("net", {1, 17, 9, 12});
  const Tensor x =
      net.conv2d("conv", net.input(),
                 {.output_channels = 8, .kernel = 3, .stride = 2, .padding = 1, .relu = true, .groups = 4});
  CHECK(net.shape(x) == Shape{1, 9, 5, 8});
  const Network network = net.finish();
  // 4 groups of 3 -> 2 channels: 4 * 2 * 3 * 9 weights, each used at 9 * 5 places.
  CHECK(network.weights() == 216);
  CHECK(network.macs() == 216 * 45);
  CHECK_FALSE(network.layers[0].mac.depthwise());
  CHECK(network.layers[0].relu);
  // Input 17 x 9 x 12, output 9 x 5 x 8, weights.
  CHECK(footprint_elements(network.layers[0].mac) == 1836 + 360 + 216);
}

TEST_CASE("a depthwise convolution") {
  NetworkBuilder net("net", {1, 16, 16, 32});
  net.depthwise("dw", net.input(), {.kernel = 3, .stride = 1, .padding = 1});
  const Network network = net.finish();
  CHECK(network.layers[0].mac.depthwise());
  CHECK(network.layers[0].kind == LayerKind::kConv2d);
  CHECK(network.weights() == 32 * 9);
  CHECK(network.macs() == 32 * 9 * 256);
}

TEST_CASE("attention: heads become groups and come back as channels") {
  NetworkBuilder net("net", {1, 4, 6, 32});  // 24 tokens, 2 heads of 16
  const Tensor q = net.linear("q", net.input(), 32);
  const Tensor kv = net.linear("kv", net.input(), 64);
  const Tensor scores = net.matmul("qk", q, kv, {.groups = 2, .reduction = 16, .columns = 24});
  const Tensor weights = net.softmax("softmax", scores);
  const Tensor mixed = net.matmul("av", weights, kv, {.groups = 2, .reduction = 24, .columns = 16});
  const Tensor out = net.linear("proj", mixed, 32);
  CHECK(net.shape(scores) == Shape{2, 4, 6, 24});
  CHECK(net.shape(mixed) == Shape{2, 4, 6, 16});
  CHECK(net.shape(out) == Shape{1, 4, 6, 32});
  const Network network = net.finish();
  CHECK(network.layers[2].macs() == 2 * 24 * 24 * 16);
  CHECK(network.layers[4].macs() == 2 * 24 * 24 * 16);
  CHECK(network.layers[2].weights() == 0);                // its second operand is an activation
  CHECK(network.layers[2].mac.weights() == 2 * 24 * 16);  // of so many elements
  CHECK_FALSE(network.layers[2].mac.groups_share_pixels);
  CHECK(network.weights() == 32 * 32 + 32 * 64 + 32 * 32);
  CHECK(network.layers[3].vector == VectorShape{2 * 24 * 24, 2 * 24 * 24, 1, 3, 24});
  CHECK(network.layers[4].inputs == std::vector<std::size_t>{3, 1});
}

TEST_CASE("operators of the vector unit") {
  NetworkBuilder net("net", {1, 6, 8, 10});
  const Tensor norm = net.layernorm("norm", net.input());
  const Tensor gelu = net.gelu("gelu", norm);
  net.add("add", gelu, net.input());
  CHECK(net.shape(net.pool("pool", gelu, {.kernel = 3, .stride = 2, .padding = 1})) == Shape{1, 3, 4, 10});
  CHECK(net.shape(net.resize("resize", gelu, 12, 16)) == Shape{1, 12, 16, 10});
  const Network network = net.finish();
  CHECK(network.macs() == 0);
  CHECK(network.layers[0].vector == VectorShape{480, 480, 1, 3, 10});
  CHECK(network.layers[1].vector == VectorShape{480, 480, 1, 1, 10});
  CHECK(network.layers[2].vector == VectorShape{960, 480, 2, 1, 10});
  CHECK(network.layers[3].vector == VectorShape{480, 120, 1, 9, 1});
  CHECK(network.layers[4].vector == VectorShape{480, 1920, 1, 3, 10});
  CHECK(network.layers[2].inputs == std::vector<std::size_t>{1, kNetworkInput});
}

TEST_CASE("a concatenation copies only the inputs that somebody else reads") {
  NetworkBuilder net("net", {1, 4, 4, 3});
  const Tensor a = net.gelu("a", net.input());
  const Tensor b = net.relu("b", net.input());
  CHECK(net.shape(net.concat("both", {a, b})) == Shape{1, 4, 4, 6});
  net.relu("reads b", b);
  const Network network = net.finish();
  CHECK(network.layers[2].vector == VectorShape{48, 48, 1, 1, 1});

  NetworkBuilder alone("alone", {1, 4, 4, 3});
  alone.concat("free", {alone.gelu("a", alone.input()), alone.gelu("b", alone.input())});
  CHECK(alone.finish().layers[2].vector == VectorShape{0, 0, 0, 0, 1});

  NetworkBuilder image("image", {1, 4, 4, 3});
  image.concat("copied", {image.input(), image.input()});
  CHECK(image.finish().layers[0].vector == VectorShape{96, 96, 2, 1, 1});
}

TEST_CASE("totals by group") {
  NetworkBuilder net("net", {1, 1, 10, 8});
  Tensor x = net.linear({"block.0.fc", "block.fc"}, net.input(), 8);
  x = net.gelu("gelu", x);
  net.linear({"block.1.fc", "block.fc"}, x, 8);
  const auto totals = totals_by_group(net.finish());
  REQUIRE(totals.size() == 2);
  CHECK(totals[0].group == "block.fc");
  CHECK(totals[0].layers == 2);
  CHECK(totals[0].macs == 2 * 640);
  CHECK(totals[0].weights == 2 * 64);
  CHECK(totals[1].group == "gelu");
  CHECK(totals[1].macs == 0);
}

TEST_CASE("readers of a layer, each once") {
  NetworkBuilder net("net", {1, 2, 2, 4});
  const Tensor a = net.gelu("a", net.input());
  net.add("twice", a, a);
  net.relu("again", a);
  CHECK(readers(net.finish()) == std::vector<std::vector<std::size_t>>{{1, 2}, {}, {}});
}

TEST_CASE("a generator that breaks a law is found") {
  check_broken([](Network& net) { net.layers[1].name = "conv"; }, "\"conv\": the name is used twice");
  check_broken([](Network& net) { net.layers[0].inputs = {1}; },
               "\"conv\": reads a layer that does not stand before it");
  check_broken([](Network& net) { net.layers[0].inputs = {}; }, "\"conv\": reads nothing");
  check_broken([](Network& net) { net.layers[0].mac.output_width = 7; },
               "\"conv\": its output size does not follow from input, kernel, stride and padding");
  check_broken([](Network& net) { net.layers[0].output.channels = 5; },
               "\"conv\": its output shape does not hold what it computes");
  check_broken([](Network& net) { net.layers[0].mac.input_channels = 5; },
               "\"conv\": reads more than its input holds");
  check_broken([](Network& net) { net.layers[0].mac.weights_are_activations = true; },
               "\"conv\": its operand flags do not fit its kind");
  check_broken([](Network& net) { net.layers[0].on_pe_array = false; },
               "\"conv\": runs on the wrong unit for its kind");
  check_broken([](Network& net) { net.layers[0].mac.kernel_height = 11; },
               "\"conv\": its kernel is larger than its input");
  check_broken([](Network& net) { net.layers[1].vector.input_elements = 1; },
               "\"relu\": does not read its inputs once each");
  check_broken([](Network& net) { net.layers[1].vector.passes = 0; }, "\"relu\": does no work");
  check_broken([](Network& net) { net.layers[1].vector.row_elements = 7; },
               "\"relu\": its output is not made of whole rows");
}

TEST_CASE("a network without layers, and shapes that cannot be joined") {
  NetworkBuilder empty("empty", {1, 8, 8, 4});
  CHECK_THROWS_WITH_AS((void)empty.finish(), "network \"empty\": holds no layers", InternalError);
  NetworkBuilder net("net", {1, 8, 8, 4});
  const Tensor half = net.resize("half", net.input(), 4, 4);
  CHECK_THROWS_AS((void)net.add("add", half, net.input()), InternalError);
  CHECK_THROWS_AS((void)net.concat("concat", {half, net.input()}), InternalError);
  CHECK_THROWS_AS((void)net.conv2d("conv", half, {.input_channels = 5}), InternalError);
  CHECK_THROWS_AS((void)net.conv2d("conv", half, {.output_channels = 3, .groups = 2}), InternalError);
  CHECK_THROWS_AS((void)net.pool("pool", half, {.kernel = 5}), InternalError);
  CHECK_THROWS_AS((void)net.matmul("mm", half, half, {.groups = 3, .reduction = 2}), InternalError);
}

TEST_CASE("kinds that read their inputs again, or only a part of them") {
  NetworkBuilder net("net", {1, 6, 6, 8});
  const Tensor normed = net.groupnorm("normed", net.input());
  const Tensor windows = net.rearrange("windows", normed, {1, 4, 16, 8});  // 8 x 8 after padding, in 4 x 4
  const Tensor cropped = net.rearrange("cropped", windows, {1, 6, 6, 8});
  const Tensor scores = net.matmul("scores", windows, windows, {2, 4, 16, 4});
  const Tensor weights = net.softmax("weights", scores, uint64_t{2} * 16 * 16);
  const Tensor places = net.linear("places", cropped, 24);
  const Tensor sampled = net.gather("sampled", cropped, {places},
                                    {.output = {2, 6, 6, 4}, .rows_per_output = 5, .parts = 2, .passes = 7});
  const Tensor table = net.table("table", {2, 6, 6, 4});
  net.add("sum", sampled, table);
  net.adaptive_pool("pool", cropped, 4, 1);
  net.multiply("scaled", cropped, net.adaptive_pool("gate", cropped, 1, 1));
  net.add_table("positions", cropped);
  CHECK(net.shape(scores) == Shape{2, 4, 16, 16});
  const Network network = net.finish();
  const auto vector = [&](const char* wanted) {
    return std::find_if(network.layers.begin(), network.layers.end(),
                        [&](const Layer& layer) { return layer.name == wanted; })
        ->vector;
  };
  CHECK(vector("normed").input_elements == 2 * 288);
  CHECK(vector("windows").input_elements == 288);
  CHECK(vector("windows").output_elements == 512);
  CHECK(vector("cropped").input_elements == 288);
  CHECK(network.layers[scores.layer].mac.groups == 8);  // 2 heads in each of 4 windows
  CHECK(network.layers[scores.layer].macs() == 8 * 16 * 16 * 4);
  CHECK(network.layers[weights.layer].vector.passes == 4);
  CHECK(network.layers[weights.layer].vector.input_elements == 4 * 2 * 16 * 16 + 512);
  CHECK(network.layers[weights.layer].vector.table_elements == 512);
  CHECK(vector("sampled").input_elements == 5 * 288 + 36 * 24);
  CHECK(vector("sampled").second_elements == 36 * 24);
  CHECK(vector("sampled").source_elements == 288);
  CHECK(vector("sampled").macs == 0);
  CHECK(vector("table").input_elements == 288);
  CHECK(vector("pool").passes == 2 * 6);  // rows 0-1, 1-2, 3-4, 4-5
  CHECK(vector("scaled").second_elements == 8);
  CHECK(vector("positions").input_elements == 2 * 288);
}

TEST_CASE("counts that leave 64 bits are refused, not wrapped round") {
  MacShape mac;
  mac.input_channels = mac.output_channels = 1U << 31;
  mac.kernel_height = mac.kernel_width = 2;
  CHECK_THROWS_AS((void)mac.weights(), UserError);
  mac.kernel_height = mac.kernel_width = 1;
  CHECK(mac.weights() == 1ULL << 62);
  mac.output_height = 4;
  CHECK_THROWS_AS((void)mac.macs(), UserError);
  mac.output_height = 2;
  Network network;
  network.layers.resize(2);
  network.layers[0].mac = network.layers[1].mac = mac;
  CHECK(network.layers[0].macs() == 1ULL << 63);
  CHECK_THROWS_AS((void)network.macs(), UserError);
}

TEST_CASE("every layer kind has its own name") {
  std::string names;
  for (std::size_t kind = 0; kind < kLayerKinds; ++kind) {
    names += std::string(name(LayerKind(kind))) + " ";
  }
  CHECK(names == "conv2d linear matmul softmax layernorm gelu relu add concat resize pool groupnorm "
                 "activation multiply rearrange gather ");
}

}  // namespace tilewright::workloads

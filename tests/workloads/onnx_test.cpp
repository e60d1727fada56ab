// SPDX-License-Identifier: Apache-2.0
//
// ONNX models, written here byte by byte, become the networks that they are; what has no equivalent is said
// with its node; what is no model, or not all of one, is refused.
#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>

#include "sim/base/error.h"
#include "tests/base/config_fixture.h"
#include "tests/workloads/onnx_writer.h"
#include "workloads/network.h"
#include "workloads/onnx/import.h"
#include "workloads/resnet.h"

namespace tilewright::workloads {
namespace {

using test::Dims;
using test::OnnxWriter;

const ::tilewright::test::Folder& folder() {
  static const ::tilewright::test::Folder one;
  return one;
}

Network import_bytes(const std::string& bytes) {
  const auto file = folder().write("model.onnx", bytes);
  return import_onnx(file);
}

// What is said, without the file's name.
std::string problem_of(const std::string& bytes) {
  try {
    (void)import_bytes(bytes);
  } catch (const UserError& error) {
    CHECK(error.exit_code() == ExitCode::kUsage);
    CHECK(error.diagnostics().front().location.file.ends_with("model.onnx"));
    return error.diagnostics().front().message;
  }
  return "accepted";
}

std::string bottleneck(OnnxWriter& onnx, const std::string& name, const std::string& input, int64_t in,
                       int64_t width, int64_t stride, bool widens) {
  const auto relu = [&](const std::string& of) { return onnx.node("Relu", of + "_relu", {of}); };
  std::string y = relu(onnx.conv(name + "_branch2a", input, in, width, 1, 1, 0));
  y = relu(onnx.conv(name + "_branch2b", y, width, width, 3, stride, 1));
  y = onnx.conv(name + "_branch2c", y, width, 4 * width, 1, 1, 0);
  const std::string x = widens ? onnx.conv(name + "_branch1", input, in, 4 * width, 1, stride, 0) : input;
  return relu(onnx.node("Add", name + "_add", {x, y}));
}

// With batch normalisation behind the first convolution, as exporters leave it where they do not fold.
std::string resnet50_onnx() {
  OnnxWriter onnx({1, 3, 224, 224}, "batch");
  std::string x = onnx.conv("conv1", "input", 3, 64, 7, 2, 3);
  for (const char* parameter : {"scale", "shift", "mean", "variance"}) {
    onnx.initializer(parameter, {64});
  }
  x = onnx.node("BatchNormalization", "bn1", {x, "scale", "shift", "mean", "variance"});
  x = onnx.node("Relu", "relu1", {x});
  x = onnx.node("MaxPool", "pool1", {x},
                {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  int64_t channels = 64;
  constexpr int64_t kBlocks[] = {3, 4, 6, 3};
  for (int64_t stage = 0; stage < 4; ++stage) {
    for (int64_t block = 0; block < kBlocks[stage]; ++block) {
      const std::string name = "res" + std::to_string(stage + 2) + static_cast<char>('a' + block);
      const int64_t width = int64_t{64} << stage;
      x = bottleneck(onnx, name, x, channels, width, block == 0 && stage > 0 ? 2 : 1, block == 0);
      channels = 4 * width;
    }
  }
  x = onnx.node("GlobalAveragePool", "pool5", {x});
  x = onnx.node("Flatten", "flatten", {x});
  onnx.initializer("fc_w", {1000, 2048});
  onnx.initializer("fc_b", {1000});
  return onnx.finish(onnx.node("Gemm", "fc", {x, "fc_w", "fc_b"}, {OnnxWriter::one("transB", 1)}), 2, 13,
                     "resnet50_v1_5");
}

const Layer& layer(const Network& network, const std::string& name) {
  for (const Layer& each : network.layers) {
    if (each.name == name) {
      return each;
    }
  }
  FAIL("no layer " << name);
  return network.layers.front();
}

}  // namespace

TEST_CASE("ResNet-50 from ONNX is the built-in one, layer by layer") {
  const Network ours = resnet50({});
  const Network read = import_bytes(resnet50_onnx());
  REQUIRE(read.layers.size() == ours.layers.size());
  for (std::size_t i = 0; i < ours.layers.size(); ++i) {
    INFO(ours.layers[i].name);
    CHECK(read.layers[i].name == ours.layers[i].name);
    CHECK(read.layers[i].kind == ours.layers[i].kind);
    CHECK(read.layers[i].mac == ours.layers[i].mac);
    CHECK(read.layers[i].vector == ours.layers[i].vector);
    CHECK(read.layers[i].output == ours.layers[i].output);
    CHECK(read.layers[i].relu == ours.layers[i].relu);
    CHECK(read.layers[i].inputs == ours.layers[i].inputs);
  }
  CHECK(read.name == "resnet50_v1_5");
  CHECK(read.macs() == ours.macs());
  CHECK(read.weights() == ours.weights());
}

TEST_CASE("an encoder block as exporters write it") {
  OnnxWriter onnx({1, 16, 32});
  // Layer normalisation and GELU in pieces.
  onnx.initializer("two", {1});
  onnx.initializer("channels", {32});
  const std::string mean = onnx.node("ReduceMean", "mean", {"input"}, {{"axes", {-1}}});
  const std::string centred = onnx.node("Sub", "centred", {"input", mean});
  std::string x = onnx.node("Pow", "squared", {centred, "two"});
  x = onnx.node("ReduceMean", "variance", {x}, {{"axes", {-1}}});
  x = onnx.node("Sqrt", "root", {onnx.node("Add", "epsilon", {x, "two"})});
  x = onnx.node("Div", "norm", {centred, x});
  x = onnx.node("Add", "shifted", {onnx.node("Mul", "scaled", {x, "channels"}), "channels"});
  onnx.initializer("qkv_w", {32, 96});
  const std::string qkv = onnx.node("MatMul", "qkv", {x, "qkv_w"});
  onnx.integers("heads", {1, 16, 4, 8});
  onnx.integers("joined", {1, 16, 32});
  const auto third = [&](const std::string& name, int64_t begin, const Dims& order) {
    onnx.integers(name + "_begin", {begin});
    onnx.integers(name + "_end", {begin + 32});
    onnx.integers(name + "_axis", {2});
    const std::string part = onnx.node("Slice", name, {qkv, name + "_begin", name + "_end", name + "_axis"});
    return onnx.node("Transpose", name + "_t", {onnx.node("Reshape", name + "_r", {part, "heads"})},
                     {{"perm", order}});
  };
  const std::string q = third("q", 0, {0, 2, 1, 3});
  const std::string k = third("k", 32, {0, 2, 3, 1});
  const std::string v = third("v", 64, {0, 2, 1, 3});
  x = onnx.node("Div", "scale", {onnx.node("MatMul", "qk", {q, k}), "two"});
  x = onnx.node("Softmax", "softmax", {x}, {OnnxWriter::one("axis", -1)});
  x = onnx.node("Transpose", "av_t", {onnx.node("MatMul", "av", {x, v})}, {{"perm", {0, 2, 1, 3}}});
  x = onnx.node("Reshape", "av_r", {x, "joined"});
  onnx.initializer("proj_w", {32, 32});
  x = onnx.node("Add", "residual", {onnx.node("MatMul", "proj", {x, "proj_w"}), "input"});
  const std::string erf = onnx.node("Erf", "erf", {onnx.node("Div", "by_root", {x, "two"})});
  x = onnx.node("Mul", "gate", {x, onnx.node("Add", "plus", {erf, "two"})});
  const Network network = import_bytes(onnx.finish(onnx.node("Mul", "half", {x, "two"}), 3));
  std::string kinds;
  for (const Layer& each : network.layers) {
    kinds += each.name + ":" + std::string(name(each.kind)) + " ";
  }
  CHECK(kinds ==
        "norm:layernorm qkv:linear qk:matmul softmax:softmax av:matmul proj:linear residual:add erf:gelu ");
  CHECK(layer(network, "qk").macs() == 4 * 16 * 16 * 8);
  CHECK(layer(network, "av").macs() == 4 * 16 * 16 * 8);
  CHECK(layer(network, "proj").mac.input_channels == 32);
  CHECK(layer(network, "softmax").vector.row_elements == 16);
  CHECK(network.macs() == 16 * 32 * 96 + 2 * 4 * 16 * 16 * 8 + 16 * 32 * 32);
}

TEST_CASE("gates, depthwise and dilated convolutions, joins and resizes") {
  OnnxWriter onnx({1, 8, 16, 16});
  std::string x = onnx.conv("depthwise", "input", 8, 8, 3, 1, 1, 8);
  x = onnx.node("Mul", "swish", {x, onnx.node("Sigmoid", "sigmoid", {x})});
  std::string gate = onnx.node("ReduceMean", "squeeze", {x}, {{"axes", {2, 3}}});
  gate = onnx.node("Sigmoid", "excite", {onnx.conv("narrow", gate, 8, 8, 1, 1, 0)});
  x = onnx.node("Mul", "gated", {x, gate});
  onnx.initializer("holes_w", {8, 8, 3, 3});
  const std::string y =
      onnx.node("Conv", "holes", {x, "holes_w"}, {{"dilations", {2, 2}}, {"pads", {2, 2, 2, 2}}});
  onnx.initializer("scales", {4});
  x = onnx.node("Concat", "join", {x, y}, {OnnxWriter::one("axis", 1)});
  const Network network = import_bytes(onnx.finish(onnx.conv("last", x, 16, 4, 1, 2, 0)));
  CHECK(layer(network, "depthwise").mac.depthwise());
  CHECK(layer(network, "sigmoid").kind == LayerKind::kActivation);  // and no layer for its product
  CHECK(layer(network, "gated").vector.second_elements == 8);
  CHECK(layer(network, "holes").mac.padding == 1);
  CHECK(layer(network, "join").kind == LayerKind::kConcat);
  CHECK(layer(network, "last").output == Shape{1, 8, 8, 4});
  CHECK(network.layers.size() == 9);
}

TEST_CASE("what has no equivalent is said with its node") {
  const auto broken = [](const std::function<std::string(OnnxWriter&)>& last, int64_t opset = 13) {
    OnnxWriter onnx({1, 8, 16, 16});
    return problem_of(onnx.finish(last(onnx), 4, opset));
  };
  CHECK(broken([](OnnxWriter& onnx) {
          onnx.initializer("w", {8, 4, 2, 2});
          return onnx.node("ConvTranspose", "up", {"input", "w"}, {{"strides", {2, 2}}});
        }) == "node 'up' (ConvTranspose) has no equivalent");
  CHECK(broken([](OnnxWriter& onnx) {
          return onnx.node("Mystery", "own", {"input"}, {}, "my.domain");
        }).find("my.domain") != std::string::npos);
  CHECK(broken([](OnnxWriter& onnx) {
          onnx.initializer("w", {4, 8, 1, 3});
          return onnx.node("Conv", "flat", {"input", "w"});
        }) == "node 'flat' (Conv) has a kernel of 1 x 3; only square ones have an equivalent");
  CHECK(broken([](OnnxWriter& onnx) {
          onnx.initializer("w", {4, 8, 3, 3});
          return onnx.node("Conv", "odd", {"input", "w"}, {{"pads", {0, 0, 1, 1}}});
        }) ==
        "node 'odd' (Conv) has pads that differ between directions; only equal ones have an equivalent");
  CHECK(broken([](OnnxWriter& onnx) {
          return onnx.node("MaxPool", "ceil", {"input"},
                           {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, OnnxWriter::one("ceil_mode", 1)});
        }).starts_with("node 'ceil' (MaxPool) would write 392 elements, but ONNX infers 512"));
  CHECK(broken([](OnnxWriter& onnx) { return onnx.conv("c", "input", 8, 4, 1, 1, 0); }, 9) ==
        "has operator set 9; 11 to 17 are read");
  CHECK(broken([](OnnxWriter& onnx) { return onnx.conv("c", "input", 6, 4, 1, 1, 0); }) ==
        "node 'c' (Conv) has weights for 6 input channels, but reads 8");
  CHECK(broken([](OnnxWriter& onnx) {
          onnx.initializer("w", {7, 3});
          return onnx.node("MatMul", "product", {"input", "w"});
        }).starts_with("ONNX finds the model broken"));
  OnnxWriter open({1, 8, -1, 16});
  CHECK(problem_of(open.finish(open.conv("c", "input", 8, 4, 1, 1, 0))) ==
        "input 'input' has no fixed size in dimension 2 ('size')");
  OnnxWriter several({4, 8, 16, 16});
  CHECK(problem_of(several.finish(several.conv("c", "input", 8, 4, 1, 1, 0))) ==
        "node 'c' (Conv) needs a tensor of one image, [1, channels, height, width]");
}

TEST_CASE("what is no model, not all of one, or a broken one never crashes") {
  CHECK(problem_of("") == "the file is empty");
  CHECK(problem_of("kind: network\n") == "is not an ONNX model, or not all of one");
  CHECK(problem_of(std::string(1000, '\xff')) == "is not an ONNX model, or not all of one");
  CHECK_THROWS_AS((void)import_onnx("/nowhere/model.onnx"), UserError);
  OnnxWriter onnx({1, 4, 8, 8});
  std::string x = onnx.node("Relu", "relu", {onnx.conv("conv", "input", 4, 4, 3, 1, 1)});
  onnx.integers("size", {1, 256});
  x = onnx.node("Reshape", "flat", {x, "size"});
  onnx.initializer("w", {256, 3});
  const std::string model = onnx.finish(onnx.node("MatMul", "fc", {x, "w"}), 2);
  CHECK(problem_of(model) == "accepted");
  for (std::size_t size = 1; size < model.size(); size += 97) {
    CHECK(problem_of(model.substr(0, size)) != "accepted");
  }
  // The structure is in the first few hundred bytes and the last; weights are zeros between them.
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 500; ++i) {
    std::string bytes = model;
    for (int change = 0; change < 1 + i % 3; ++change) {
      std::size_t at = random() % bytes.size();
      while (bytes[at] == 0) {
        at = random() % bytes.size();
      }
      bytes[at] = static_cast<char>(random());
    }
    accepted += problem_of(bytes) == "accepted" ? 1 : 0;
  }
  CHECK(accepted > 0);
}

}  // namespace tilewright::workloads

// SPDX-License-Identifier: Apache-2.0
//
// Writes small ONNX models by hand, byte by byte (protobuf's wire format: varints and length-prefixed fields), so
// that tests need no exporter and no header of ONNX. Field numbers are those of onnx.proto. Weights are declared
// with their sizes and filled with zeros.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::workloads::test {

class Message {
 public:
  Message& number(int field, uint64_t value) {
    varint(static_cast<uint64_t>(field) << 3);
    varint(value);
    return *this;
  }
  Message& bytes(int field, const std::string& value) {
    varint(static_cast<uint64_t>(field) << 3 | 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return bytes(field, value.text()); }
  const std::string& text() const { return text_; }

 private:
  void varint(uint64_t value) {
    while (value >= 0x80) {
      text_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

using Dims = std::vector<int64_t>;

class OnnxWriter {
 public:
  explicit OnnxWriter(Dims input, std::string batch = {}) { add_value(11, "input", input, batch); }

  void initializer(const std::string& name, const Dims& dims) {
    uint64_t elements = 1;
    Message tensor;
    for (const int64_t dim : dims) {
      tensor.number(1, static_cast<uint64_t>(dim));
      elements *= static_cast<uint64_t>(dim);
    }
    tensor.number(2, kFloat).bytes(8, name).bytes(9, std::string(elements * 4, '\0'));
    graph_.message(5, tensor);
  }
  void integers(const std::string& name, const Dims& values) {
    Message tensor;
    tensor.number(1, values.size()).number(2, kInt64).bytes(8, name);
    for (const int64_t value : values) {
      tensor.number(7, static_cast<uint64_t>(value));
    }
    graph_.message(5, tensor);
  }

  struct Attribute {
    std::string name;
    Dims integers;  // one: a number, unless `list`
    bool list = true;
    std::string text = {};
  };
  static Attribute one(const std::string& name, int64_t value) { return {name, {value}, false}; }

  // The output has the node's name.
  std::string node(const std::string& operation, const std::string& name, const std::vector<std::string>& inputs,
                   const std::vector<Attribute>& attributes = {}, const std::string& domain = {}) {
    Message node;
    for (const std::string& input : inputs) {
      node.bytes(1, input);
    }
    node.bytes(2, name + "_out").bytes(3, name).bytes(4, operation);
    for (const Attribute& attribute : attributes) {
      node.message(5, attribute_of(attribute));
    }
    if (!domain.empty()) {
      node.bytes(7, domain);
    }
    graph_.message(1, node);
    return name + "_out";
  }

  std::string conv(const std::string& name, const std::string& input, int64_t in, int64_t out, int64_t kernel,
                   int64_t stride, int64_t padding, int64_t groups = 1) {
    initializer(name + "_w", {out, in / groups, kernel, kernel});
    return node("Conv", name, {input, name + "_w"},
                {{"kernel_shape", {kernel, kernel}},
                 {"strides", {stride, stride}},
                 {"pads", {padding, padding, padding, padding}},
                 one("group", groups)});
  }

  // The model; of its output only the number of dimensions is declared.
  std::string finish(const std::string& output, int rank = 4, int64_t opset = 13, const std::string& name = "model") {
    Message graph = graph_;
    graph.bytes(2, name);
    Message shape;
    for (int i = 0; i < rank; ++i) {
      shape.message(1, Message().bytes(2, "size" + std::to_string(i)));
    }
    Message tensor;
    tensor.number(1, kFloat).message(2, shape);
    graph.message(12, Message().bytes(1, output).message(2, Message().message(1, tensor)));
    return Message()
        .number(1, 8)
        .message(7, graph)
        .message(8, Message().bytes(1, "").number(2, static_cast<uint64_t>(opset)))
        .text();
  }

 private:
  static constexpr uint64_t kFloat = 1;
  static constexpr uint64_t kInt64 = 7;

  static Message attribute_of(const Attribute& attribute) {
    constexpr uint64_t kInt = 2, kString = 3, kInts = 7;
    Message message;
    message.bytes(1, attribute.name);
    if (!attribute.text.empty()) {
      return message.bytes(4, attribute.text).number(20, kString);
    }
    for (const int64_t value : attribute.integers) {
      message.number(attribute.list ? 8 : 3, static_cast<uint64_t>(value));
    }
    return message.number(20, attribute.list ? kInts : kInt);
  }

  void add_value(int field, const std::string& name, const Dims& dims, const std::string& batch) {
    Message shape;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const bool symbolic = dims[i] < 0 || (i == 0 && !batch.empty());
      shape.message(1, symbolic ? Message().bytes(2, i == 0 ? batch : "size")
                                : Message().number(1, static_cast<uint64_t>(dims[i])));
    }
    Message tensor;
    tensor.number(1, kFloat).message(2, shape);
    graph_.message(field, Message().bytes(1, name).message(2, Message().message(1, tensor)));
  }

  Message graph_;
};

}  // namespace tilewright::workloads::test

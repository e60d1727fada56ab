// SPDX-License-Identifier: Apache-2.0
#include "tests/mappers/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tilewright::mappers::testing {
namespace {

template <typename... Values>
void require(bool condition, fmt::format_string<Values...> text, Values&&... values) {
  if (!condition) {
    throw std::runtime_error(fmt::format(text, std::forward<Values>(values)...));
  }
}

bool inside(int32_t inner0, int32_t inner1, int32_t outer0, int32_t outer1) {
  return inner0 >= outer0 && inner1 <= outer1;
}

class Walker {
 public:
  Walker(const workloads::Layer& layer, const TileProgram& program) : mac_(layer.mac), program_(program) {
    // 1x1 layers with stride 1 are described as one row of pixels.
    if (mac_.kernel_height == 1 && mac_.kernel_width == 1 && mac_.stride == 1 && mac_.padding == 0) {
      mac_.input_width = mac_.output_width = mac_.input_height * mac_.input_width;
      mac_.input_height = mac_.output_height = 1;
    }
    pixels_ = uint64_t{mac_.output_height} * mac_.output_width;
    weights_ = uint64_t{mac_.groups} * mac_.output_channels * mac_.kernel_height * mac_.kernel_width *
               mac_.input_channels;
    const uint64_t inputs =
        uint64_t{mac_.groups} * mac_.input_channels * mac_.input_height * mac_.input_width;
    weight_base_ = (inputs + 1048575) / 1048576 * 1048576;
    output_base_ = weight_base_ + (weights_ + 1048575) / 1048576 * 1048576;
    multiplied_.resize(pixels_ * weights_);
    drained_.resize(pixels_ * mac_.groups * mac_.output_channels);
  }

  void run() {
    for (uint32_t e = 0; e < program_.endpoints; ++e) {
      collect_chunks(e);
      for (const Step& step : program_.steps[e]) {
        walk_step(step);
      }
    }
    require(std::all_of(multiplied_.begin(), multiplied_.end(), [](uint8_t n) { return n == 1; }),
            "a product is not computed exactly once");
    require(std::all_of(drained_.begin(), drained_.end(), [](uint8_t n) { return n == 1; }),
            "an output is not drained exactly once");
    walk_tiles();
  }

 private:
  void collect_chunks(uint32_t e) {
    received_[0].clear();
    received_[1].clear();
    for (const auto& sender : program_.senders) {
      for (const Send& send : sender) {
        if ((send.destinations >> e & 1) != 0) {
          received_[static_cast<std::size_t>(send.buffet)].push_back(&send);
        }
      }
    }
  }

  void walk_step(const Step& step) {
    const WorkCoordinates& work = program_.works.at(step.coordinates);
    uint64_t macs = 0;
    for (int32_t g = work.group; g < work.group1; ++g) {
      for (int32_t k = work.channel0; k < work.channel1; ++k) {
        macs += multiply(work, g, k);
      }
    }
    require(macs == step.macs, "a step claims {} MACs and does {}", step.macs, macs);
    check_operands(step, work);
    if (step.drains) {
      drain(step, work);
    }
  }

  uint64_t multiply(const WorkCoordinates& work, int32_t g, int32_t k) {
    uint64_t macs = 0;
    for (int32_t p = work.row0; p < work.row1; ++p) {
      for (int32_t q = work.column0; q < work.column1; ++q) {
        for (int32_t r = work.kernel_row0; r < work.kernel_row1; ++r) {
          for (uint32_t s = 0; s < mac_.kernel_width; ++s) {
            for (int32_t c = work.reduction0; c < work.reduction1; ++c) {
              const uint64_t pixel = uint64_t(p) * mac_.output_width + uint64_t(q);
              ++multiplied_.at(pixel * weights_ + weight_index(g, k, r, int32_t(s), c));
              ++macs;
            }
          }
        }
      }
    }
    return macs;
  }

  uint64_t weight_index(int32_t g, int32_t k, int32_t r, int32_t s, int32_t c) const {
    return (((uint64_t(g) * mac_.output_channels + uint64_t(k)) * mac_.kernel_height + uint64_t(r)) *
                mac_.kernel_width +
            uint64_t(s)) *
               mac_.input_channels +
           uint64_t(c);
  }

  void check_operands(const Step& step, const WorkCoordinates& work) const {
    // Input rows and columns inside the image that this work needs.
    const int32_t stride = int32_t(mac_.stride), padding = int32_t(mac_.padding);
    const int32_t row0 = std::max(0, work.row0 * stride + work.kernel_row0 - padding);
    const int32_t row1 =
        std::min(int32_t(mac_.input_height), (work.row1 - 1) * stride + work.kernel_row1 - padding);
    const int32_t column0 = std::max(0, work.column0 * stride - padding);
    const int32_t column1 = std::min(int32_t(mac_.input_width),
                                     (work.column1 - 1) * stride + int32_t(mac_.kernel_width) - padding);
    const bool all_padding =
        !touches(work.row0, work.row1, work.kernel_row0, work.kernel_row1, mac_.input_height) ||
        !touches(work.column0, work.column1, 0, int32_t(mac_.kernel_width), mac_.input_width);
    bool seen_weights = false, seen_inputs = all_padding;
    for (const Buffet buffet : {Buffet::kWeight, Buffet::kInput}) {
      const uint32_t number = buffet == Buffet::kWeight ? step.weight_chunk : step.input_chunk;
      if (number == kNone) {
        continue;
      }
      const Send& send = *received_[static_cast<std::size_t>(buffet)].at(number);
      const ChunkCoordinates& chunk = program_.chunks.at(send.coordinates);
      const Box& box = chunk.box;
      require(send.fetches() ? chunk.role == TileRole::kWeight : chunk.role == program_.tiles[send.tile].role,
              "a chunk comes from a tile of another role");
      require(inside(work.group, work.group1, box.group0, box.group1) &&
                  inside(work.reduction0, work.reduction1, chunk.reduction0, chunk.reduction1),
              "a chunk holds another group or reduction");
      if (chunk.role == TileRole::kWeight) {
        seen_weights = true;
        require(inside(work.channel0, work.channel1, box.channel0, box.channel1) &&
                    inside(work.kernel_row0, work.kernel_row1, box.row0, box.row1),
                "a weight chunk holds other channels or taps");
      } else {
        seen_inputs = true;
        require(row1 <= row0 || column1 <= column0 ||
                    (inside(row0, row1, box.row0, box.row1) &&
                     inside(column0, column1, box.column0, box.column1)),
                "an input chunk holds rows {}..{} columns {}..{}, needed {}..{} and {}..{}", box.row0,
                box.row1, box.column0, box.column1, row0, row1, column0, column1);
      }
      if (!send.fetches()) {
        check_source(send, chunk, row0, row1, column0, column1);
      }
    }
    require(seen_weights && seen_inputs, "a step lacks an operand");
  }

  // Whether any output position in a range has any tap inside the image. Wide strides jump over whole images.
  bool touches(int32_t begin, int32_t end, int32_t tap0, int32_t tap1, uint32_t extent) const {
    for (int32_t position = begin; position < end; ++position) {
      for (int32_t tap = tap0; tap < tap1; ++tap) {
        const int32_t at = position * int32_t(mac_.stride) + tap - int32_t(mac_.padding);
        if (at >= 0 && at < int32_t(extent)) {
          return true;
        }
      }
    }
    return false;
  }

  void check_source(const Send& send, const ChunkCoordinates& chunk, int32_t row0, int32_t row1,
                    int32_t column0, int32_t column1) const {
    const Box& tile = program_.tile_boxes.at(send.tile);
    const bool depthwise = mac_.depthwise() && tile.group1 == 1 && chunk.box.group1 > chunk.box.group0 &&
                           (tile.channel1 > 1 || chunk.box.group0 > 0);
    const int32_t group0 = depthwise ? tile.channel0 : tile.group0;
    const int32_t group1 = depthwise ? tile.channel1 : tile.group1;
    require(inside(chunk.box.group0, chunk.box.group1, group0, group1), "a chunk's group is not in its tile");
    if (chunk.role == TileRole::kInput) {
      require(
          inside(row0, row1, tile.row0, tile.row1) && inside(column0, column1, tile.column0, tile.column1),
          "a chunk's pixels are not in its tile");
    } else if (!depthwise) {
      require(inside(chunk.box.channel0, chunk.box.channel1, tile.channel0, tile.channel1),
              "a chunk's output channels are not in its tile");
    }
  }

  void drain(const Step& step, const WorkCoordinates& work) {
    uint64_t bytes = 0;
    for (int32_t g = work.group; g < work.group1; ++g) {
      for (int32_t k = work.channel0; k < work.channel1; ++k) {
        for (int32_t p = work.row0; p < work.row1; ++p) {
          for (int32_t q = work.column0; q < work.column1; ++q) {
            const uint64_t pixel = uint64_t(p) * mac_.output_width + uint64_t(q);
            ++drained_.at((pixel * mac_.groups + uint64_t(g)) * mac_.output_channels + uint64_t(k));
            ++bytes;
          }
        }
      }
    }
    require(bytes == step.output_bytes, "a drain of {} outputs claims {} bytes", bytes, step.output_bytes);
  }

  // Addresses that a tile's DRAM pattern touches, against those of its box.
  void walk_tiles() const {
    std::vector<uint64_t> written;
    for (std::size_t t = 0; t < program_.tiles.size(); ++t) {
      const Tile& tile = program_.tiles[t];
      if (program_.classes[static_cast<std::size_t>(tile.role)].slots == 0) {
        continue;
      }
      std::vector<uint64_t> pattern = expand(tile.dram);
      std::sort(pattern.begin(), pattern.end());
      if (tile.role == TileRole::kOutput) {
        written.insert(written.end(), pattern.begin(), pattern.end());
      }
      std::vector<uint64_t> box = tile.role == TileRole::kWeight
                                      ? weight_addresses(program_.tile_boxes[t])
                                      : activation_addresses(tile, program_.tile_boxes[t]);
      std::sort(box.begin(), box.end());
      require(pattern == box, "tile {} moves other bytes than those of its box", t);
    }
    std::sort(written.begin(), written.end());
    require(written.empty() || (written.size() == drained_.size() && written.front() == output_base_ &&
                                std::adjacent_find(written.begin(), written.end()) == written.end()),
            "outputs are not stored exactly once");
  }

  static std::vector<uint64_t> expand(const DramPattern& pattern) {
    std::vector<uint64_t> result;
    for (uint64_t outer = 0; outer < pattern.outer_count; ++outer) {
      for (uint64_t inner = 0; inner < pattern.inner_count; ++inner) {
        for (uint64_t byte = 0; byte < pattern.piece_bytes; ++byte) {
          result.push_back(pattern.base + outer * pattern.outer_stride + inner * pattern.inner_stride + byte);
        }
      }
    }
    return result;
  }

  std::vector<uint64_t> activation_addresses(const Tile& tile, const Box& box) const {
    const bool output = tile.role == TileRole::kOutput;
    // Strided 1x1 layers fetch only the pixels they use.
    const bool skips = !output && mac_.kernel_height == 1 && mac_.stride > 1 && mac_.padding == 0;
    const int32_t step = skips ? int32_t(mac_.stride) : 1;
    const uint64_t width = output ? mac_.output_width : mac_.input_width;
    uint64_t channels = output ? mac_.output_channels : mac_.input_channels;
    uint64_t groups = mac_.groups;
    if (mac_.depthwise() && box.group1 == 1 && box.group0 == 0 && box.channel1 > int32_t(channels)) {
      std::swap(channels, groups);
    } else if (mac_.depthwise() && box.group0 == 0 && box.group1 == 1) {
      channels = mac_.groups;  // one depthwise channel: either reading gives the same address
      groups = 1;
    }
    std::vector<uint64_t> result;
    for (int32_t y = box.row0; y < box.row1; y += step) {
      for (int32_t x = box.column0; x < box.column1; x += step) {
        for (int32_t g = box.group0; g < box.group1; ++g) {
          for (int32_t c = box.channel0; c < box.channel1; ++c) {
            const uint64_t pixel = uint64_t(y) * width + uint64_t(x);
            result.push_back((output ? output_base_ : 0) + (pixel * groups + uint64_t(g)) * channels +
                             uint64_t(c));
          }
        }
      }
    }
    return result;
  }

  std::vector<uint64_t> weight_addresses(const Box& box) const {
    const uint64_t row = uint64_t{mac_.kernel_height} * mac_.kernel_width * mac_.input_channels;
    std::vector<uint64_t> result;
    for (int32_t g = box.group0; g < box.group1; ++g) {
      for (int32_t k = box.channel0; k < box.channel1; ++k) {
        const uint64_t line = mac_.weights_are_activations ? uint64_t(k) * mac_.groups + uint64_t(g)
                                                           : uint64_t(g) * mac_.output_channels + uint64_t(k);
        for (uint64_t byte = 0; byte < row; ++byte) {
          result.push_back(weight_base_ + line * row + byte);
        }
      }
    }
    return result;
  }

  workloads::MacShape mac_;
  const TileProgram& program_;
  uint64_t pixels_ = 0, weights_ = 0, weight_base_ = 0, output_base_ = 0;
  std::vector<uint8_t> multiplied_, drained_;
  std::vector<const Send*> received_[2];
};

}  // namespace

void walk(const workloads::Layer& layer, const TileProgram& program) {
  Walker(layer, program).run();
}

}  // namespace tilewright::mappers::testing

// SPDX-License-Identifier: Apache-2.0
// The INT8 kernels' arithmetic and index math, walked on the CPU as the card would.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>

#include "harness/check.h"
#include "vit/depthwise_step.h"
#include "vit/gemm_layout.h"
#include "vit/host_reference.h"
#include "vit/layer_list.h"

using namespace tw::gpu::vit;

namespace {

std::string hexadecimal(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// Fills a tile of 64-byte rows from the loader's walk: every thread's chunk, 16 bytes at a time from one
// position.
template <typename Source>
std::vector<uint8_t> fill_tile(int rows, const Source& source) {
  std::vector<uint8_t> tile(static_cast<size_t>(rows * kDepth));
  for (int row = 0; row < rows; ++row) {
    for (int chunk = 0; chunk < kChunksPerRow; ++chunk) {
      for (int byte = 0; byte < kChunk; ++byte) {
        tile[static_cast<size_t>(chunk_offset(row, chunk) + byte)] =
            static_cast<uint8_t>(source(row, chunk, byte));
      }
    }
  }
  return tile;
}

using Registers = std::array<std::array<uint32_t, 4>, 32>;  // [lane][register]

// ldmatrix.x4 as PTX defines it: lanes 8m to 8m + 7 address the rows of matrix m; each lane receives four
// bytes of row lane / 4.
template <typename Address>
Registers load_matrices(const std::vector<uint8_t>& tile, const Address& address) {
  Registers out{};
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < 4; ++matrix) {
      const int offset = address(matrix * 8 + lane / 4) + lane % 4 * 4;
      std::memcpy(&out[static_cast<size_t>(lane)][static_cast<size_t>(matrix)],
                  &tile[static_cast<size_t>(offset)], 4);
    }
  }
  return out;
}

int8_t byte_of(uint32_t word, int index) {
  return static_cast<int8_t>(static_cast<uint8_t>(word >> 8 * index));
}

// mma.m16n8k32 as PTX defines it: A register i of a lane holds row lane / 4 + 8 (i odd), bytes lane % 4 * 4 +
// 16 (i / 2); B register i column lane / 4, bytes lane % 4 * 4 + 16 i.
void multiply(int32_t (&sums)[16][8], const Registers& a, const Registers& b, size_t first_b) {
  int8_t left[16][32], right[8][32];
  for (size_t lane = 0; lane < 32; ++lane) {
    for (int byte = 0; byte < 4; ++byte) {
      for (size_t i = 0; i < 4; ++i) {
        left[lane / 4 + i % 2 * 8][lane % 4 * 4 + static_cast<size_t>(byte) + i / 2 * 16] =
            byte_of(a[lane][i], byte);
      }
      for (size_t i = 0; i < 2; ++i) {
        right[lane / 4][lane % 4 * 4 + static_cast<size_t>(byte) + i * 16] =
            byte_of(b[lane][first_b + i], byte);
      }
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int e = 0; e < 4; ++e) {
      const Place place = accumulator_place(lane, e);
      for (int k = 0; k < 32; ++k) {
        sums[place.row][place.column] += int32_t{left[place.row][k]} * right[place.column][k];
      }
    }
  }
}

// A 16 x 16 block of one layer by one warp: two n8 tiles, the whole reduction.
std::vector<int32_t> walk_block(const LayerShape& shape, const HostOperands& operands, int group,
                                int first_pixel, int first_output, bool wide) {
  int32_t sums[2][16][8] = {};
  std::array<PatchCursor, kChunksPerRow> cursors;
  for (int chunk = 0; chunk < kChunksPerRow; ++chunk) {
    cursors[static_cast<size_t>(chunk)].advance(chunk * kChunk, shape);
  }
  for (int first = 0; first < shape.reduction(); first += kDepth) {
    const auto a = fill_tile(16, [&](int row, int chunk, int byte) -> int8_t {
      const int pixel = first_pixel + row;
      PatchCursor at = cursors[static_cast<size_t>(chunk)];
      uint64_t index = 0;
      if (!wide) {
        at.advance(byte, shape);
      }
      const bool valid =
          pixel < shape.pixels() && input_position(shape, group, patch_of(pixel, shape), at, index);
      return valid ? operands.inputs.at(index + static_cast<uint64_t>(wide ? byte : 0)) : int8_t{0};
    });
    const auto b = fill_tile(16, [&](int row, int chunk, int byte) -> int8_t {
      const int output = first_output + row, k = first + chunk * kChunk + (wide ? 0 : byte);
      const bool valid = output < shape.outputs && k < shape.reduction();
      const uint64_t index =
          (uint64_t(group) * shape.outputs + output) * shape.reduction() + first + chunk * kChunk + byte;
      return valid ? operands.weights.at(index) : int8_t{0};
    });
    for (PatchCursor& cursor : cursors) {
      cursor.advance(kDepth, shape);
    }
    for (int step = 0; step < kDepth / kMmaDepth; ++step) {
      const Registers left = load_matrices(
          a, [&](int lane) { return chunk_offset(a_chunk_of(lane).row, step * 2 + a_chunk_of(lane).chunk); });
      const Registers right = load_matrices(
          b, [&](int lane) { return chunk_offset(b_chunk_of(lane).row, step * 2 + b_chunk_of(lane).chunk); });
      multiply(sums[0], left, right, 0);
      multiply(sums[1], left, right, 2);
    }
  }
  std::vector<int32_t> block;
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 16; ++column) {
      block.push_back(sums[column / 8][row][column % 8]);
    }
  }
  return block;
}

void check_blocks(const LayerShape& shape, bool wide) {
  const HostOperands operands(shape, 7);
  const std::vector<int32_t> expected = host_sums(shape, operands);
  int wrong = 0, compared = 0;
  for (int group = 0; group < shape.groups; ++group) {
    for (int pixel = 0; pixel < shape.pixels(); pixel += 16) {
      for (int output = 0; output < shape.outputs; output += 16) {
        const std::vector<int32_t> block = walk_block(shape, operands, group, pixel, output, wide);
        for (int i = 0; i < 256; ++i) {
          const int row = pixel + i / 16, column = output + i % 16;
          if (row < shape.pixels() && column < shape.outputs) {
            const auto at = static_cast<size_t>((group * shape.pixels() + row) * shape.outputs + column);
            wrong += block[static_cast<size_t>(i)] != expected[at] ? 1 : 0;
            ++compared;
          }
        }
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(compared == static_cast<int>(shape.output_count()));
}

LayerShape shape_of(std::array<int, 12> n) {
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11]};
}

// Rows of host_hashes.csv: the hash, then the shape in the order of LayerShape.
std::vector<std::pair<std::string, LayerShape>> pinned() {
  std::ifstream in(std::string(TW_TEST_FOLDER) + "/host_hashes.csv");
  std::vector<std::pair<std::string, LayerShape>> rows;
  std::string line;
  std::getline(in, line);  // headings
  for (; std::getline(in, line);) {
    std::array<int, 12> n{};
    const std::string hash = line.substr(0, 16);
    const char* at = line.c_str() + 16;
    for (int& value : n) {
      value = static_cast<int>(std::strtol(at + 1, const_cast<char**>(&at), 10));
    }
    rows.emplace_back(hash, shape_of(n));
  }
  return rows;
}

}  // namespace

TEST_CASE("hashes of small layers are those that the simulator is held to") {
  const auto rows = pinned();
  REQUIRE(rows.size() >= 6);
  for (const auto& [hash, shape] : rows) {
    CHECK(hexadecimal(host_hash(shape, host_sums(shape, HostOperands(shape, kSeed)))) == hash);
  }
}

TEST_CASE("requantisation rounds half away from zero and clips") {
  CHECK(requantise(3, 1, false) == 2);
  CHECK(requantise(-3, 1, false) == -2);
  CHECK(requantise(-3, 1, true) == 0);
  CHECK(requantise(1000, 2, false) == 127);
  CHECK(requantise(-1000, 2, false) == -128);
  CHECK(requantise(5, 0, false) == 5);
  CHECK(leaves_24_bits(1 << 23));
  CHECK_FALSE(leaves_24_bits(-(1 << 23)));
}

TEST_CASE("every chunk of a tile has a place of its own, and eight rows of one chunk have all banks") {
  std::set<int> offsets;
  for (int row = 0; row < 128; ++row) {
    for (int chunk = 0; chunk < kChunksPerRow; ++chunk) {
      CHECK(offsets.insert(chunk_offset(row, chunk)).second);
    }
  }
  for (int first = 0; first < 128; first += 8) {
    for (int chunk = 0; chunk < kChunksPerRow; ++chunk) {
      std::set<int> banks;
      for (int row = first; row < first + 8; ++row) {
        banks.insert(chunk_offset(row, chunk) % 128 / 16);
      }
      CHECK(banks.size() == 8);
    }
  }
}

TEST_CASE("the walk of the GEMM kernel gives the layer's sums") {
  check_blocks(shape_of({1, 64, 24, 1, 1, 1, 0, 1, 40, 1, 40, 0}), true);  // linear, ragged both ways
  check_blocks(shape_of({3, 32, 18, 1, 1, 1, 0, 1, 20, 1, 20, 0}),
               true);  // batched, half a stage of reduction
  check_blocks(shape_of({1, 48, 16, 3, 3, 2, 1, 9, 11, 5, 6, 0}),
               true);  // chunks that cross kernel positions
  check_blocks(shape_of({1, 16, 16, 8, 8, 8, 0, 32, 24, 4, 3, 0}), true);  // reduction convolution
  check_blocks(shape_of({1, 3, 10, 7, 7, 4, 3, 30, 26, 8, 7, 1}), false);  // stem, byte by byte
}

TEST_CASE("the depthwise step gives the layer's sums") {
  const LayerShape shape = shape_of({8, 1, 1, 3, 3, 1, 1, 6, 7, 6, 7, 0});
  const HostOperands operands(shape, 3);
  const std::vector<int32_t> expected = host_sums(shape, operands);
  const auto input = [&](int channel, int y, int x) -> uint32_t {
    const bool inside = y >= 0 && y < 6 && x >= 0 && x < 7;
    return inside ? static_cast<uint8_t>(operands.inputs[static_cast<size_t>((channel * 6 + y) * 7 + x)]) : 0;
  };
  for (int word = 0; word < 2; ++word) {
    for (int row = 0; row < 6; ++row) {
      for (int column = 0; column < 7; column += 2) {
        int32_t sums[2][4] = {};
        for (int r = 0; r < 3; ++r) {
          uint32_t columns[4] = {}, weights[4] = {};
          for (int i = 0; i < 4; ++i) {
            for (int c = 0; c < 4; ++c) {
              columns[i] |= input(word * 4 + c, row + r - 1, column + i - 1) << 8 * c;
            }
            for (int s = 0; s < 3; ++s) {
              weights[i] |= uint32_t{static_cast<uint8_t>(
                                operands.weights[static_cast<size_t>((word * 4 + i) * 9 + r * 3 + s)])}
                            << 8 * s;
            }
          }
          depthwise_row(columns, weights, sums);
        }
        for (int c = 0; c < 2 && column + c < 7; ++c) {
          for (int i = 0; i < 4; ++i) {
            CHECK(sums[c][i] == expected[static_cast<size_t>(((word * 4 + i) * 6 + row) * 7 + column + c)]);
          }
        }
      }
    }
  }
}

TEST_CASE("a list of layers gives each shape once and refuses what is none") {
  const std::string file = "vit_test_layers.csv";
  const std::string head =
      "path,name,group,kind,groups,input_channels,output_channels,kernel_height,kernel_width,stride,padding,"
      "input_height,"
      "input_width,output_height,output_width,relu\n";
  std::ofstream(file) << head << "full,q,q,linear,1,64,32,1,1,1,0,1,16,1,16,0\n"
                      << "full,n,n,layernorm,0,0,0,0,0,0,0,0,0,0,0,0\n"
                      << "full,proj,proj,linear,1,64,32,1,1,1,0,1,16,1,16,0\n"
                      << "full,fuse,fuse,conv2d,1,64,32,1,1,1,0,1,16,1,16,1\n";
  const std::vector<NamedLayer> layers = read_distinct_layers(file);
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].name == "q");
  CHECK(layers[1].shape.relu == 1);
  std::ofstream(file) << head << "full,q,q,linear,1,x,32,1,1,1,0,1,16,1,16,0\n";
  CHECK_THROWS_WITH_AS(read_distinct_layers(file), "vit_test_layers.csv:2: input_channels cannot be 'x'",
                       tw::gpu::UsageError);
  std::ofstream(file) << head << "full,q\n";
  CHECK_THROWS_WITH_AS(read_distinct_layers(file), "vit_test_layers.csv:2: 2 cells under 16 headings",
                       tw::gpu::UsageError);
  std::remove(file.c_str());
  CHECK_THROWS_AS(read_distinct_layers(file), tw::gpu::UsageError);
}

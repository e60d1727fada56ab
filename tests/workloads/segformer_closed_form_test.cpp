// SPDX-License-Identifier: Apache-2.0
//
// Random legal paths of every SegFormer against a closed form of their MACs and weights, written from the
// definition and not from the generator's graph.
#include <doctest/doctest.h>

#include <numeric>
#include <random>

#include "workloads/segformer.h"

namespace tilewright::workloads {
namespace {

struct Counts {
  uint64_t macs = 0;
  uint64_t weights = 0;
  void add(uint64_t layer_weights, uint64_t outputs) {
    macs += layer_weights * outputs;
    weights += layer_weights;
  }
};

Counts closed_form(const SegformerSpec& spec, const PerStage<uint32_t>& blocks,
                   const PerStage<uint32_t>& decode, uint64_t fuse_input, uint64_t predict_input) {
  Counts counts;
  uint64_t pixels = uint64_t{spec.height} * spec.width / 16;
  const uint64_t quarter = pixels;
  const uint64_t keys = pixels / 64;  // in every stage: (1 / 4)^2 x (1 / 8)^2 = (1 / 32)^2 of the image
  uint64_t input = 3;
  for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
    const uint64_t c = spec.channels[stage];
    counts.add(input * c * (stage == 0 ? 49 : 9), pixels);
    for (uint32_t block = 0; block < blocks[stage]; ++block) {
      counts.add(c * c, pixels);      // q
      counts.add(2 * c * c, keys);    // k and v
      counts.add(c * c, pixels);      // proj
      counts.add(4 * c * c, pixels);  // fc1
      counts.add(36 * c, pixels);     // depthwise
      counts.add(4 * c * c, pixels);  // fc2
      counts.macs += 2 * pixels * keys * c;
      const uint64_t side = spec.reductions[stage];
      counts.add(side > 1 ? c * c * side * side : 0, keys);
    }
    counts.add(c * decode[stage], pixels);
    input = c;
    pixels /= 4;
  }
  counts.add(fuse_input * predict_input, quarter);
  counts.add(predict_input * spec.classes, quarter);
  return counts;
}

// std::mt19937 is specified to the bit, the standard distributions are not.
uint32_t draw(std::mt19937& random, uint32_t low, uint32_t high) {
  return low + static_cast<uint32_t>(random()) % (high - low + 1);
}

}  // namespace

TEST_CASE("random paths have the MACs and weights of the closed form") {
  std::mt19937 random(20240511);
  for (int i = 0; i < 600; ++i) {
    const auto size = static_cast<SegformerSize>(draw(random, 0, 5));
    SegformerSpec spec =
        segformer_spec(size, draw(random, 0, 1) != 0 ? SegformerData::kAde20k : SegformerData::kCityscapes);
    spec.height = 32 * draw(random, 1, 40);
    spec.width = 32 * draw(random, 1, 40);
    SegformerPath path;
    PerStage<uint32_t> blocks = spec.blocks;
    PerStage<uint32_t> decode{};
    decode.fill(spec.decoder_channels);
    if (draw(random, 0, 1) != 0) {
      for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
        blocks[stage] = draw(random, 1, spec.blocks[stage]);
      }
      path.blocks = blocks;
    }
    if (draw(random, 0, 1) != 0) {
      for (std::size_t stage = 0; stage < kSegformerStages; ++stage) {
        const bool drop = stage < 3 && draw(random, 0, 3) == 0;
        decode[stage] = drop ? 0 : draw(random, 1, spec.decoder_channels);
      }
      path.decode_linear_channels = decode;
    }
    uint32_t fuse = std::accumulate(decode.begin(), decode.end(), 0U);
    if (draw(random, 0, 1) != 0) {
      path.fuse_input_channels = fuse = draw(random, 1, fuse);
    }
    uint32_t predict = spec.decoder_channels;
    if (draw(random, 0, 1) != 0) {
      path.predict_input_channels = predict = draw(random, 1, predict);
    }
    const Network network = segformer(spec, path);
    const Counts expected = closed_form(spec, blocks, decode, fuse, predict);
    INFO("case " << i << ", " << spec.name << ", " << spec.height << " x " << spec.width);
    CHECK(network.macs() == expected.macs);
    CHECK(network.weights() == expected.weights);
  }
}

}  // namespace tilewright::workloads

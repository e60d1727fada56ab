// SPDX-License-Identifier: Apache-2.0
//
// How fast the simulator is on the layers that other simulators were timed on: conv3 (3x3, 128 -> 128, 28x28), fuse (SegFormer-B2's
// Conv2DFuse), gemm (16384 x 64 x 256), r50 (the 53 convolutions of ResNet-50 v1.5).
//
//   layer_benchmark MACHINE.yaml conv3|fuse|gemm|r50 event|tick [repetitions]
//
// Prints cycles, utilisation, CPU seconds of the simulation alone and simulated cycles per CPU second. With 0 repetitions only the
// mapping is done: the difference of two instruction counts (valgrind --tool=callgrind) is the simulation's.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "arch/load.h"
#include "mappers/lower/lower.h"
#include "mappers/network_mapper.h"
#include "sim/accel/simulator.h"
#include "sim/base/error.h"

extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }

namespace {

using namespace tilewright;
using workloads::Layer;
using workloads::LayerKind;

Layer convolution(uint32_t channels, uint32_t outputs, uint32_t kernel, uint32_t stride, uint32_t input) {
  Layer layer;
  layer.name = fmt::format("conv {}x{} {}->{} /{} @{}", kernel, kernel, channels, outputs, stride, input);
  layer.mac.input_channels = channels;
  layer.mac.output_channels = outputs;
  layer.mac.kernel_height = layer.mac.kernel_width = kernel;
  layer.mac.stride = stride;
  layer.mac.padding = kernel / 2;
  layer.mac.input_height = layer.mac.input_width = input;
  layer.mac.output_height = layer.mac.output_width = (input + 2 * (kernel / 2) - kernel) / stride + 1;
  layer.output = {1, layer.mac.output_height, layer.mac.output_width, outputs};
  return layer;
}

Layer linear(uint32_t tokens, uint32_t inputs, uint32_t outputs) {
  Layer layer = convolution(inputs, outputs, 1, 1, 1);
  layer.kind = LayerKind::kLinear;
  layer.mac.input_width = layer.mac.output_width = tokens;
  layer.output = {1, 1, tokens, outputs};
  return layer;
}

// He et al., CVPR 2016, table 1, with the stage's stride in the 3x3 (v1.5).
std::vector<Layer> resnet50() {
  std::vector<Layer> layers{convolution(3, 64, 7, 2, 224)};
  const uint32_t blocks[] = {3, 4, 6, 3};
  uint32_t channels = 64, size = 56;
  for (uint32_t stage = 0; stage < 4; ++stage) {
    const uint32_t width = 64U << stage;
    for (uint32_t block = 0; block < blocks[stage]; ++block) {
      const uint32_t stride = block == 0 && stage > 0 ? 2 : 1;
      layers.push_back(convolution(channels, width, 1, 1, size));
      layers.push_back(convolution(width, width, 3, stride, size));
      if (block == 0) {
        layers.push_back(convolution(channels, 4 * width, 1, stride, size));
      }
      size /= stride;
      layers.push_back(convolution(width, 4 * width, 1, 1, size));
      channels = 4 * width;
    }
  }
  return layers;
}

std::vector<Layer> work(const std::string& name) {
  if (name == "conv3") {
    return {convolution(128, 128, 3, 1, 28)};
  }
  if (name == "fuse") {
    return {convolution(3072, 768, 1, 1, 128)};
  }
  if (name == "gemm") {
    return {linear(16384, 64, 256)};
  }
  if (name == "r50") {
    return resnet50();
  }
  throw UserError("no such work: " + name + "; there are conv3, fuse, gemm, r50");
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int run(int argc, char** argv) {
  if (argc < 4) {
    throw UserError("usage: layer_benchmark MACHINE.yaml conv3|fuse|gemm|r50 event|tick [repetitions]");
  }
  const arch::AcceleratorSpec spec = arch::load_accelerator(argv[1]).value;
  const bool tick = std::string(argv[3]) == "tick";
  const int repetitions = argc > 4 ? std::atoi(argv[4]) : 1;
  mappers::NetworkMapper mapper(spec, mappers::energy_rates(spec, arch::load_energy_table_of(spec).value));
  accel::AcceleratorSimulator simulator(spec, tick ? accel::Fidelity::kTick : accel::Fidelity::kEvent);
  Cycle cycles = 0;
  uint64_t macs = 0, bursts = 0;
  double seconds = 0, mapping_seconds = 0;
  for (const Layer& layer : work(argv[2])) {
    const double start = cpu_seconds();
    const mappers::Mapping mapping = mapper.choose(layer, {})->mapping;
    const mappers::TileProgram program = mappers::lower(layer, mapping, spec, {});
    const double mapped = cpu_seconds();
    mapping_seconds += mapped - start;
    for (int i = 0; i < repetitions; ++i) {
      const accel::LayerResult result = simulator.run(program);
      cycles += result.cycles;
      macs += layer.macs();
      bursts += (result.activity[Action::kDramReadBytes] + result.activity[Action::kDramWriteBytes]) /
                spec.dram.burst_bytes.value;
      fmt::print("{}: {} cycles, utilisation {:.3f}, {}\n", layer.name, result.cycles,
                 static_cast<double>(layer.macs()) /
                     (static_cast<double>(result.cycles) * static_cast<double>(spec.macs_per_cycle())),
                 mappers::describe(mapping));
    }
    seconds += cpu_seconds() - mapped;
  }
  fmt::print("{} {} on {}: {} cycles, {} MACs, {} DRAM bursts, utilisation {:.3f}, mapping {:.3f} s, simulation {:.3f} s, {:.3g} cycles "
             "per CPU second\n",
             argv[2], argv[3], spec.name, cycles, macs, bursts,
             cycles == 0 ? 0.0 : static_cast<double>(macs) / (static_cast<double>(cycles) * static_cast<double>(spec.macs_per_cycle())),
             mapping_seconds, seconds, seconds > 0 ? static_cast<double>(cycles) / seconds : 0.0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}

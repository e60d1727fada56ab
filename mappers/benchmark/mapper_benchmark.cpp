// SPDX-License-Identifier: Apache-2.0
//
// How fast mappings are evaluated, and how fast the best is found, on the layers that other mappers were timed on: conv3
// (3x3, 128 -> 128, 28x28), fuse (SegFormer-B2's Conv2DFuse), gemm (16384 x 64 x 256); or every distinct layer of
// SegFormer-B2.
//
//   mapper_benchmark MACHINE.yaml conv3|fuse|gemm|segformer_b2 [cycles|energy|edp] [perfect|imperfect] [budget] [strategy]
//
// CPU seconds of one core. Instructions per evaluation: two runs with different budgets under valgrind --tool=callgrind.
#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <set>
#include <string>
#include <vector>

#include "arch/load.h"
#include "mappers/residency.h"
#include "mappers/search/find_mapping.h"
#include "sim/base/error.h"
#include "workloads/segformer.h"

namespace {

using namespace tilewright;
using namespace tilewright::mappers;

workloads::Layer convolution(uint32_t channels, uint32_t outputs, uint32_t kernel, uint32_t size) {
  workloads::Layer layer;
  layer.name = fmt::format("conv {}x{} {}->{} @{}", kernel, kernel, channels, outputs, size);
  layer.mac.input_channels = channels;
  layer.mac.output_channels = outputs;
  layer.mac.kernel_height = layer.mac.kernel_width = kernel;
  layer.mac.padding = kernel / 2;
  layer.mac.input_height = layer.mac.input_width = layer.mac.output_height = layer.mac.output_width = size;
  layer.output = {1, size, size, outputs};
  return layer;
}

struct Work {
  workloads::Layer layer;
  Residency residency;
};

std::vector<Work> work(const std::string& name, const arch::AcceleratorSpec& spec) {
  if (name == "conv3") {
    return {{convolution(128, 128, 3, 28), {}}};
  }
  if (name == "fuse") {
    return {{convolution(3072, 768, 1, 128), {}}};
  }
  if (name == "gemm") {
    return {{convolution(64, 256, 1, 128), {}}};
  }
  if (name != "segformer_b2") {
    throw UserError("no such work: " + name + "; there are conv3, fuse, gemm, segformer_b2");
  }
  const workloads::Network network = workloads::segformer(
      workloads::segformer_spec(workloads::SegformerSize::kB2, workloads::SegformerData::kAde20k));
  const std::vector<Residency> residency = plan_residency(network, spec);
  std::vector<Work> result;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].on_pe_array && seen.insert(reuse_key(network.layers[i], residency[i])).second) {
      result.push_back({network.layers[i], residency[i]});
    }
  }
  return result;
}

template <typename E>
E parse(const std::string& word, E fallback) {
  for (const auto& entry : enumeration_names(E{})) {
    if (entry.name == word) {
      return entry.value;
    }
  }
  if (!word.empty()) {
    throw UserError("unknown word: " + word);
  }
  return fallback;
}

int run(int argc, char** argv) {
  if (argc < 3) {
    throw UserError("usage: mapper_benchmark MACHINE.yaml conv3|fuse|gemm|segformer_b2 [objective] [factors] [budget] [strategy]");
  }
  const auto argument = [&](int i) { return argc > i ? std::string(argv[i]) : std::string(); };
  const arch::AcceleratorSpec spec = arch::load_accelerator(argv[1]).value;
  const EnergyRates rates = energy_rates(spec, arch::load_energy_table_of(spec).value);
  SearchOptions options;
  options.objective = parse(argument(3), Objective::kCycles);
  options.factors = parse(argument(4), Factors::kPerfect);
  options.budget = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 10'000'000;
  options.strategy = parse(argument(6), StrategyName::kBest);
  uint64_t evaluations = 0;
  double seconds = 0, cycles = 0;
  for (const auto& [layer, residency] : work(argv[2], spec)) {
    const MappingResult r = find_mapping(layer, spec, residency, rates, options);
    fmt::print("{}: {:.0f} cycles (+ {:.0f} expected waits), {:.4g} J, {}; {} evaluations, {} refused, {:.3g} pruned of {:.3g}, "
               "{}, gap {:.3f} %, {:.3f} s\n  {}\n",
               layer.name, r.evaluation.cycles, r.evaluation.waits, r.evaluation.energy_j, name(r.evaluation.limiter()),
               r.evaluations, r.refused, r.pruned, r.mapspace_size, r.proven ? "proven" : "not proven", r.gap * 100,
               r.seconds, describe(r.mapping));
    evaluations += r.evaluations;
    seconds += r.seconds;
    cycles += r.evaluation.cycles;
  }
  fmt::print("{} on {}: {:.0f} cycles, {} evaluations in {:.3f} CPU s, {:.0f} a second\n", argv[2], spec.name, cycles, evaluations,
             seconds, seconds > 0 ? double(evaluations) / seconds : 0.0);
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

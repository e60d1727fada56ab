// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>

#include "mappers/lower/lower.h"
#include "mappers/network_mapper.h"
#include "mappers/residency.h"
#include "mappers/search/fit.h"
#include "sim/base/error.h"
#include "tests/mappers/layers.h"
#include "tests/mappers/machines.h"
#include "workloads/segformer.h"

namespace tilewright::mappers {
namespace {

using workloads::Layer;

// What `tilewright run` maps a layer to.
Mapping chosen(const Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency) {
  NetworkMapper mapper(spec, testing::some_rates());
  const LayerChoice* choice = mapper.choose(layer, residency);
  if (choice == nullptr) {
    require_fit(layer, spec, residency);
  }
  REQUIRE(choice != nullptr);
  return choice->mapping;
}

Evaluation evaluation_of(const Layer& layer, const Mapping& mapping, const arch::AcceleratorSpec& spec,
                         const Residency& residency) {
  LayerModel model(layer, spec, residency, testing::some_rates());
  Evaluation result;
  REQUIRE(model.evaluate(mapping, result));
  return result;
}
double term(const Evaluation& evaluation, Term which) { return evaluation.terms[static_cast<std::size_t>(which)]; }

// The distinct layers of SegFormer-B2 as the network run sees them, and as if every tensor came from DRAM.
struct Work {
  Layer layer;
  Residency residency;
};
std::vector<Work> segformer_b2(const arch::AcceleratorSpec& spec) {
  const workloads::Network network = workloads::segformer(
      workloads::segformer_spec(workloads::SegformerSize::kB2, workloads::SegformerData::kAde20k));
  const std::vector<Residency> planned = plan_residency(network, spec);
  std::set<std::string> seen;
  std::vector<Work> result;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    for (const Residency& residency : {planned[i], Residency{}}) {
      if (seen.insert(reuse_key(network.layers[i], residency)).second) {
        result.push_back({network.layers[i], residency});
      }
    }
  }
  return result;
}

uint64_t step_count(const TileProgram& program) {
  uint64_t steps = 0;
  for (const auto& stream : program.steps) {
    steps += stream.size();
  }
  return steps;
}

TEST_CASE("every layer of SegFormer-B2 gets a legal program of moderate size, quickly") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  std::clock_t spent = 0;
  uint64_t total = 0;
  for (const Work& work : segformer_b2(spec)) {
    CAPTURE(work.layer.name);
    const std::clock_t before = std::clock();
    const Mapping mapping = chosen(work.layer, spec, work.residency);
    spent += std::clock() - before;
    CHECK(mapping == chosen(work.layer, spec, work.residency));
    const TileProgram program = lower(work.layer, mapping, spec, work.residency);
    CHECK_NOTHROW(check_program(program, spec));
    total += step_count(program);
    if (work.layer.name == "Conv2DFuse") {
      CHECK(step_count(program) <= 400'000);
    }
  }
  CHECK(total <= 1'500'000);
  // About 1 s here; the limit leaves room for a machine under load.
  CHECK(double(spent) / CLOCKS_PER_SEC < 10.0);
}

// What padding allows: whole vectors and whole lanes, on either operand.
double padded_utilisation(const Layer& layer, const arch::AcceleratorSpec& spec) {
  const workloads::MacShape& m = layer.mac;
  const auto share = [](double used, double granule) { return used / (std::ceil(used / granule) * granule); };
  const bool stem = m.input_channels < spec.pe.vector_size;
  const double reduction =
      stem ? double(m.input_channels) * m.kernel_height * m.kernel_width : double(m.input_channels);
  return share(reduction, spec.pe.vector_size) * share(m.output_channels, spec.pe.lanes);
}

TEST_CASE("no large layer is mapped in a silly way") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  uint64_t judged = 0;
  for (const Work& work : segformer_b2(spec)) {
    const double ideal = double(work.layer.macs()) / double(spec.macs_per_cycle());
    if (ideal < 20'000 || work.layer.mac.depthwise()) {
      continue;
    }
    const Evaluation cost = evaluation_of(work.layer, chosen(work.layer, spec, work.residency), spec, work.residency);
    const double traffic = std::max({term(cost, Term::kDram), term(cost, Term::kLoadDma), term(cost, Term::kStoreDma),
                                     term(cost, Term::kCollectLinks)});
    if (traffic > 0.75 * ideal) {
      continue;  // bound by a bandwidth that no mapping changes: DRAM at its compulsory traffic, outputs
                 // collected
    }
    CAPTURE(work.layer.name);
    CAPTURE(cost.expected_cycles());
    CHECK(ideal / cost.expected_cycles() >= 0.85 * padded_utilisation(work.layer, spec));
    ++judged;
  }
  CHECK(judged >= 6);
}

TEST_CASE("bandwidth that a mapping does change is not an excuse: Conv2DFuse reads its input once") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  const Layer fuse = testing::conv2d(128, 3072, 768, {1, 1, 0});
  const Evaluation cost = evaluation_of(fuse, chosen(fuse, spec, {}), spec, {});
  CHECK(cost.counts[static_cast<std::size_t>(Action::kDramReadBytes)] <= uint64_t{16384} * 3072 + 768 * 3072);
}

TEST_CASE("a stem is packed and a depthwise layer pairs its taps") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  const Layer stem = testing::conv2d(512, 3, 64, {7, 4, 3});
  CHECK(chosen(stem, spec, {}).packing == Packing::kIm2col);
  const Layer depthwise = testing::conv2d(64, 512, 512, {3, 1, 1}, 512);
  CHECK(chosen(depthwise, spec, {}).packing == Packing::kTapPair);
}

std::string failure_of(const Layer& layer, const arch::AcceleratorSpec& spec,
                       const Residency& residency = {}) {
  try {
    lower(layer, chosen(layer, spec, residency), spec, residency);
  } catch (const UserError& error) {
    CHECK(error.exit_code() == ExitCode::kRunFailed);
    return error.diagnostics().at(0).message;
  }
  return "";
}

TEST_CASE("a machine that holds no tile is refused with the buffer and what it lacks") {
  const Layer layer = testing::linear(64, 64, 64);
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  SUBCASE("weight buffer") {
    spec.pe.weight_buffer = Bytes{500};  // one vector for each of 16 lanes: 512
    CHECK(failure_of(layer, spec) ==
          "layer \"linear\": pe.weight_buffer is too small: 512 needed, 500 available (12 short)");
  }
  SUBCASE("input buffer") {
    spec.pe.input_buffer = Bytes{31};
    CHECK(failure_of(layer, spec) ==
          "layer \"linear\": pe.input_buffer is too small: 32 needed, 31 available (1 short)");
  }
  SUBCASE("global buffer") {
    spec.global_buffer.capacity =
        Bytes{100};  // 64 bytes each of input and weights, a slot of 64 for an output
    CHECK(failure_of(layer, spec) ==
          "layer \"linear\": global_buffer is too small: 192 needed, 100 available (92 short)");
  }
  SUBCASE("no DRAM: everything must be held") {
    spec.has_dram = false;
    spec.global_buffer.capacity = Bytes{10'000};
    CHECK(failure_of(layer, spec) ==
          "layer \"linear\": global_buffer is too small: 12288 needed, 10000 available (2288 short)");
  }
  SUBCASE("vector unit") {
    spec.vector_unit.input_buffer = Bytes{255};
    CHECK(failure_of(testing::elementwise(workloads::LayerKind::kSoftmax, 8, 256, 1, 3), spec) ==
          "layer \"softmax\": vector_unit.input_buffer is too small: 256 needed, 255 available (1 short)");
  }
}

TEST_CASE("small machines of odd shapes are mapped legally") {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.pe_count = 6;
  spec.noc.rows = 3;
  spec.pe.lanes = 4;
  spec.pe.vector_size = 8;
  spec.pe.weight_buffer = spec.pe.input_buffer = Bytes{512};
  spec.pe.output_buffer = Bytes{64};
  spec.global_buffer.capacity = Bytes{8192};
  for (const Layer& layer :
       {testing::linear(50, 30, 20), testing::matmul(3, 20, 30, 10), testing::conv2d(12, 10, 9, {3, 1, 1}),
        testing::conv2d(12, 12, 12, {3, 2, 1}, 12), testing::conv2d(20, 3, 8, {7, 4, 3}),
        testing::conv2d(9, 12, 8, {3, 1, 1}, 4)}) {
    CAPTURE(layer.name);
    const Mapping mapping = chosen(layer, spec, {});
    CHECK_NOTHROW(check_program(lower(layer, mapping, spec, {}), spec));
  }
}

}  // namespace
}  // namespace tilewright::mappers

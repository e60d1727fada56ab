// SPDX-License-Identifier: Apache-2.0
//
// Small kernels whose cycles and counts follow from the rules of docs/gpu.md by hand, at both fidelities.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "arch/load_gpu.h"
#include "sim/gpu/programs/attention.h"
#include "sim/gpu/programs/builder.h"
#include "sim/gpu/simulator.h"
#include "tests/gpu/random_kernel.h"

using namespace tilewright;
using namespace tilewright::gpu;

namespace {

const std::filesystem::path kConfigs = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs";

GpuResult run_one(const arch::GpuSpec& machine, Kernel& kernel, Fidelity fidelity) {
  arch::GpuSpec spec = machine;
  spec.sm_count = 1;
  kernel.shape.registers_per_thread = 32;
  kernel.shape.shared_bytes = 1024;
  if (kernel.ctas.empty()) {
    kernel.ctas.resize(1);
  }
  return GpuSimulator(spec, fidelity).run(kernel, 1'000'000);
}

}  // namespace

TEST_CASE("instructions, conflicts and products take what the rules say") {
  const arch::GpuSpec machine = testing::small_gpu();
  for (const Fidelity fidelity : {Fidelity::kEvent, Fidelity::kTick}) {
    CAPTURE(static_cast<int>(fidelity));
    SUBCASE("a chain waits for itself, the last result is not waited for") {
      ProgramBuilder program("chain");
      program.math(MathKind::kFfma, 10, 4);
      Kernel kernel;
      add_warps(kernel, program.take(), 1);
      CHECK(run_one(machine, kernel, fidelity).cycles == 9 * 4 + 1 + 1);  // the last issue, then exit
    }
    SUBCASE("two warps of a sub-core share its pipe") {
      ProgramBuilder program("share");
      program.math(MathKind::kFfma, 100);
      Kernel kernel;
      add_warps(kernel, program.take(), 8);
      const GpuResult result = run_one(machine, kernel, fidelity);
      CHECK(result.cycles == 200 + 2);
      CHECK(result.counts.math[static_cast<std::size_t>(MathKind::kFfma)] == 800);
    }
    SUBCASE("a load with a 32-way conflict") {
      ProgramBuilder program("conflict");
      program.shared(false, 1, 32, true);
      Kernel kernel;
      add_warps(kernel, program.take(), 1);
      // Issued in cycle 0, wavefronts in 1 to 32, seen in 33, usable 22 later; then exit.
      CHECK(run_one(machine, kernel, fidelity).cycles == 33 + machine.shared_memory.load_latency + 1);
    }
    SUBCASE("wgmma from shared memory is bound by the banks below N = 64, by the unit above") {
      for (const uint32_t columns : {8U, 64U, 256U}) {
        ProgramBuilder program("multiply");
        program.matrix(columns, 10, false);
        program.matrix_wait(0);
        Kernel kernel;
        add_warpgroup(kernel, program.take());
        const GpuResult result = run_one(machine, kernel, fidelity);
        CHECK(result.counts.matrix_cycles == 10 * std::max(columns / 2, 16 + columns / 4));
        CHECK(result.counts.matrix_wavefronts == 10 * (16 + columns / 4));
        CHECK(result.counts.matrix_columns == 10 * columns);
      }
    }
  }
}

namespace {

// 48 multiplications without dependence, by one or two warps of a sub-core.
Cycle multiplications(const arch::GpuSpec& machine, uint32_t warps, uint32_t stall, const workloads::RegisterReads& operands, Fidelity fidelity) {
  ProgramBuilder program("multiplications");
  for (uint32_t i = 0; i < 48; ++i) {
    program.instruction(MathKind::kFmul, stall, 0, 0, 0, false, operands);
  }
  Kernel kernel;
  add_warps(kernel, program.take(), 4 * warps);
  return run_one(machine, kernel, fidelity).cycles;
}

// A warpgroup that multiplies for long enough, and one whose warps issue 24 multiplications `stall` cycles apart in between; how long
// those take.
Cycle beside_products(const arch::GpuSpec& machine, uint32_t stall, const workloads::RegisterReads& operands, Fidelity fidelity) {
  ProgramBuilder products("products");
  products.matrix(128, 16, true);
  products.matrix_wait(0);
  ProgramBuilder program("beside");
  program.delay(200);
  program.stamp(0);
  for (uint32_t i = 0; i < 24; ++i) {
    program.instruction(MathKind::kFmul, stall, 0, 0, 0, false, operands);
  }
  program.stamp(1);
  Kernel kernel;
  add_warpgroup(kernel, products.take());
  add_warpgroup(kernel, program.take());
  const auto stamps = run_one(machine, kernel, fidelity).ctas[0].stamps;
  return (stamps[1] - stamps[0] - machine.sub_core.clock_cycles + 12) / 24;  // of one
}

}  // namespace

TEST_CASE("banks of registers serve one operand a cycle, and one instruction in four beside the matrix unit") {
  arch::GpuSpec machine = testing::small_gpu();
  for (const Fidelity fidelity : {Fidelity::kEvent, Fidelity::kTick}) {
    CAPTURE(static_cast<int>(fidelity));
    // The last waits until its operands can be read within three cycles; then the exit.
    CHECK(multiplications(machine, 1, 1, {1, 1, 1, 1}, fidelity) == 47 + 2);
    CHECK(multiplications(machine, 1, 1, {2, 0, 2, 0}, fidelity) == 2 * 47 - 1 + 2);
    CHECK(multiplications(machine, 1, 1, {3, 0, 3, 0}, fidelity) == 3 * 47 + 2);
    CHECK(multiplications(machine, 1, 2, {2, 1, 2, 1}, fidelity) == 2 * 48 + 1);
    // One warp keeps its operands in the reuse cache; two that take turns lose them.
    CHECK(multiplications(machine, 1, 2, {0, 1, 3, 0}, fidelity) == 2 * 48 + 1);
    CHECK(multiplications(machine, 2, 2, {0, 1, 3, 0}, fidelity) > 2 * 3 * 47);
    // Four cycles each; of two banks in turn two; what comes after the slot's first two cycles waits for the next.
    CHECK(beside_products(machine, 1, {1, 1, 1, 1}, fidelity) == 4);
    CHECK(beside_products(machine, 4, {2, 0, 2, 0}, fidelity) == 4);
    CHECK(beside_products(machine, 5, {1, 0, 1, 0}, fidelity) == 6);
    CHECK(beside_products(machine, 6, {1, 0, 1, 0}, fidelity) == 8);
    CHECK(beside_products(machine, 1, {3, 0, 3, 0}, fidelity) == 8);
    CHECK(beside_products(machine, 6, {3, 0, 3, 0}, fidelity) == 8);
    CHECK(beside_products(machine, 7, {3, 0, 3, 0}, fidelity) == 12);
  }
}

TEST_CASE("attention asks for what its lists say, in sectors and products") {
  arch::GpuSpec machine = arch::load_gpu(kConfigs / "arch/h100_sxm.yaml").value;
  machine.sm_count = 2;
  workloads::AttentionProblem problem;
  problem.heads = 1;
  problem.queries = 512;
  problem.keys = 640;
  problem.mask.kind = masks::MaskKind::kUniform;
  for (const char* file : {"dense_d128", "block_sparse_128_d128", "gather_m128_d128", "gather_m128_d64", "dense_d64"}) {
    CAPTURE(file);
    const auto kernel = workloads::load_attention_kernel(kConfigs / "kernels" / (std::string(file) + ".yaml"));
    const auto run = build_attention(machine, kernel, problem, 0.5, 1, true);
    const GpuResult result = GpuSimulator(machine, Fidelity::kEvent).run(run->kernel, 100'000'000);
    const uint64_t row = uint64_t{kernel.head_size} * 2 / kSectorBytes;
    // Every warp reads where an item's list begins and ends, of blocks its last one too: a sector each. Of a gathered tile's
    // entries, 4 bytes each, each of the four producers reads a quarter, and does so twice on all tiles of an item but the first.
    const bool dense = kernel.kernel == workloads::KernelSource::kDense;
    const bool blocks = kernel.kernel == workloads::KernelSource::kBlockSparse;
    const uint64_t list_reads = dense ? 0 : (4 * kernel.consumer_warpgroups + (blocks ? 1 : 4)) * (blocks ? 2 : 1);
    CHECK(result.counts.sectors_requested ==
          row * (run->tiles * 2 * kernel.key_tile + run->items * kernel.query_tile) + run->items * list_reads +
              (kernel.kernel == workloads::KernelSource::kGather ? 4 * divide_up(kernel.key_tile, 32) * (2 * run->tiles - run->items) : 0));
    CHECK(result.counts.sectors_stored == row * run->items * kernel.query_tile);
    // Two products a tile: 64 x N x d and 64 x d x N a warpgroup.
    const uint64_t columns = kernel.key_tile * (kernel.head_size / 16) + kernel.head_size * (kernel.key_tile / 16);
    CHECK(result.counts.matrix_columns == run->tiles * kernel.consumer_warpgroups * columns);
    CHECK(result.counts.math[static_cast<std::size_t>(MathKind::kEx2)] >=
          run->tiles * kernel.consumer_warpgroups * 4 * kernel.key_tile / 2);
  }
}

// From SASS (gpu_ref/tools/machine_code.py): what a tile takes of every consumer warp and of the producer.
TEST_CASE("a tile of attention takes as many instructions as in the kernels' machine code") {
  std::ifstream file(kConfigs / "kernels/machine_code.json");
  const auto counted = nlohmann::json::parse(file);
  arch::GpuSpec machine = arch::load_gpu(kConfigs / "arch/h100_sxm.yaml").value;
  machine.sm_count = 1;
  for (const auto& [name, phases] : counted.items()) {
    CAPTURE(name);
    const auto kernel = workloads::load_attention_kernel(kConfigs / "kernels" / (name + ".yaml"));
    const auto instructions = [&](uint32_t tiles) {
      workloads::AttentionProblem problem;
      problem.heads = 1;
      problem.queries = kernel.query_tile;
      problem.keys = tiles * kernel.key_tile;
      const auto run = build_attention(machine, kernel, problem, 1.0, 1, true);
      REQUIRE(run->tiles == tiles);
      return double(GpuSimulator(machine, Fidelity::kEvent).run(run->kernel, 100'000'000).counts.instructions);
    };
    const auto consumer = double(phases.at("consumer_tile").size()), producer = double(phases.at("producer_tile").size());
    const bool gathers = kernel.kernel == workloads::KernelSource::kGather;
    const double expected = consumer * 4 * kernel.consumer_warpgroups + producer * (gathers ? 4 : 1);
    CHECK((instructions(12) - instructions(4)) / 8 == doctest::Approx(expected).epsilon(0.06));
  }
}

TEST_CASE("every GPU and kernel file that ships loads, and the kernels fit the machine") {
  for (const char* name : {"h100_sxm", "h200_sxm", "h100_sxm_gather_engine"}) {
    CAPTURE(name);
    const arch::GpuSpec machine = arch::load_gpu(kConfigs / "arch" / (std::string(name) + ".yaml")).value;
    CHECK(machine.name == name);
    CHECK(machine.sm_count == 132);
    for (const auto& file : std::filesystem::directory_iterator(kConfigs / "kernels")) {
      if (file.path().extension() != ".yaml") {
        continue;  // the counts taken from machine code
      }
      CAPTURE(file.path().string());
      CHECK_NOTHROW(workloads::load_attention_kernel(file.path()));
    }
  }
}

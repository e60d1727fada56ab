// SPDX-License-Identifier: Apache-2.0
//
// Mixes of a softmax's instructions beside the matrix unit, from their machine code, next to what the card measured.
//   mix_beside MACHINE.yaml MIXES.json [each]
// gpu_ref/tools/mix_code.py writes MIXES.json from a binary and its record mix_beside.json. The compiler decides in which order
// a mix's instructions come, so that a twin of the record alone would run something else.
#include <fmt/format.h>

#include <map>

#include "sim/base/error.h"
#include "sim/gpu/benchmark/machine_piece.h"
#include "sim/gpu/simulator.h"

extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }

using namespace tilewright;
using namespace tilewright::gpu;

namespace {

constexpr uint32_t kTurnsOfLoop = 32, kWarmLoops = 4, kProducts = 1024;
constexpr double kIdleCycles = 60000;

struct Cycles {
  double turn = 0, wgmma = 0;
};

// The mix is timed over the first half of the products, those over all of theirs while the mix goes on.
Cycles simulated(const arch::GpuSpec& machine, const Code& mix, const Code& matrix, const nlohmann::json& point) {
  const uint32_t warps = point.at("warps_per_sub_core"), batch = point.at("batch");
  const double turn = point.at("turn_cycles"), wgmma = point.at("wgmma_cycles");
  const uint32_t batches = batch == 0 ? 0 : kProducts / batch;
  const double total = batch == 0 ? kIdleCycles : kProducts * wgmma;
  const auto loops = static_cast<uint32_t>(0.5 * total / (turn * warps * kTurnsOfLoop)) + 1;
  const auto multiply = [&] {
    return Piece(matrix, machine.sub_core).turns(kWarmLoops, 2).turns(batches, 3).turns(batches, 4).take();
  };
  Kernel kernel;
  kernel.shape.registers_per_thread = 32;
  if (point.at("matrix_warps") == "oldest") {
    add_warpgroup(kernel, multiply());
  }
  for (uint32_t w = 0; w < warps; ++w) {
    add_warpgroup(kernel, Piece(mix, machine.sub_core).turns(kWarmLoops, 0).turns(loops, 1).turns(3 * loops + 10, 5).take());
  }
  if (point.at("matrix_warps") == "youngest") {
    add_warpgroup(kernel, multiply());
  }
  kernel.ctas.push_back({});
  const auto stamps = GpuSimulator(machine, Fidelity::kEvent).run(kernel).ctas[0].stamps;
  return {double(stamps[1] - stamps[0]) / (double(loops) * kTurnsOfLoop * warps),
          batches == 0 ? 0 : double(stamps[3] - stamps[2]) / kProducts};
}

struct Errors {
  uint32_t count = 0;
  double turn = 0, turn_bias = 0, wgmma = 0, wgmma_bias = 0;
};

void compare(const arch::GpuSpec& machine, const nlohmann::json& mixes, bool each) {
  std::map<std::string, Errors> families;
  const auto code_of = [&](const nlohmann::json& name) {
    return name.is_null() ? Code{} : workloads::parse_machine_code(mixes.at("code").at(name.get<std::string>()));
  };
  for (const auto& point : mixes.at("points")) {
    const Cycles cycles = simulated(machine, code_of(point.at("code")), code_of(point.at("matrix")), point);
    const double turn = 100 * (cycles.turn / point.at("turn_cycles").get<double>() - 1);
    const double wgmma = cycles.wgmma == 0 ? 0 : 100 * (cycles.wgmma / point.at("wgmma_cycles").get<double>() - 1);
    if (each) {
      fmt::print("{:44} {:9} {:8} {} {:2} {} {:7.2f} {:7.2f} {:+6.1f} %  {:6.1f} {:6.1f} {:+6.1f} %\n", point.at("mix").get<std::string>(),
                 point.at("operands").get<std::string>(), point.at("matrix_warps").get<std::string>(), point.at("a").get<std::string>(),
                 point.at("batch").get<int>(), point.at("warps_per_sub_core").get<int>(), point.at("turn_cycles").get<double>(),
                 cycles.turn, turn, point.at("wgmma_cycles").get<double>(), cycles.wgmma, wgmma);
    }
    Errors& errors = families[fmt::format("{}, batches of {:2}, {}, {} warps", point.at("a").get<std::string>(), point.at("batch").get<int>(),
                                          point.at("operands").get<std::string>(), point.at("warps_per_sub_core").get<int>())];
    ++errors.count;
    errors.turn += std::abs(turn);
    errors.turn_bias += turn;
    errors.wgmma += std::abs(wgmma);
    errors.wgmma_bias += wgmma;
  }
  for (const auto& [name, errors] : families) {
    fmt::print("{:44} n {:3} turn {:5.1f} % bias {:+5.1f} %  wgmma {:5.1f} % bias {:+5.1f} %\n", name, errors.count, errors.turn / errors.count,
               errors.turn_bias / errors.count, errors.wgmma / errors.count, errors.wgmma_bias / errors.count);
  }
}

}  // namespace

int main(int count, char** arguments) {
  return hold_against_record(count, arguments, "mix_beside MACHINE.yaml MIXES.json [each]", compare);
}

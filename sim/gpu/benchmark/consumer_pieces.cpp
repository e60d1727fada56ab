// SPDX-License-Identifier: Apache-2.0
//
// An attention consumer's turn piece by piece, from the pieces' machine code, beside what the card measured.
//   consumer_pieces MACHINE.yaml PIECES.json [each]
// gpu_ref/tools/pieces_code.py writes PIECES.json from a binary and its record. A piece's machine code is that of one build, so it
// is not kept; every barrier is open, as on the card.
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

constexpr uint32_t kFirstTurns = 2, kTurns = 64;
constexpr uint32_t kManyArrivals = 1000000;

double turn_cycles(const arch::GpuSpec& machine, const Code& code, uint32_t warpgroups) {
  const auto ran = [&](uint32_t turns) {
    Kernel kernel;
    kernel.shape.registers_per_thread = 32;
    kernel.shape.barrier_counts = {1, kManyArrivals};
    for (uint32_t g = 0; g < warpgroups; ++g) {
      add_warpgroup(kernel, Piece(code, machine.sub_core).turns(turns, 1).take());
    }
    kernel.ctas.push_back({});
    return double(GpuSimulator(machine, Fidelity::kEvent).run(kernel).ctas[0].stamps[1]);
  };
  return (ran(kFirstTurns + kTurns) - ran(kFirstTurns)) / kTurns;
}

struct Errors {
  uint32_t count = 0;
  double sum = 0, absolute = 0, worst = 0;
};

void compare(const arch::GpuSpec& machine, const nlohmann::json& pieces, bool each) {
  std::map<std::string, Errors> families;
  for (const auto& point : pieces.at("points")) {
    const std::string piece = point.at("piece"), parts = point.at("parts");
    const uint32_t warpgroups = point.at("warpgroups");
    const double measured = point.at("turn_cycles");
    const double cycles = turn_cycles(machine, workloads::parse_machine_code(pieces.at("code").at(piece)), warpgroups);
    const double error = 100 * (cycles / measured - 1);
    if (each) {
      fmt::print("{:60} {} warpgroups {:8.1f} {:8.1f} {:+6.1f} %\n", piece, warpgroups, measured, cycles, error);
    }
    const bool weighs = parts.find("softmax") != std::string::npos, multiplies = parts != "softmax";
    Errors& errors = families[fmt::format("{} warpgroups, {}", warpgroups,
                                          weighs && multiplies ? "products and softmax" : weighs ? "softmax" : "products")];
    ++errors.count;
    errors.sum += error;
    errors.absolute += std::abs(error);
    errors.worst = std::abs(error) > std::abs(errors.worst) ? error : errors.worst;
  }
  for (const auto& [name, errors] : families) {
    fmt::print("{:40} n {:3} mean {:5.1f} % bias {:+5.1f} % worst {:+6.1f} %\n", name, errors.count, errors.absolute / errors.count,
               errors.sum / errors.count, errors.worst);
  }
}

}  // namespace

int main(int count, char** arguments) {
  return hold_against_record(count, arguments, "consumer_pieces MACHINE.yaml PIECES.json [each]", compare);
}

// SPDX-License-Identifier: Apache-2.0
//
// Machine code written instruction by instruction, alone and beside the matrix unit, next to what the card measured.
//   issue_streams MACHINE.yaml STREAMS.json RECORD.json [each]
// gpu_ref/tools/make_streams.py writes STREAMS.json when gpu_ref is built; RECORD.json is measurements/<card>/issue_streams.json.
#include <fmt/format.h>

#include <map>

#include "sim/base/error.h"
#include "sim/gpu/benchmark/machine_piece.h"
#include "sim/gpu/programs/run.h"
#include "sim/gpu/simulator.h"

extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }

using namespace tilewright;
using namespace tilewright::gpu;

namespace {

constexpr uint32_t kInstructions = 240;  // of the frame's body
constexpr uint32_t kTurns = 40, kBatch = 32, kColumns = 128;
constexpr uint32_t kBetweenBatches = 50;  // barrier and clock

// The frame's loop around a period.
Code frame(const Code& period) {
  Code loop;
  for (std::size_t at = 0; at < kInstructions; ++at) {
    loop.push_back(period[at % period.size()]);
  }
  loop.push_back({.opcode = "ISETP", .operands = {}});
  loop.push_back({.opcode = "BRA"});
  return loop;
}

// Products through all of the turns; those of the first `batches` are timed.
WarpProgram products(uint32_t batches, bool from_registers, uint32_t begin, uint32_t end) {
  ProgramBuilder program("products");
  program.stamp(begin);
  for (const uint32_t count : {batches, 3 * batches + 10}) {
    program.loop(count);
    micro::add_products(program, kColumns, kBatch, from_registers);
    program.matrix_wait(0);
    program.delay(kBetweenBatches);
    program.end_loop();
    if (count == batches) {
      program.stamp(end);
    }
  }
  return program.take();
}

struct Cycles {
  double turn = 0, wgmma = 0;
};

struct Streams {
  std::map<std::string, Code> code;  // loops
  std::map<std::string, nlohmann::json> cases;
};

std::string case_name(const std::string& stream, uint32_t warps, const std::string& beside) {
  return fmt::format("{} | {} | {}", stream, warps, beside);
}

Cycles simulated(const arch::GpuSpec& machine, const Streams& streams, const nlohmann::json& one, Cycles measured) {
  const uint32_t warps = one.at("warps_per_sub_core");
  const std::string beside = one.at("beside");
  Kernel kernel;
  kernel.shape.registers_per_thread = 32;
  const uint32_t batches = beside == "none" ? 0 : static_cast<uint32_t>(0.8 * kTurns * measured.turn / (kBatch * measured.wgmma)) + 1;
  constexpr uint32_t kBegin = 16, kEnd = 17;
  if (batches > 0) {
    add_warpgroup(kernel, products(batches, beside == "RS", kBegin, kEnd));
  }
  for (uint32_t w = 0; w < warps; ++w) {
    const bool first = w % 2 == 0 || one.at("same").get<bool>();
    const Code& loop = streams.code.at(one.at(first ? "first" : "second"));
    add_warpgroup(kernel, Piece(loop, machine.sub_core).stamp(2 * w).turns(kTurns, 2 * w + 1).take());
  }
  kernel.ctas.push_back({});
  const auto stamps = GpuSimulator(machine, Fidelity::kEvent).run(kernel).ctas[0].stamps;
  Cycles cycles;
  for (uint32_t w = 0; w < warps; ++w) {
    cycles.turn = std::max(cycles.turn, double(stamps[2 * w + 1] - stamps[2 * w]) / kTurns);
  }
  cycles.wgmma = batches > 0 ? double(stamps[kEnd] - stamps[kBegin]) / (batches * kBatch) : 0;
  return cycles;
}

struct Errors {
  uint32_t count = 0;
  double turn = 0, bias = 0, wgmma = 0;
};

Streams read_streams(const nlohmann::json& file) {
  Streams streams;
  for (const auto& [name, code] : file.at("code").items()) {
    streams.code[name] = frame(workloads::parse_machine_code(code.at("issue")));
  }
  for (const auto& one : file.at("cases")) {
    streams.cases[case_name(one.at("name"), one.at("warps_per_sub_core"), one.at("beside"))] = one;
  }
  return streams;
}

void compare(const arch::GpuSpec& machine, const nlohmann::json& file, const nlohmann::json& record, bool each) {
  const Streams streams = read_streams(file);
  std::map<std::string, Errors> families;
  for (const auto& point : record.at("points")) {
    const auto& given = point.at("parameters");
    const std::string beside = given.at("beside");
    const uint32_t warps = given.at("warps_per_sub_core");
    const auto metric = [&](const char* name) { return point.at("metrics").at(name).at("value").get<double>(); };
    const Cycles measured = {metric("turn_cycles"), beside == "none" ? 0 : metric("wgmma_cycles")};
    const std::string name = case_name(given.at("stream"), warps, beside);
    const Cycles cycles = simulated(machine, streams, streams.cases.at(name), measured);
    const double turn = 100 * (cycles.turn / measured.turn - 1);
    const double wgmma = measured.wgmma == 0 ? 0 : 100 * (cycles.wgmma / measured.wgmma - 1);
    if (each) {
      fmt::print("{:62} {:8.1f} {:8.1f} {:+6.1f} %  {:6.1f} {:6.1f} {:+6.1f} %\n", name, measured.turn, cycles.turn, turn, measured.wgmma,
                 cycles.wgmma, wgmma);
    }
    Errors& errors = families[fmt::format("{}, {} warps, beside {}", point.at("family").get<std::string>(), warps, beside)];
    ++errors.count;
    errors.turn += std::abs(turn);
    errors.bias += turn;
    errors.wgmma += std::abs(wgmma);
  }
  for (const auto& [name, errors] : families) {
    fmt::print("{:40} n {:3} turn {:5.1f} % bias {:+5.1f} %  wgmma {:5.1f} %\n", name, errors.count, errors.turn / errors.count,
               errors.bias / errors.count, errors.wgmma / errors.count);
  }
}

}  // namespace

int main(int count, char** arguments) {
  return hold_against_record<2>(count, arguments, "issue_streams MACHINE.yaml STREAMS.json RECORD.json [each]", compare);
}

// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "sim/accel/simulator.h"
#include "sim/base/error.h"
#include "tests/accel/random_program.h"

using tilewright::accel::AcceleratorSimulator;
using tilewright::accel::Fidelity;
using tilewright::accel::testing::Pressure;
using tilewright::accel::testing::random_case;

namespace {

// "time value" of every change of a signal, which is named by its scopes.
std::string changes_of(const std::string& file, const std::string& wanted) {
  std::ifstream in(file);
  std::string line, scope, code, result, time;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string first, second, third, fourth, fifth;
    words >> first >> second >> third >> fourth >> fifth;
    if (first == "$scope") {
      scope += third + ".";
    } else if (first == "$upscope") {
      scope.erase(scope.find_last_of('.', scope.size() - 2) + 1);
    } else if (first == "$var" && scope + fifth == wanted) {
      code = fourth;
    } else if (first.starts_with("#")) {
      time = first.substr(1);
    } else if (!code.empty() && line.ends_with(" " + code)) {
      result += time + " " + first + "\n";
    }
  }
  return result;
}

}  // namespace

TEST_CASE("both fidelities write the same signal changes at the same times, and tracing changes no result") {
  const auto random = random_case(19, Pressure::kAny);
  const auto folder = std::filesystem::temp_directory_path();
  std::map<Fidelity, std::string> steps;
  for (const Fidelity fidelity : {Fidelity::kTick, Fidelity::kEvent}) {
    const std::string file = (folder / (fidelity == Fidelity::kTick ? "trace_tick.vcd" : "trace_event.vcd")).string();
    {
      AcceleratorSimulator traced(random.spec, fidelity, file);
      CHECK(traced.run(random.program) == AcceleratorSimulator(random.spec, fidelity).run(random.program));
    }
    steps[fidelity] = changes_of(file, "SystemC.accelerator.pe0.step");
    CHECK(steps[fidelity].size() > 20);
  }
  CHECK(steps[Fidelity::kTick] == steps[Fidelity::kEvent]);
}

TEST_CASE("a trace that cannot be written is the user's error") {
  const auto random = random_case(19, Pressure::kAny);
  CHECK_THROWS_AS(AcceleratorSimulator(random.spec, Fidelity::kTick, "/no/such/folder/trace.vcd"),
                  tilewright::UserError);
}

TEST_CASE("every box of the design is a module with its own name") {
  const auto random = random_case(7, Pressure::kDram);
  std::map<std::string, int> names;
  for (const auto& module : AcceleratorSimulator(random.spec, Fidelity::kEvent).modules()) {
    ++names[module.path];
  }
  for (const char* name : {"accelerator", "accelerator.scheduler", "accelerator.network", "accelerator.global_buffer",
                           "accelerator.pe0", "accelerator.pe0.weight_buffer", "accelerator.pe0.input_buffer",
                           "accelerator.vector_unit", "accelerator.input_sender0", "accelerator.weight_sender0",
                           "accelerator.dram", "accelerator.load_dma", "accelerator.store_dma"}) {
    CHECK_MESSAGE(names[name] == 1, name);
  }
}

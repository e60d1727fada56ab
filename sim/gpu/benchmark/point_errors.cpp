// SPDX-License-Identifier: Apache-2.0
//
// Records against twins, point by point: simulated over measured, for working on a twin. `tilewright validate` is the product.
//   point_errors MACHINE.yaml RECORD.json...
#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "arch/load_gpu.h"
#include "sim/base/error.h"
#include "sim/gpu/programs/simulate_point.h"

extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }

namespace tilewright::gpu {
namespace {

struct Sums {
  int n = 0;
  double error = 0, worst = 0;
};

void report(const arch::GpuSpec& spec, const std::string& file, std::map<std::string, Sums>& sums) {
  std::ifstream stream(file);
  const auto record = nlohmann::ordered_json::parse(stream);
  const std::string suite = record.at("header").at("suite");
  for (const auto& each : record.at("points")) {
    RecordPoint point{suite, each.at("family"), each.at("parameters"), std::nullopt};
    if (each.contains("sm_clock_hz") && each.at("sm_clock_hz").is_number()) {
      point.sm_clock_hz = each.at("sm_clock_hz").get<double>();
    }
    const std::string metric = each.at("metric");
    const auto simulated = simulate_point(spec, point, metric);
    if (!simulated) {
      continue;
    }
    const double measured = each.at("median"), ratio = *simulated / measured;
    const std::string split = each.at("split");
    std::string parameters;
    for (const auto& [key, value] : each.at("parameters").items()) {
      parameters += (parameters.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : value.dump());
    }
    fmt::print("{} {:.4} {:60} {:>12.5g} {:>12.5g} {:+6.1f} %\n", point.family, split, parameters, measured, *simulated,
               (ratio - 1) * 100);
    Sums& sum = sums[point.family + " " + split];
    ++sum.n;
    sum.error += std::abs(ratio - 1);
    sum.worst = std::abs(ratio - 1) > std::abs(sum.worst) ? ratio - 1 : sum.worst;
  }
}

}  // namespace
}  // namespace tilewright::gpu

int main(int count, char** arguments) {
  try {
    const auto machine = tilewright::arch::load_gpu(arguments[1]);
    std::map<std::string, tilewright::gpu::Sums> sums;
    for (int i = 2; i < count; ++i) {
      tilewright::gpu::report(machine.value, arguments[i], sums);
    }
    for (const auto& [family, sum] : sums) {
      fmt::print("== {:45} n {:4} mean {:5.1f} % worst {:+6.1f} %\n", family, sum.n, 100 * sum.error / sum.n, 100 * sum.worst);
    }
  } catch (const tilewright::UserError& error) {
    for (const auto& diagnostic : error.diagnostics()) {
      fmt::print(stderr, "{}\n", tilewright::format_diagnostic(diagnostic));
    }
    return 2;
  }
  return 0;
}

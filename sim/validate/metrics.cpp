// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/metrics.h"

namespace tilewright::validate {
namespace {

using Value = std::optional<double>;

Value ratio(double part, double whole) {
  return whole > 0 ? Value(part / whole) : std::nullopt;
}

double macs(const Observation& seen) {
  return static_cast<double>(seen.run.macs);
}
double joules(const Observation& seen) {
  return seen.run.total_energy().nominal;
}

// Components as Keller et al. (2023) group them: "other" is clock, address generation, sequencing and
// leakage.
Metric component(const std::string& name, std::vector<std::string> parts, const std::string& meaning) {
  return {name, "fJ/MAC", meaning,
          [parts = std::move(parts)](const Observation& seen) -> Value {
            double sum = 0;
            for (const std::string& part : parts) {
              const auto energy = seen.run.energy.find(part);
              if (energy == seen.run.energy.end()) {
                return std::nullopt;
              }
              sum += energy->second.nominal;
            }
            return ratio(sum * 1e15, macs(seen));
          },
          false};
}

}  // namespace

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> all = {
      {"giga_macs", "GMAC", "multiply-accumulates of one inference",
       [](const Observation& seen) -> Value { return macs(seen) / 1e9; }, true},
      {"cycles", "cycle", "of one inference",
       [](const Observation& seen) -> Value {
         return seen.run.cycles > 0 ? Value(static_cast<double>(seen.run.cycles)) : std::nullopt;
       },
       false},
      {"mac_utilisation", "1", "MACs / (cycles x MACs per cycle)",
       [](const Observation& seen) -> Value { return seen.run.utilisation; }, false},
      {"inferences_per_second", "1/s", "one after another",
       [](const Observation& seen) { return ratio(1, seen.run.time_s); }, false},
      {"inferences_per_joule", "1/J", "as published: inferences per second and watt",
       [](const Observation& seen) { return ratio(1, joules(seen)); }, false},
      {"tera_operations_per_joule", "TOP/J", "a MAC is two operations; the same as TOPS/W",
       [](const Observation& seen) { return ratio(2e-12 * macs(seen), joules(seen)); }, false},
      {"energy_per_mac", "fJ/MAC", "everything that the machine has",
       [](const Observation& seen) { return ratio(joules(seen) * 1e15, macs(seen)); }, false},
      component("datapath_energy_per_mac", {"datapath"}, "multipliers, adder trees, vector registers"),
      component("weight_buffer_energy_per_mac", {"weight_buffer"}, "the A buffer of Keller et al. (2023)"),
      component("input_buffer_energy_per_mac", {"input_buffer"}, "the B buffer of Keller et al. (2023)"),
      component("accumulator_energy_per_mac", {"accumulator"}, "the accumulation collector"),
      component("other_energy_per_mac", {"control", "leakage"},
                "clock, address generation, sequencing, leakage"),
      {"area", "mm2", "of the chip's parts that the machine describes",
       [](const Observation& seen) -> Value {
         return seen.area_m2 > 0 ? Value(seen.area_m2 * 1e6) : std::nullopt;
       },
       false},
  };
  return all;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) {
    names.push_back(metric.name);
  }
  return names;
}

const Metric* find_metric(const std::string& name) {
  for (const Metric& metric : metrics()) {
    if (metric.name == name) {
      return &metric;
    }
  }
  return nullptr;
}

}  // namespace tilewright::validate

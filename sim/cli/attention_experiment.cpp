// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/attention_experiment.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/gpu/programs/estimate.h"
#include "sim/report/progress.h"
#include "sim/report/table.h"

namespace tilewright::cli {
namespace {

using Json = nlohmann::ordered_json;
using workloads::AttentionKernel;

struct AttentionResult {
  std::string machine;
  const arch::GpuSpec* spec = nullptr;
  AttentionKernel kernel;
  double density = 1;  // asked for
  uint64_t items = 0, tiles = 0, elements = 0, hash = 0;
  double list_density = 1;
  gpu::AttentionEstimate estimate;

  double time_s() const { return estimate.cycles / double(spec->sm_clock.value); }
  double tflops() const { return 4.0 * double(elements) * kernel.head_size / time_s() * 1e-12; }
  double count(const char* key) const {
    const auto found = estimate.counts.find(key);
    return found == estimate.counts.end() ? 0 : found->second;
  }
};

struct Utilisation {
  const char* name;
  double share;
};

// What each resource was busy with, of all cycles of all SMs.
std::vector<Utilisation> utilisations(const AttentionResult& run) {
  const arch::GpuSpec& spec = *run.spec;
  const double cycles = run.estimate.sm_cycles, cores = spec.sub_core.count;
  const double seconds = run.time_s();
  const double slice_bytes = double(spec.l2.slices) * spec.l2.slice_bytes_per_cycle * double(spec.l2.clock.value);
  const double banks = run.count("lsu_wavefronts") + run.count("copy_wavefronts") + run.count("tma_wavefronts") +
                       run.count("matrix_wavefronts");
  return {{"matrix_unit", run.count("matrix_cycles") / cycles},
          {"mufu", run.count("ex2_warp_instructions") * spec.sub_core.ex2.interval / (cycles * cores)},
          {"shared_memory", banks / cycles},
          {"issue", run.count("warp_instructions") / (cycles * cores)},
          {"l2", run.count("l2_sectors") * gpu::kSectorBytes / (slice_bytes * seconds)},
          {"hbm", run.count("dram_bytes") / (spec.dram.peak_bytes_per_second() * spec.memory_stacks * seconds)}};
}

std::vector<AttentionResult> run_all(const AttentionExperiment& experiment, gpu::Fidelity fidelity) {
  std::vector<AttentionResult> results;
  report::Progress progress(experiment.machines.size() * experiment.kernels.size(), "kernels");
  const uint32_t heads = experiment.heads == 0 ? experiment.workload.heads : experiment.heads;
  for (const arch::GpuSpec& machine : experiment.machines) {
    for (const std::string& file : experiment.kernels) {
      const AttentionKernel kernel = workloads::load_attention_kernel(file);
      const bool dense = kernel.kernel == workloads::KernelSource::kDense;
      const std::vector<double> densities = dense ? std::vector<double>{1.0} : experiment.workload.mask.densities;
      for (const double density : densities) {
        progress.show(fmt::format("{} {} {:.2f}", machine.name, kernel.name, density));
        const auto run =
            gpu::build_attention(machine, kernel, experiment.workload, density, heads, experiment.use_gather_engine);
        if (run->kernel.ctas.empty()) {
          continue;  // nothing is kept
        }
        results.push_back({machine.name, &machine, kernel, density, run->items, run->tiles, run->listed_elements,
                           run->list_hash, run->list_density,
                           gpu::run_attention(machine, *run, fidelity, experiment.sampled)});
      }
      progress.advance(machine.name + " " + kernel.name);
    }
  }
  return results;
}

Json object_of(const std::map<std::string, double>& values) {
  Json json = Json::object();
  for (const auto& [key, value] : values) {
    json[key] = value;
  }
  return json;
}

Json run_json(const AttentionExperiment& experiment, const AttentionResult& run) {
  Json stalls = Json::object(), utilisation = Json::object();
  for (const auto& [role, cycles] : run.estimate.stalls) {
    stalls[role] = object_of(cycles);
  }
  for (const Utilisation& each : utilisations(run)) {
    utilisation[each.name] = each.share;
  }
  const double matrix = utilisations(run).front().share;
  return {{"name", fmt::format("{} {:.3g}", run.kernel.name, run.density)},
          {"machine", run.machine},
          {"workload", experiment.workload.name},
          {"kernel", run.kernel.name},
          {"density", run.list_density},
          {"mask_density", run.density},
          {"work_list_hash", fmt::format("{:016x}", run.hash)},
          {"items", run.items},
          {"tiles", run.tiles},
          {"macs", 2 * run.elements * run.kernel.head_size},
          {"cycles", run.estimate.cycles},
          {"cycles_low", run.estimate.low},
          {"cycles_high", run.estimate.high},
          {"sampled", run.estimate.sampled},
          {"sm_cycles", run.estimate.sm_cycles},
          {"time_s", run.time_s()},
          {"tflops", run.tflops()},
          {"utilisation", matrix},
          {"utilisation_by_resource", utilisation},
          {"energy_j", run.estimate.energy_j},
          {"energy_by_component_j", object_of(run.estimate.energy_by_component_j)},
          {"power_w", run.estimate.energy_j / run.time_s()},
          {"activity", object_of(run.estimate.counts)},
          {"stalls", stalls}};
}

Json json_of(const AttentionExperiment& experiment, const std::string& hash, const std::string& fidelity,
             const RunOptions& options, const std::vector<AttentionResult>& results) {
  Json json = {{"schema_version", 1},
               {"version", TILEWRIGHT_VERSION},
               {"configuration_hash", hash},
               {"experiment", experiment.name},
               {"fidelity", fidelity},
               {"command", options.command},
               {"runs", Json::array()}};
  for (const AttentionResult& run : results) {
    json["runs"].push_back(run_json(experiment, run));
  }
  return json;
}

std::string csv_of(const std::vector<AttentionResult>& results) {
  std::string text =
      "machine,kernel,mask_density,density,items,tiles,cycles,cycles_low,cycles_high,time_s,tflops,energy_j,matrix_unit,mufu,"
      "shared_memory,issue,l2,hbm\n";
  for (const AttentionResult& run : results) {
    text += fmt::format("{},{},{:.6g},{:.6g},{},{},{:.10g},{:.10g},{:.10g},{:.6g},{:.6g},{:.6g}", run.machine,
                        run.kernel.name, run.density, run.list_density, run.items, run.tiles, run.estimate.cycles,
                        run.estimate.low, run.estimate.high, run.time_s(), run.tflops(), run.estimate.energy_j);
    for (const Utilisation& each : utilisations(run)) {
      text += fmt::format(",{:.4f}", each.share);
    }
    text += "\n";
  }
  return text;
}

std::string stall_text(const AttentionResult& run, const char* role) {
  const auto found = run.estimate.stalls.find(role);
  if (found == run.estimate.stalls.end()) {
    return {};
  }
  double total = 0;
  std::vector<std::pair<double, std::string>> reasons;
  for (const auto& [reason, cycles] : found->second) {
    total += cycles;
    reasons.emplace_back(cycles, reason);
  }
  std::sort(reasons.rbegin(), reasons.rend());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(4, reasons.size()) && total > 0; ++i) {
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", reasons[i].second, 100 * reasons[i].first / total);
  }
  return text;
}

std::string text_of(const AttentionExperiment& experiment, const std::string& fidelity,
                    const std::vector<AttentionResult>& results) {
  using report::Table;
  std::string text = fmt::format("{}\n{}\n{} ({}), {}{}\n\n", experiment.name, experiment.description,
                                 experiment.workload.name, experiment.workload.description, fidelity,
                                 experiment.sampled ? ", sampled" : "");
  Table table({{"machine", "", Table::Align::kLeft}, {"kernel", "", Table::Align::kLeft}, {"density", "%"},
               {"cycles", ""}, {"interval", "", Table::Align::kLeft}, {"time", "ms"}, {"rate", "TFLOP/s"}, {"energy", "J"},
               {"power", "W"}, {"matrix", "%"}, {"MUFU", "%"}, {"banks", "%"}, {"issue", "%"}, {"L2", "%"}, {"HBM", "%"}});
  for (const AttentionResult& run : results) {
    std::vector<std::string> row{run.machine, run.kernel.name, fmt::format("{:.1f}", 100 * run.list_density),
                                 report::with_separators(static_cast<uint64_t>(run.estimate.cycles)),
                                 run.estimate.sampled ? fmt::format("+-{:.1f} %", 100 * (run.estimate.high / run.estimate.cycles - 1))
                                                      : "in full",
                                 fmt::format("{:.4g}", run.time_s() * 1e3), fmt::format("{:.1f}", run.tflops()),
                                 fmt::format("{:.3g}", run.estimate.energy_j),
                                 fmt::format("{:.0f}", run.estimate.energy_j / run.time_s())};
    for (const Utilisation& each : utilisations(run)) {
      row.push_back(fmt::format("{:.1f}", 100 * each.share));
    }
    table.add_row(std::move(row));
  }
  text += table.text(false);
  text += "\nWhere the warps' cycles went, most first\n";
  for (const AttentionResult& run : results) {
    for (const char* role : {"producer", "consumer"}) {
      text += fmt::format("  {} {:.1f} %, {}: {}\n", run.kernel.name, 100 * run.list_density, role, stall_text(run, role));
    }
  }
  return text;
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  if (!stream.flush()) {
    throw UserError(fmt::format("cannot write '{}'", path.string()), ExitCode::kRunFailed);
  }
}

}  // namespace

void describe(config::Schema<AttentionExperiment>& schema) {
  using E = AttentionExperiment;
  schema.kind("attention_experiment", "attention kernels on GPUs, by density");
  schema.field(&E::name, "name", "shown in reports").required().non_empty();
  schema.field(&E::description, "description", "one sentence").required().non_empty();
  schema.field(&E::machines, "machines", "files of kind 'gpu', or their keys").required().non_empty().reference();
  schema.field(&E::kernels, "kernels", "files of kind 'kernel'").required().non_empty().file();
  schema.field(&E::workload, "workload", "a file of kind 'attention', or its keys").required().reference();
  schema.field(&E::heads, "heads", "run the first so many; 0: all").range(0, 4096);
  schema.field(&E::fidelity, "fidelity", "event, or tick, the slow reference");
  schema.field(&E::sampled, "sampled", "simulate shortened items and lay the rest out; false: everything");
  schema.field(&E::use_gather_engine, "use_gather_engine", "gather by hardware where a machine can");
}

int run_attention_experiment(const RunOptions& options) {
  const auto resolved = config::load<AttentionExperiment>(options.file, options.overrides);
  const AttentionExperiment& experiment = resolved.value;
  if (options.functional || !options.vcd.empty()) {
    throw UserError("attention experiments are timing only: --functional and --vcd are for accelerators");
  }
  const bool tick = options.fidelity.value_or(experiment.fidelity) == accel::Fidelity::kTick;
  const std::string fidelity = tick ? "tick" : "event";
  const std::vector<AttentionResult> results =
      run_all(experiment, tick ? gpu::Fidelity::kTick : gpu::Fidelity::kEvent);
  const std::string json = json_of(experiment, resolved.hash, fidelity, options, results).dump(2) + "\n";
  const std::string csv = csv_of(results);
  if (!options.output_directory.empty()) {
    std::filesystem::create_directories(options.output_directory);
    write_file(options.output_directory / "run.json", json);
    write_file(options.output_directory / "runs.csv", csv);
    write_file(options.output_directory / "resolved.yaml", resolved.yaml);
    fmt::print(stderr, "written to {}: run.json, runs.csv, resolved.yaml\n", options.output_directory.string());
  }
  const std::string output = options.format == Format::kJson  ? json
                             : options.format == Format::kCsv ? csv
                                                              : text_of(experiment, fidelity, results);
  std::fwrite(output.data(), 1, output.size(), stdout);
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace tilewright::cli

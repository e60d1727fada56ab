// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/attention_twin.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/error.h"
#include "sim/gpu/programs/estimate.h"

namespace tilewright::cli {
namespace {

constexpr double kRooflineEfficiency = 0.65;
constexpr double kPowerLimitW = 700;

double number(const Parameters& parameters, const std::string& name, double otherwise) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? otherwise : std::get<double>(found->second);
}

uint32_t count(const Parameters& parameters, const std::string& name, uint32_t otherwise) {
  return static_cast<uint32_t>(number(parameters, name, otherwise));
}

std::string text(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : std::get<std::string>(found->second);
}

masks::MaskKind kind_of(const std::string& name) {
  for (const auto& [kind, word] : masks::enumeration_names(masks::MaskKind{})) {
    if (word == name) {
      return kind;
    }
  }
  throw InternalError(fmt::format("the record's mask '{}' has no recipe here", name));
}

workloads::AttentionProblem problem_of(const Parameters& parameters) {
  workloads::AttentionProblem problem;
  problem.heads = count(parameters, "heads", 1);
  problem.keys = count(parameters, "tokens", 1);
  problem.queries = count(parameters, "queries", problem.keys);
  std::string mask = text(parameters, "mask");
  if (mask.empty()) {
    return problem;
  }
  problem.mask.mixed = mask.starts_with("mixed_");
  if (problem.mask.mixed) {
    mask = mask.substr(6);
  }
  problem.mask.kind = kind_of(mask);
  problem.mask.seed = count(parameters, "seed", 0);
  problem.mask.query_group = count(parameters, "query_group", 1);
  problem.mask.run_length = count(parameters, "run_length", 1);
  problem.mask.block_queries = count(parameters, "block_queries", 1);
  problem.mask.block_keys = count(parameters, "block_keys", 1);
  problem.mask.window = count(parameters, "window", 0);
  problem.mask.period = count(parameters, "period", 1);
  problem.mask.width = count(parameters, "width", 1);
  return problem;
}

// What the profiler's counters show of the same activity. L2 is read by SMs, and by the other partition for lines that are far.
void add_counters(const std::map<std::string, double>& counts, validate::TwinResult& result) {
  constexpr double kSectorBytes = 32, kSectorsOfLine = 4, kWarpsOfGroup = 4;
  const auto add = [&](const char* counter, double value) { result.metrics[counter] = {value, {}}; };
  add("smsp__inst_executed.sum", counts.at("warp_instructions"));
  add("sm__inst_executed_pipe_tensor_op_gmma.sum", counts.at("matrix_instructions") * kWarpsOfGroup);
  add("l1tex__m_xbar2l1tex_read_bytes.sum", counts.at("sectors_requested") * kSectorBytes);
  add("lts__t_sectors_op_read.sum", counts.at("l2_sectors") + counts.at("l2_far_lines") * kSectorsOfLine);
  add("dram__bytes_read.sum", counts.at("dram_bytes"));
}

}  // namespace

bool is_attention(const validate::TwinRequest& request) {
  // The marked kernels are others than the twins', if only by a few instructions: how warpgroups stand to each other hangs on them.
  if (request.suite.starts_with("attention_marks_")) {
    return false;
  }
  return request.suite.starts_with("attention_") || request.suite.starts_with("counters_attention_");
}

validate::TwinResult simulate_attention(const arch::GpuSpec& machine, const validate::TwinRequest& request) {
  const auto file = config::repository_root() / "configs/kernels" / (text(request.parameters, "kernel") + ".yaml");
  const workloads::AttentionKernel kernel = workloads::load_attention_kernel(file);
  const workloads::AttentionProblem problem = problem_of(request.parameters);
  arch::GpuSpec spec = machine;
  if (request.clocks.sm_hz) {
    spec.sm_clock = Hertz{static_cast<uint64_t>(*request.clocks.sm_hz)};
  }
  const auto run = gpu::build_attention(spec, kernel, problem, number(request.parameters, "mask_density", 1.0),
                                        problem.heads, false);
  gpu::AttentionEstimate estimate = gpu::run_attention(spec, *run, gpu::Fidelity::kEvent, true);
  const double hertz = static_cast<double>(spec.sm_clock.value);
  const double flop = 4.0 * static_cast<double>(run->listed_elements) * kernel.head_size;
  const double roofline = flop / (4096.0 * spec.sm_count * kRooflineEfficiency);
  validate::TwinResult result;
  // A record's cycles are those of the longest CTA; its time begins with the first.
  result.metrics["cycles"] = {estimate.cycles - spec.launch.launch_cycles, roofline};
  result.metrics["time_s"] = {estimate.cycles / hertz, roofline / hertz};
  result.metrics["tflops"] = {flop / estimate.cycles * hertz * 1e-12, flop / roofline * hertz * 1e-12};
  // Records sum over the CTAs, of which some kernels have two on an SM.
  const double ctas_a_sm = double(run->kernel.ctas.size()) / double(spec.sm_count);
  result.metrics["sm_cycles"] = {estimate.cta_cycles, roofline * spec.sm_count * std::max(1.0, ctas_a_sm)};
  result.metrics["tiles"] = {static_cast<double>(run->tiles), {}};
  if (request.clocks.sustained_sm_hz) {  // weighed over many launches, by which the clock had fallen
    spec.sm_clock = Hertz{static_cast<uint64_t>(*request.clocks.sustained_sm_hz)};
    gpu::add_energy(spec, estimate);
  }
  result.metrics["joules"] = {estimate.energy_j, kPowerLimitW * roofline / double(spec.sm_clock.value)};
  if (request.suite.starts_with("counters_")) {
    add_counters(estimate.counts, result);
  }
  result.hashes["work_lists"] = fmt::format("{:016x}", run->list_hash);
  return result;
}

}  // namespace tilewright::cli

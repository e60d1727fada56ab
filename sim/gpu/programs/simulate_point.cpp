// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/programs/simulate_point.h"

#include <functional>

namespace tilewright::gpu {
namespace {

using Twin = std::function<Metrics(const arch::GpuSpec&, const micro::Parameters&)>;

// "suite/family"; two suites have a family `footprint`-like name of their own.
const std::map<std::string, Twin>& twins() {
  using micro::GpuSpec;
  using micro::Parameters;
  static const std::map<std::string, Twin> kTwins = {
      {"shared_memory/shared_load", [](const GpuSpec& s, const Parameters& p) { return micro::shared_access(s, p, false); }},
      {"shared_memory/shared_store", [](const GpuSpec& s, const Parameters& p) { return micro::shared_access(s, p, true); }},
      {"shared_memory/shared_latency", [](const GpuSpec& s, const Parameters&) { return micro::shared_latency(s); }},
      {"arithmetic/instruction", micro::instruction},
      {"arithmetic/instruction_beside_wgmma", micro::instruction_beside_wgmma},
      {"arithmetic/rate_beside_wgmma", micro::instruction_beside_wgmma},
      {"arithmetic/mix_beside_wgmma", micro::instruction_beside_wgmma},
      {"matrix_turns/matrix_issue", micro::matrix_turns},
      {"matrix_turns/matrix_turns", micro::matrix_turns},
      {"matrix_turns/matrix_descriptors", micro::wgmma},
      {"wgmma/wgmma", micro::wgmma},
      {"wgmma/wgmma_beside_stores", micro::wgmma_beside_stores},
      {"wgmma/wgmma_all_sms", micro::wgmma_all_sms},
      {"synchronisation/synchronisation_operation", micro::synchronisation_operation},
      {"synchronisation/handover", micro::handover},
      {"pingpong/pingpong", micro::pingpong},
      {"cp_async/cp_async_latency", micro::cp_async_latency},
      {"cp_async/cp_async_issue", micro::cp_async_issue},
      {"cp_async/cp_async_layout", micro::cp_async_layout},
      {"cp_async/cp_async_stream", micro::cp_async_stream},
      {"tma/tma_latency", micro::tma_stream},
      {"tma/tma_stream", micro::tma_stream},
      {"tma/tma_issue", micro::tma_issue},
      {"tma_warps/tma_rows", micro::tma_rows},
      {"gather/gather", micro::gather},
      {"gather_window/gather_window", micro::gather},
      {"memory_bandwidth/stream_read", micro::stream_read},
      {"memory_bandwidth/footprint_read", micro::footprint_read},
      {"memory_bandwidth/same_line_read", micro::same_line_read},
      {"memory_bandwidth/pieces", micro::pieces},
      {"memory_latency/l2_latency_by_sm", [](const GpuSpec& s, const Parameters&) { return micro::line_latency(s, true); }},
      {"memory_latency/hbm_latency", [](const GpuSpec& s, const Parameters&) { return micro::line_latency(s, false); }},
      {"memory_latency/footprint", micro::chase},
      {"topology/pair_read", micro::pair_read},
      {"topology/group_read", micro::group_read},
      {"l2_home/latency_by_home", micro::latency_by_home},
      {"operation_beside/operation_beside", micro::operation_beside},
      {"issue_order/issue_order", micro::issue_order},
      {"l2_pressure/l2_pressure", micro::l2_pressure},
      {"l2_pressure/l2_merge", micro::l2_merge},
      {"launch/cta_start", micro::cta_start},
      {"launch/work_counter", micro::work_counter},
      {"launch/cta_gap", micro::cta_gap},
      {"energy/energy", micro::energy},
      {"energy_clock/energy_clock", micro::energy_clock}};
  return kTwins;
}

}  // namespace

Metrics simulate_metrics(const arch::GpuSpec& machine, const RecordPoint& point) {
  const auto twin = twins().find(point.suite + "/" + point.family);
  if (twin == twins().end()) {
    return {};
  }
  arch::GpuSpec spec = machine;
  if (point.sm_clock_hz) {
    spec.sm_clock = Hertz{static_cast<uint64_t>(*point.sm_clock_hz)};
  }
  return twin->second(spec, point.parameters);
}

std::optional<double> simulate_point(const arch::GpuSpec& machine, const RecordPoint& point, const std::string& metric) {
  const Metrics metrics = simulate_metrics(machine, point);
  const auto found = metrics.find(metric);
  return found == metrics.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> simulated_families() {
  std::vector<std::string> names;
  for (const auto& [name, twin] : twins()) {
    names.push_back(name);
  }
  return names;
}

}  // namespace tilewright::gpu

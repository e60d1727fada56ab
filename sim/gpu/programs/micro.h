// SPDX-License-Identifier: Apache-2.0
//
// Twins of the microbenchmarks in gpu_ref/micro: the same names, parameters and structure, fewer iterations where the rate is
// steady. Each takes the parameters of a recorded point and gives the metrics that the record has, as far as they are modelled.
//
// Constants named "instructions of the loop" stand for address arithmetic, branches and the like that a kernel executes between
// the instructions it is named for. They belong to the kernel, not to the machine, and are set from calibration points.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "arch/gpu.h"

namespace tilewright::gpu {

using Metrics = std::map<std::string, double>;

namespace micro {

using Parameters = nlohmann::ordered_json;
using arch::GpuSpec;

Metrics shared_access(const GpuSpec& spec, const Parameters& parameters, bool store);
Metrics shared_latency(const GpuSpec& spec);
Metrics instruction(const GpuSpec& spec, const Parameters& parameters);
Metrics instruction_beside_wgmma(const GpuSpec& spec, const Parameters& parameters);
Metrics matrix_turns(const GpuSpec& spec, const Parameters& parameters);
Metrics wgmma(const GpuSpec& spec, const Parameters& parameters);
Metrics wgmma_beside_stores(const GpuSpec& spec, const Parameters& parameters);
Metrics wgmma_all_sms(const GpuSpec& spec, const Parameters& parameters);
Metrics synchronisation_operation(const GpuSpec& spec, const Parameters& parameters);
Metrics handover(const GpuSpec& spec, const Parameters& parameters);
Metrics pingpong(const GpuSpec& spec, const Parameters& parameters);
Metrics cp_async_latency(const GpuSpec& spec, const Parameters& parameters);
Metrics cp_async_issue(const GpuSpec& spec, const Parameters& parameters);
Metrics cp_async_layout(const GpuSpec& spec, const Parameters& parameters);
Metrics cp_async_stream(const GpuSpec& spec, const Parameters& parameters);
Metrics tma_stream(const GpuSpec& spec, const Parameters& parameters);
Metrics tma_issue(const GpuSpec& spec, const Parameters& parameters);
Metrics gather(const GpuSpec& spec, const Parameters& parameters);
Metrics tma_rows(const GpuSpec& spec, const Parameters& parameters);
Metrics stream_read(const GpuSpec& spec, const Parameters& parameters);
Metrics footprint_read(const GpuSpec& spec, const Parameters& parameters);
Metrics same_line_read(const GpuSpec& spec, const Parameters& parameters);
Metrics pieces(const GpuSpec& spec, const Parameters& parameters);
Metrics line_latency(const GpuSpec& spec, bool resident);
Metrics chase(const GpuSpec& spec, const Parameters& parameters);
Metrics pair_read(const GpuSpec& spec, const Parameters& parameters);
Metrics group_read(const GpuSpec& spec, const Parameters& parameters);
Metrics latency_by_home(const GpuSpec& spec, const Parameters& parameters);
Metrics cta_start(const GpuSpec& spec, const Parameters& parameters);
Metrics work_counter(const GpuSpec& spec, const Parameters& parameters);
Metrics cta_gap(const GpuSpec& spec, const Parameters& parameters);
Metrics operation_beside(const GpuSpec& spec, const Parameters& parameters);
Metrics issue_order(const GpuSpec& spec, const Parameters& parameters);
Metrics l2_pressure(const GpuSpec& spec, const Parameters& parameters);
Metrics l2_merge(const GpuSpec& spec, const Parameters& parameters);
Metrics energy(const GpuSpec& spec, const Parameters& parameters);
Metrics energy_clock(const GpuSpec& spec, const Parameters& parameters);

}  // namespace micro
}  // namespace tilewright::gpu

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "mappers/lower/lower.h"
#include "mappers/search/dram_use.h"
#include "mappers/search/estimate.h"

namespace tilewright::mappers {
namespace {

CostEstimate estimate_vector(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                             const Residency& residency) {
  CostEstimate cost;
  const TensorPlaces places = tensor_places(layer);
  cost.output_bytes = places.output_bytes;
  cost.compute = double(places.output_bytes) / spec.vector_unit.lanes * layer.vector.passes;
  // Results leave through one port: read out a line of lanes a cycle, then sent over a link as wide as a
  // row's.
  cost.output_ports =
      double(places.output_bytes) * (1.0 / spec.vector_unit.lanes + 1.0 / spec.noc.link_bytes_per_cycle);
  cost.injected_bytes = cost.delivered_bytes = places.input_bytes + places.weight_bytes;
  cost.dram_read_bytes =
      (residency.input ? 0 : places.input_bytes) + (residency.weights ? 0 : places.weight_bytes);
  cost.dram_write_bytes = residency.output ? 0 : places.output_bytes;
  if (!spec.has_dram) {
    cost.dram_read_bytes = cost.dram_write_bytes = 0;
  }
  cost.dram = double(cost.dram_read_bytes + cost.dram_write_bytes) / dram_bytes_per_cycle(spec);
  cost.dma = double(std::max(cost.dram_read_bytes, cost.dram_write_bytes)) /
             (double(spec.dma.ports) * spec.dma.bytes_per_cycle);
  return cost;
}

}  // namespace

double CostEstimate::bound() const {
  const double array = std::max({compute, collect_links, output_ports}) + fill_bound;
  return std::max({std::max(array, row_links_bound + link_fill) + drain, banks, dram, dma});
}

double CostEstimate::expected() const {
  // Units that are nearly equally busy delay each other: a high norm, not the maximum.
  const double work[] = {compute + refill,
                         row_links / 0.9,
                         collect_links / 0.95,
                         output_ports,
                         banks / 0.7,
                         slot_cycle,
                         dma,
                         std::max(dram, dram_strided) / 0.92};
  const double most = *std::max_element(std::begin(work), std::end(work));
  double sum = 0;
  for (const double cycles : work) {
    const double ratio = most > 0 ? cycles / most : 0;
    sum += ratio * ratio * ratio * ratio * ratio * ratio;
  }
  return std::max(most * std::pow(sum, 1.0 / 6), phases) + fill + drain;
}

// Picojoules of the size that configs/arch/energy gives a MAC, a byte of DRAM, global buffer, network and weight buffer.
double CostEstimate::energy_proxy() const {
  return 0.1 * double(macs) + 40.0 * double(dram_read_bytes + dram_write_bytes) +
         2.0 * double(injected_bytes + output_bytes) + 0.5 * double(delivered_bytes) + 0.125 * weight_read_bytes;
}

double CostEstimate::score() const {
  return expected() * std::pow(std::max(1.0, energy_proxy()), 0.1);
}

std::string_view CostEstimate::limiter() const {
  const std::array<std::pair<double, std::string_view>, 7> kinds = {{{compute, "compute"},
                                                                     {dram, "dram"},
                                                                     {dma, "dma"},
                                                                     {row_links, "row_links"},
                                                                     {collect_links, "collect_links"},
                                                                     {output_ports, "output_ports"},
                                                                     {banks, "global_buffer"}}};
  return std::max_element(kinds.begin(), kinds.end(),
                          [](const auto& a, const auto& b) { return a.first < b.first; })
      ->second;
}

CostEstimate estimate(const workloads::Layer& layer, const Mapping& mapping,
                      const arch::AcceleratorSpec& spec, const Residency& residency) {
  if (!layer.on_pe_array) {
    return estimate_vector(layer, spec, residency);
  }
  const Plan plan(layer, mapping, spec, residency);
  if (plan.shortfall()) {
    throw does_not_fit(layer, plan.shortfall());
  }
  return estimate(plan);
}

}  // namespace tilewright::mappers

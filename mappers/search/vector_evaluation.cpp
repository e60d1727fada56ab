// SPDX-License-Identifier: Apache-2.0
//
// Layers of the vector unit run in one way only: the program is written and added up.
#include <algorithm>
#include <bit>

#include "mappers/lower/lower.h"
#include "mappers/model/lines.h"
#include "mappers/search/find_mapping.h"

namespace tilewright::mappers {
namespace {

uint64_t bursts_of(const DramPattern& pattern, uint64_t burst) {
  uint64_t bursts = 0;
  for (uint64_t outer = 0; outer < pattern.outer_count; ++outer) {
    bursts += lines_of_run(pattern.base + outer * pattern.outer_stride, pattern.piece_bytes, pattern.inner_stride,
                           pattern.inner_count, burst);
  }
  return bursts;
}

}  // namespace

Evaluation vector_evaluation(const workloads::Layer& layer, const arch::AcceleratorSpec& spec,
                             const Residency& residency, const EnergyRates& rates) {
  const TileProgram program = lower(layer, {}, spec, residency);
  Evaluation result;
  const auto add = [&](Action action, uint64_t count) { result.counts[static_cast<std::size_t>(action)] += count; };
  double busy = 0, port = 0, sent = 0;
  for (const Step& step : program.steps.back()) {
    add(Action::kVectorUnitOperation, uint64_t{step.cycles} * spec.vector_unit.lanes);
    add(Action::kOutputBufferWrite, step.output_bytes);
    add(Action::kOutputBufferRead, step.output_bytes);
    add(Action::kNocCollected, step.output_bytes);
    add(Action::kNocLinkBytes, step.output_bytes);
    add(Action::kGlobalBufferWrite, step.output_bytes);
    busy += step.cycles;
    port += step.drain_entries + double(divide_up(step.output_bytes, spec.noc.link_bytes_per_cycle));
  }
  for (const auto& sender : program.senders) {
    for (const Send& send : sender) {
      add(Action::kGlobalBufferRead, send.bytes);
      add(Action::kNocInjected, send.bytes);
      add(Action::kNocDelivered, send.bytes);
      add(Action::kNocLinkBytes, send.bytes);
      add(send.buffet == Buffet::kWeight ? Action::kWeightBufferWrite : Action::kInputBufferWrite, send.bytes);
      sent += send.bytes;
    }
  }
  const uint64_t burst = std::max<uint64_t>(1, spec.dram.burst_bytes.value);
  double loaded = 0, stored = 0;
  for (const uint32_t tile : program.loads) {
    add(Action::kDramReadBytes, bursts_of(program.tiles[tile].dram, burst) * burst);
    add(Action::kGlobalBufferWrite, program.tiles[tile].bytes);
    loaded += double(program.tiles[tile].bytes);
  }
  for (const uint32_t tile : program.stores) {
    add(Action::kDramWriteBytes, bursts_of(program.tiles[tile].dram, burst) * burst);
    add(Action::kGlobalBufferRead, program.tiles[tile].bytes);
    stored += double(program.tiles[tile].bytes);
  }
  const auto term = [&](Term which) -> double& { return result.terms[static_cast<std::size_t>(which)]; };
  const double dma = double(spec.dma.ports) * spec.dma.bytes_per_cycle;
  term(Term::kCompute) = busy;
  term(Term::kOutputPort) = port;
  term(Term::kRowLinks) = sent / spec.noc.link_bytes_per_cycle;
  term(Term::kLoadDma) = loaded / dma;
  term(Term::kStoreDma) = stored / dma;
  if (spec.has_dram && spec.dram.command_clock.value > 0) {
    const double bytes = double(result.counts[static_cast<std::size_t>(Action::kDramReadBytes)] +
                                result.counts[static_cast<std::size_t>(Action::kDramWriteBytes)]);
    term(Term::kDram) = bytes / double(burst) * spec.dram.burst_cycles / spec.dram.channels *
                        double(spec.operating_point.clock.value) / double(spec.dram.command_clock.value);
  }
  result.cycles = *std::max_element(result.terms.begin(), result.terms.end());
  result.energy_j = rates.of(result.counts, result.cycles);
  return result;
}

}  // namespace tilewright::mappers

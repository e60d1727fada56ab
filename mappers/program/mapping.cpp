// SPDX-License-Identifier: Apache-2.0
#include "mappers/program/mapping.h"

#include <fmt/format.h>

namespace tilewright::mappers {
namespace {

const char* name_of(arch::Dataflow dataflow) {
  switch (dataflow) {
    case arch::Dataflow::kWs:
      return "ws";
    case arch::Dataflow::kOs:
      return "os";
    case arch::Dataflow::kWsLos:
      return "ws_los";
    case arch::Dataflow::kOsLws:
      return "os_lws";
  }
  return "?";
}

const char* name_of(Packing packing) {
  switch (packing) {
    case Packing::kUnpacked:
      return "";
    case Packing::kRow:
      return ", row packing";
    case Packing::kIm2col:
      return ", im2col";
    case Packing::kTapPair:
      return ", tap pairs";
  }
  return "?";
}

const char* name_of(LoopOrder order) {
  return order == LoopOrder::kWeightsOuter ? "weights outer" : "pixels outer";
}

}  // namespace

std::string describe(const Mapping& m) {
  return fmt::format(
      "{}{}{}, k{} x p{} x g{}, block {}x{} x {} tiles, chunk {}r x {}c, {} in PE; tile {}x{} x {}, {}, "
      "slots {}/{}/{}{}",
      name_of(m.dataflow), name_of(m.packing), m.swap_operands ? ", swapped" : "", m.pe_channels, m.pe_pixels,
      m.pe_groups, m.block_rows, m.block_columns, m.channel_tiles, m.chunk_kernel_rows, m.chunk_channels,
      name_of(m.pe_order), m.tile_rows, m.tile_columns, m.tile_channels, name_of(m.tile_order), m.input_slots,
      m.weight_slots, m.output_slots, m.bypass == arch::Bypass::kWeights ? ", weights past the buffer" : "");
}

}  // namespace tilewright::mappers

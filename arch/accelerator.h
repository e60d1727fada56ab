// SPDX-License-Identifier: Apache-2.0
//
// What a CNN accelerator of the MAGNet family is (Venkatesan et al., ICCAD 2019; the 5 nm core of Keller et al., JSSC
// 58(4) 2023): NPEs processing elements of NLanes vector MACs, each VectorSize wide, around a global buffer and DRAM.
//
//   DRAM <-> DMA <-> global buffer (banks) <-> row links <-> PE: weight / input buffet, lanes, accumulators, PPU, output buffer
//                                          <-> vector unit (softmax, layernorm, GELU, add, resize, pool)
//
// Plain values; the YAML keys are the field names. Machine files live in configs/arch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/dram.h"
#include "sim/base/units.h"

namespace tilewright::arch {

// MAGNet's four dataflows. They differ in what stays in the lane's registers, and so in buffer accesses:
//   weight stationary, output stationary, weight stationary with local output stationary,
//   output stationary with local weight stationary.
enum class Dataflow : uint8_t { kWs, kOs, kWsLos, kOsLws };

// Which operand may go from the DRAM into PE buffers without a place in the global buffer (docs/accelerator.md).
enum class Bypass : uint8_t { kNone, kWeights };

struct PeSpec {
  uint32_t lanes = 16;        // output channels computed side by side, in lock-step
  uint32_t vector_size = 32;  // input channels a lane multiplies and adds in one cycle; one byte each (INT8)
  Bytes weight_buffer;        // all lanes together; one bank a lane, one entry (vector_size bytes) per bank and cycle
  Bytes input_buffer;         // one entry a cycle, broadcast to every lane
  uint32_t accumulator_entries = 16;        // pixels (x lanes x 24 bit) the accumulation collector holds
  uint32_t weight_collector_entries = 1;    // weight vectors a lane holds; WS-LOS uses them all
  uint32_t accumulator_bits = 24;
  Bytes output_buffer;        // quantised outputs waiting for the network; single port, `lanes` bytes a cycle
  uint32_t pipeline_depth = 5;  // cycles from the last MAC of a sum until its output can leave the PPU
};

struct GlobalBufferSpec {
  Bytes capacity;
  uint32_t banks = 16;  // single-ported; a packet holds one bank for its whole transfer
};

// Packets of at most packet_bytes. A multicast packet holds its bank, every row link and every PE port it needs at
// once, for bytes / link_bytes_per_cycle cycles; it starts only when all are free (oldest waiting first).
struct NocSpec {
  uint32_t rows = 4;  // PEs are spread over this many row links, in order
  uint32_t link_bytes_per_cycle = 64;        // global buffer -> row -> PE
  uint32_t collect_bytes_per_cycle = 16;     // PE -> row -> global buffer
  uint32_t latency = 4;                      // cycles after its last flit until a packet can be used
  uint32_t packet_bytes = 1024;              // also the global buffer's bank interleave
  uint32_t starvation_limit = 64;            // a packet that waited this long claims its resources
};

struct DmaSpec {
  uint32_t ports = 1;            // to the global buffer, each bytes_per_cycle wide, in each direction
  uint32_t bytes_per_cycle = 64;
  uint32_t request_bytes = 256;  // one DRAM transaction at most; divides the DRAM channel interleave
  uint32_t read_credits = 32;    // transactions in flight per DRAM channel
  uint32_t write_credits = 32;
  Bypass bypass = Bypass::kNone;  // its ports lead to the row links too, for what a mapping lets past the global buffer
};

// Elements per cycle of one pass; passes per operator are a property of the operator (workloads/layer.h).
struct VectorUnitSpec {
  uint32_t lanes = 128;
  Bytes input_buffer;
  Bytes output_buffer;
  uint32_t pipeline_depth = 16;
};

struct OperatingPoint {
  Volts voltage;
  Hertz clock;
};

struct AcceleratorSpec {
  std::string name;
  std::string description;
  uint32_t pe_count = 16;
  PeSpec pe;
  GlobalBufferSpec global_buffer;
  NocSpec noc;
  DmaSpec dma;
  VectorUnitSpec vector_unit;
  std::vector<Dataflow> dataflows;             // what the PE can do; the mapping chooses
  std::vector<OperatingPoint> operating_points;  // as measured; energies are given at one of them
  OperatingPoint operating_point;              // the one to simulate
  bool has_dram = true;                        // false: operands start and results end in the global buffer
  DramSpec dram;
  std::string energy_table;                    // a file of kind energy_table; a path that opens as it is

  uint64_t macs_per_cycle() const { return uint64_t{pe_count} * pe.lanes * pe.vector_size; }
};

}  // namespace tilewright::arch

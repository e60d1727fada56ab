// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/load.h"

namespace tilewright::arch {

using config::Checker;

std::span<const config::EnumName<Dataflow>> enumeration_names(Dataflow) {
  static constexpr config::EnumName<Dataflow> kNames[] = {{Dataflow::kWs, "ws"},
                                                          {Dataflow::kOs, "os"},
                                                          {Dataflow::kWsLos, "ws_los"},
                                                          {Dataflow::kOsLws, "os_lws"}};
  return kNames;
}

std::span<const config::EnumName<Bypass>> enumeration_names(Bypass) {
  static constexpr config::EnumName<Bypass> kNames[] = {{Bypass::kNone, "none"},
                                                        {Bypass::kWeights, "weights"}};
  return kNames;
}

std::string_view name(Dataflow dataflow) {
  for (const auto& entry : enumeration_names(dataflow)) {
    if (entry.value == dataflow) {
      return entry.name;
    }
  }
  return "unknown";
}

namespace {

void multiple_of(Checker& check, const char* key, uint64_t value, const std::string& of_what, uint64_t unit,
                 const char* unit_name = " B") {
  if (value % unit != 0) {
    check.error(key, fmt::format("must be a multiple of {}, is {}{}", of_what, value, unit_name));
  }
}

void check_pe(const PeSpec& pe, Checker& check) {
  const uint64_t weight_entry = uint64_t{pe.lanes} * pe.vector_size;
  multiple_of(check, "weight_buffer", pe.weight_buffer.value,
              fmt::format("'lanes' x 'vector_size' ({} x {} = {} B, one entry in every bank)", pe.lanes,
                          pe.vector_size, weight_entry),
              weight_entry);
  multiple_of(check, "input_buffer", pe.input_buffer.value,
              fmt::format("'vector_size' ({} B, one entry)", pe.vector_size), pe.vector_size);
  multiple_of(check, "output_buffer", pe.output_buffer.value,
              fmt::format("'lanes' ({} B, one entry)", pe.lanes), pe.lanes);
}

void check_noc(const NocSpec& noc, Checker& check) {
  multiple_of(check, "packet_bytes", noc.packet_bytes,
              fmt::format("'link_bytes_per_cycle' ({} B)", noc.link_bytes_per_cycle),
              noc.link_bytes_per_cycle);
  multiple_of(check, "packet_bytes", noc.packet_bytes,
              fmt::format("'collect_bytes_per_cycle' ({} B)", noc.collect_bytes_per_cycle),
              noc.collect_bytes_per_cycle);
}

void check_dma(const DmaSpec& dma, Checker& check) {
  multiple_of(check, "request_bytes", dma.request_bytes,
              fmt::format("'bytes_per_cycle' ({} B)", dma.bytes_per_cycle), dma.bytes_per_cycle);
}

void check_array(const AcceleratorSpec& machine, Checker& check) {
  multiple_of(check, "pe_count", machine.pe_count, fmt::format("'noc.rows' ({})", machine.noc.rows),
              machine.noc.rows, "");
  const uint64_t stripe = uint64_t{machine.global_buffer.banks} * machine.noc.packet_bytes;
  multiple_of(check, "global_buffer.capacity", machine.global_buffer.capacity.value,
              fmt::format("'global_buffer.banks' x 'noc.packet_bytes' ({} x {} = {} B)",
                          machine.global_buffer.banks, machine.noc.packet_bytes, stripe),
              stripe);
  if (machine.dma.ports > machine.global_buffer.banks) {
    check.error("dma.ports", fmt::format("must be at most 'global_buffer.banks' ({}), is {}",
                                         machine.global_buffer.banks, machine.dma.ports));
  }
  for (std::size_t i = 1; i < machine.dataflows.size(); ++i) {
    if (std::find(machine.dataflows.begin(), machine.dataflows.begin() + static_cast<std::ptrdiff_t>(i),
                  machine.dataflows[i]) != machine.dataflows.begin() + static_cast<std::ptrdiff_t>(i)) {
      check.error(fmt::format("dataflows.{}", i), fmt::format("repeats '{}'", name(machine.dataflows[i])));
    }
  }
}

void check_operating_point(const AcceleratorSpec& machine, Checker& check) {
  const auto& points = machine.operating_points;
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (points[i].voltage <= points[i - 1].voltage || points[i].clock < points[i - 1].clock) {
      check.error(fmt::format("operating_points.{}", i),
                  "must have a higher voltage than the point before it, and no "
                  "lower clock");
      return;
    }
  }
  const std::optional<Hertz> clock = reachable_clock(points, machine.operating_point.voltage);
  if (!clock) {
    check.error("operating_point.voltage",
                fmt::format("must lie within 'operating_points' ({:.3g} V .. {:.3g} V), is {:.3g} V",
                            points.front().voltage.value, points.back().voltage.value,
                            machine.operating_point.voltage.value));
  } else if (machine.operating_point.clock > *clock) {
    check.error(
        "operating_point.clock",
        fmt::format("must be at most {:.4g} MHz, what 'operating_points' reach at {:.3g} V, is {:.4g} MHz",
                    double(clock->value) / 1e6, machine.operating_point.voltage.value,
                    double(machine.operating_point.clock.value) / 1e6),
        {"between two points the reachable clock is interpolated linearly"});
  }
}

void check_dram(const AcceleratorSpec& machine, Checker& check) {
  if (!machine.has_dram) {
    if (check.has("dram")) {
      check.error("dram", "must not be given when 'has_dram' is false");
    }
    if (machine.dma.bypass != Bypass::kNone) {
      check.error("dma.bypass",
                  "must be 'none' when 'has_dram' is false: everything is in the global buffer");
    }
    return;
  }
  if (!check.has("dram")) {
    check.error("dram",
                "must be given when 'has_dram' is true: the name of a file of kind 'dram', or its keys");
    return;
  }
  const uint64_t request = machine.dma.request_bytes;
  multiple_of(check, "dma.request_bytes", request,
              fmt::format("'dram.burst_bytes' ({} B)", machine.dram.burst_bytes.value),
              machine.dram.burst_bytes.value);
  if (machine.dram.channel_interleave.value % request != 0) {
    check.error("dma.request_bytes", fmt::format("must divide 'dram.channel_interleave' ({} B), is {} B",
                                                 machine.dram.channel_interleave.value, request));
  }
}

}  // namespace

std::optional<Hertz> reachable_clock(const std::vector<OperatingPoint>& points, Volts voltage) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].voltage == voltage) {
      return points[i].clock;
    }
    if (i > 0 && points[i - 1].voltage < voltage && voltage < points[i].voltage) {
      const double share = (voltage.value - points[i - 1].voltage.value) /
                           (points[i].voltage.value - points[i - 1].voltage.value);
      const double low = double(points[i - 1].clock.value);
      return Hertz{static_cast<uint64_t>(std::floor(low + share * (double(points[i].clock.value) - low)))};
    }
  }
  return std::nullopt;
}

void describe(config::Schema<PeSpec>& schema) {
  using P = PeSpec;
  schema.name("pe", "one processing element");
  schema.field(&P::lanes, "lanes", "output channels computed side by side")
      .required()
      .range(1, 256)
      .power_of_two();
  schema
      .field(&P::vector_size, "vector_size",
             "input channels a lane multiplies and adds in a cycle, one byte each")
      .required()
      .range(1, 256)
      .power_of_two();
  schema.field(&P::weight_buffer, "weight_buffer", "weights of all lanes").required().range(256, 1 << 24);
  schema.field(&P::input_buffer, "input_buffer", "inputs, broadcast to every lane")
      .required()
      .range(256, 1 << 24);
  schema.field(&P::accumulator_entries, "accumulator_entries", "pixels (times lanes) of partial sums")
      .required()
      .range(1, 4096);
  schema.field(&P::weight_collector_entries, "weight_collector_entries", "weight vectors held in each lane")
      .required()
      .range(1, 256);
  schema.field(&P::accumulator_bits, "accumulator_bits", "width of a partial sum")
      .required()
      .range(16, 32)
      .unit("bit");
  schema.field(&P::output_buffer, "output_buffer", "finished outputs waiting for the network")
      .required()
      .range(16, 1 << 22);
  schema.field(&P::pipeline_depth, "pipeline_depth", "from the last MAC of a sum until its output can leave")
      .required()
      .range(1, 256)
      .unit("cycles");
  schema.check(check_pe);
}

void describe(config::Schema<GlobalBufferSpec>& schema) {
  schema.name("global_buffer", "the buffer that all PEs share");
  schema.field(&GlobalBufferSpec::capacity, "capacity", "all banks together")
      .required()
      .range(1024, double(1U << 30));
  schema.field(&GlobalBufferSpec::banks, "banks", "single-ported banks")
      .required()
      .range(1, 256)
      .power_of_two();
}

void describe(config::Schema<NocSpec>& schema) {
  using N = NocSpec;
  schema.name("noc", "the network between global buffer and PEs");
  schema.field(&N::rows, "rows", "row links; the PEs are spread over them in order").required().range(1, 63);
  const auto width = [&](uint32_t N::*member, const char* key, const char* doc) {
    schema.field(member, key, doc).required().range(1, 4096).power_of_two().unit("B/cycle");
  };
  width(&N::link_bytes_per_cycle, "link_bytes_per_cycle", "global buffer to row to PE");
  width(&N::collect_bytes_per_cycle, "collect_bytes_per_cycle", "PE to row to global buffer");
  schema.field(&N::latency, "latency", "after a packet's last flit until it can be used")
      .required()
      .range(0, 1024)
      .unit("cycles");
  schema
      .field(&N::packet_bytes, "packet_bytes",
             "largest packet, and the interleave of the global buffer's banks")
      .required()
      .range(16, 1 << 16)
      .power_of_two()
      .unit("B");
  schema.field(&N::starvation_limit, "starvation_limit", "a packet that waited so long claims what it needs")
      .required()
      .range(1, 1 << 20)
      .unit("cycles");
  schema.check(check_noc);
}

void describe(config::Schema<DmaSpec>& schema) {
  using D = DmaSpec;
  schema.name("dma", "what moves tiles between DRAM and global buffer");
  schema.field(&D::ports, "ports", "to the global buffer, in each direction").required().range(1, 64);
  schema.field(&D::bytes_per_cycle, "bytes_per_cycle", "width of a port")
      .required()
      .range(1, 4096)
      .power_of_two()
      .unit("B/cycle");
  schema.field(&D::request_bytes, "request_bytes", "largest DRAM transaction")
      .required()
      .range(16, 1 << 16)
      .power_of_two()
      .unit("B");
  schema.field(&D::read_credits, "read_credits", "reads in flight per DRAM channel")
      .required()
      .range(1, 4096);
  schema.field(&D::write_credits, "write_credits", "writes in flight per DRAM channel")
      .required()
      .range(1, 4096);
  schema.field(&D::bypass, "bypass",
               "operand that a mapping may fetch into PE buffers past the global buffer");
  schema.check(check_dma);
}

void describe(config::Schema<VectorUnitSpec>& schema) {
  using V = VectorUnitSpec;
  schema.name("vector_unit", "what computes softmax, layer norm, GELU, add, resize and pool");
  schema.field(&V::lanes, "lanes", "elements of one pass per cycle").required().range(1, 4096).power_of_two();
  schema.field(&V::input_buffer, "input_buffer", "elements waiting to be computed")
      .required()
      .range(256, 1 << 24);
  schema.field(&V::output_buffer, "output_buffer", "results waiting for the network")
      .required()
      .range(256, 1 << 24);
  schema.field(&V::pipeline_depth, "pipeline_depth", "from an element's arrival to its result")
      .required()
      .range(1, 1024)
      .unit("cycles");
}

void describe(config::Schema<OperatingPoint>& schema) {
  schema.name("operating_point", "a supply voltage and the clock that goes with it");
  schema.field(&OperatingPoint::voltage, "voltage", "supply").required().range(0.1, 2.0);
  schema.field(&OperatingPoint::clock, "clock", "of the whole accelerator").required().range(1e6, 10e9);
}

void describe(config::Schema<AcceleratorSpec>& schema) {
  using A = AcceleratorSpec;
  constexpr double kMostPes = 63;  // destinations are a 64-bit set, with one bit for the vector unit
  schema.kind("accelerator", "a CNN accelerator of the MAGNet family");
  schema.demand_sources();
  schema.field(&A::name, "name", "shown in reports").required().non_empty();
  schema.field(&A::description, "description", "one sentence").required().non_empty();
  schema.field(&A::pe_count, "pe_count", "processing elements").required().range(1, kMostPes);
  schema.field(&A::pe, "pe", "one processing element").required();
  schema.field(&A::global_buffer, "global_buffer", "the buffer that all PEs share").required();
  schema.field(&A::noc, "noc", "the network between global buffer and PEs").required();
  schema.field(&A::dma, "dma", "what moves tiles between DRAM and global buffer").required();
  schema.field(&A::vector_unit, "vector_unit", "what computes the operators that are no matrix products")
      .required();
  schema.field(&A::dataflows, "dataflows", "what the PE can do; the mapping chooses").required().non_empty();
  schema.field(&A::operating_points, "operating_points", "as measured, voltage rising")
      .required()
      .non_empty();
  schema
      .field(&A::operating_point, "operating_point",
             "the one to simulate: one of operating_points or between two of them")
      .required();
  schema.field(&A::has_dram, "has_dram", "false: operands start and results end in the global buffer")
      .required();
  schema.field(&A::dram, "dram", "a file of kind 'dram', or its keys").reference();
  schema.field(&A::energy_table, "energy_table", "a file of kind 'energy_table'").required().file();
  schema.check(check_array);
  schema.check(check_operating_point);
  schema.check(check_dram);
}

config::Resolved<AcceleratorSpec> load_accelerator(const std::filesystem::path& path,
                                                   const config::Overrides& overrides) {
  return config::load<AcceleratorSpec>(path, overrides);
}

}  // namespace tilewright::arch

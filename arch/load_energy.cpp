// SPDX-License-Identifier: Apache-2.0
//
// The schema of energy tables, and the same entries as a list for reports.
#include "arch/energy.h"

#include "arch/load.h"

namespace tilewright::arch {

namespace {

template <class Entry>
void describe_range(config::Schema<Entry>& schema, const char* name, double highest) {
  schema.name(name, "an estimate with the range its sources span");
  schema.field(&Entry::nominal, "nominal", "the value used").required().range(0, highest);
  schema.field(&Entry::low, "low", "the lowest that the sources allow").required().range(0, highest);
  schema.field(&Entry::high, "high", "the highest that the sources allow").required().range(0, highest);
  schema.field(&Entry::source, "source", "where it comes from, with the derivation").required().non_empty();
  schema.check([](const Entry& entry, config::Checker& check) {
    if (entry.low > entry.nominal || entry.nominal > entry.high) {
      check.error("nominal", "must lie between 'low' and 'high'");
    }
  });
}

}  // namespace

void describe(config::Schema<EnergyEntry>& schema) {
  describe_range(schema, "energy", 1e-3);
}
void describe(config::Schema<PowerEntry>& schema) {
  describe_range(schema, "power", 1e3);
}
void describe(config::Schema<AreaEntry>& schema) {
  describe_range(schema, "area", 1);
}

void describe(config::Schema<PlainEntry>& schema) {
  schema.name("number", "an estimate with the range its sources span");
  schema.field(&PlainEntry::nominal, "nominal", "the value used").required().range(0, 1e3);
  schema.field(&PlainEntry::low, "low", "the lowest that the sources allow").required().range(0, 1e3);
  schema.field(&PlainEntry::high, "high", "the highest that the sources allow").required().range(0, 1e3);
  schema.field(&PlainEntry::source, "source", "where it comes from").required().non_empty();
  schema.check([](const PlainEntry& entry, config::Checker& check) {
    if (entry.low > entry.nominal || entry.nominal > entry.high) {
      check.error("nominal", "must lie between 'low' and 'high'");
    }
  });
}

void describe(config::Schema<DatapathEnergy>& schema) {
  schema.name("datapath", "vector MACs with their operand registers");
  schema.field(&DatapathEnergy::mac, "mac", "one useful multiply-accumulate").required();
  schema.field(&DatapathEnergy::idle_slot, "idle_slot", "one MAC slot clocked without useful work")
      .required();
}

void describe(config::Schema<BufferEnergy>& schema) {
  schema.name("buffer", "an SRAM buffer");
  schema.field(&BufferEnergy::read_byte, "read_byte", "per byte read").required();
  schema.field(&BufferEnergy::write_byte, "write_byte", "per byte written").required();
  schema.field(&BufferEnergy::reference_bank, "reference_bank", "the bank these energies are for")
      .required()
      .at_least(1);
}

void describe(config::Schema<AccumulatorEnergy>& schema) {
  schema.name("accumulator", "the accumulation collector");
  schema.field(&AccumulatorEnergy::update, "update", "read-modify-write of one lane's sum").required();
  schema.field(&AccumulatorEnergy::read, "read", "one lane's sum drained to the PPU").required();
}

void describe(config::Schema<ControlEnergy>& schema) {
  schema.name("control", "clock, address generation and sequencing of a working PE");
  schema.field(&ControlEnergy::slot, "slot", "per MAC slot of a working PE").required();
}

void describe(config::Schema<PpuEnergy>& schema) {
  schema.name("ppu_and_output_buffer", "post-processing of finished sums");
  schema.field(&PpuEnergy::value, "value", "scale, bias, clip, quantise one value").required();
  schema.field(&PpuEnergy::write_byte, "write_byte", "output buffer, per byte").required();
  schema.field(&PpuEnergy::read_byte, "read_byte", "output buffer, per byte").required();
}

void describe(config::Schema<NocEnergy>& schema) {
  schema.name("noc", "wires between global buffer and PEs");
  schema.field(&NocEnergy::bit_millimetre, "bit_millimetre", "one bit over one millimetre").required();
  schema.field(&NocEnergy::link_millimetres, "link_millimetres", "mean length of a link").required();
}

void describe(config::Schema<VectorUnitEnergy>& schema) {
  schema.name("vector_unit", "softmax, layer norm, GELU, add, resize, pool");
  schema.field(&VectorUnitEnergy::operation, "operation", "one element in one pass").required();
}

void describe(config::Schema<LeakagePower>& schema) {
  schema.name("leakage", "power that flows while nothing switches");
  schema.field(&LeakagePower::square_millimetre, "square_millimetre", "per mm2 of the chip").required();
}

void describe(config::Schema<DramEnergy>& schema) {
  using D = DramEnergy;
  schema.name("dram", "external memory");
  schema.field(&D::activate, "activate", "one row, with its precharge").required();
  schema.field(&D::read_bit, "read_bit", "array and on-die movement").required();
  schema.field(&D::write_bit, "write_bit", "array and on-die movement").required();
  schema.field(&D::read_io_bit, "read_io_bit", "interface").required();
  schema.field(&D::write_io_bit, "write_io_bit", "interface").required();
  schema.field(&D::refresh, "refresh", "one all-bank refresh of one channel").required();
  schema.field(&D::standby_channel, "standby_channel", "power of one channel with open rows and no traffic")
      .required();
}

void describe(config::Schema<AreaTable>& schema) {
  schema.name("area", "what the parts of the chip occupy");
  schema.field(&AreaTable::pe_sram_byte, "pe_sram_byte", "SRAM of a PE with its periphery, per byte")
      .required();
  schema
      .field(&AreaTable::shared_sram_byte, "shared_sram_byte",
             "global buffer and vector unit's buffers, per byte")
      .required();
  schema.field(&AreaTable::pe_logic_mac, "pe_logic_mac", "a PE without its SRAM, per MAC").required();
  schema.field(&AreaTable::vector_lane, "vector_lane", "one lane of the vector unit").required();
}

void describe(config::Schema<EnergyTable>& schema) {
  using E = EnergyTable;
  schema.kind("energy_table", "energy per action, leakage and area of a machine's technology");
  schema.field(&E::name, "name", "shown in reports").required().non_empty();
  schema.field(&E::technology, "technology", "one line").required().non_empty();
  schema.field(&E::reference, "reference", "voltage and clock at which the chip's energies hold").required();
  schema.field(&E::toggle_rate, "toggle_rate", "how much operands toggle; 1: as in the calibration")
      .required();
  schema.field(&E::datapath, "datapath", "vector MACs").required();
  schema.field(&E::weight_buffer, "weight_buffer", "a PE's weights, a bank a lane").required();
  schema.field(&E::input_buffer, "input_buffer", "a PE's inputs, with the broadcast to its lanes").required();
  schema.field(&E::accumulator, "accumulator", "the accumulation collector").required();
  schema.field(&E::control, "control", "clock and sequencing of a PE").required();
  schema.field(&E::ppu_and_output_buffer, "ppu_and_output_buffer", "post-processing").required();
  schema.field(&E::global_buffer, "global_buffer", "the buffer that all PEs share").required();
  schema.field(&E::noc, "noc", "wires between global buffer and PEs").required();
  schema.field(&E::vector_unit, "vector_unit", "the other operators").required();
  schema.field(&E::leakage, "leakage", "power x time").required();
  schema.field(&E::dram, "dram", "external memory; absent: none");
  schema.field(&E::area, "area", "what the parts occupy").required();
}

config::Resolved<EnergyTable> load_energy_table(const std::filesystem::path& path,
                                                const config::Overrides& overrides) {
  return config::load<EnergyTable>(path, overrides);
}

config::Resolved<EnergyTable> load_energy_table_of(const AcceleratorSpec& machine) {
  std::filesystem::path path = config::find_file(machine.energy_table);
  if (!std::filesystem::exists(path)) {
    path = config::repository_root() / "configs" / "arch" / machine.energy_table;
  }
  return load_energy_table(path);
}

namespace {

class SourceList {
 public:
  explicit SourceList(std::string component, std::vector<SourcedValue>& list)
      : component_(std::move(component)), list_(list) {}
  SourceList& add(const char* action, const EnergyEntry& entry) { return add(action, "J", entry); }
  SourceList& add(const char* action, const PowerEntry& entry) { return add(action, "W", entry); }
  SourceList& add(const char* action, const AreaEntry& entry) { return add(action, "m2", entry); }
  SourceList& add(const char* action, const PlainEntry& entry, const char* unit) {
    list_.push_back({component_, action, unit, entry.nominal, entry.low, entry.high, entry.source});
    return *this;
  }

 private:
  template <class Entry>
  SourceList& add(const char* action, const char* unit, const Entry& entry) {
    list_.push_back(
        {component_, action, unit, entry.nominal.value, entry.low.value, entry.high.value, entry.source});
    return *this;
  }
  std::string component_;
  std::vector<SourcedValue>& list_;
};

}  // namespace

std::vector<SourcedValue> sources(const EnergyTable& table) {
  std::vector<SourcedValue> list;
  const auto buffer = [&](const char* name, const BufferEnergy& energies) {
    SourceList(name, list).add("read byte", energies.read_byte).add("write byte", energies.write_byte);
  };
  SourceList("operands", list).add("toggle rate", table.toggle_rate, "");
  SourceList("datapath", list).add("MAC", table.datapath.mac).add("idle MAC slot", table.datapath.idle_slot);
  buffer("weight_buffer", table.weight_buffer);
  buffer("input_buffer", table.input_buffer);
  SourceList("accumulator", list).add("update", table.accumulator.update).add("read", table.accumulator.read);
  SourceList("control", list).add("MAC slot", table.control.slot);
  SourceList("ppu_and_output_buffer", list)
      .add("value", table.ppu_and_output_buffer.value)
      .add("write byte", table.ppu_and_output_buffer.write_byte)
      .add("read byte", table.ppu_and_output_buffer.read_byte);
  buffer("global_buffer", table.global_buffer);
  SourceList("noc", list)
      .add("bit and mm", table.noc.bit_millimetre)
      .add("link length", table.noc.link_millimetres, "mm");
  SourceList("vector_unit", list).add("element operation", table.vector_unit.operation);
  SourceList("leakage", list).add("per mm2", table.leakage.square_millimetre);
  if (table.dram) {
    SourceList("dram", list)
        .add("activate", table.dram->activate)
        .add("read bit", table.dram->read_bit)
        .add("write bit", table.dram->write_bit)
        .add("read bit, interface", table.dram->read_io_bit)
        .add("write bit, interface", table.dram->write_io_bit)
        .add("refresh", table.dram->refresh)
        .add("standby, per channel", table.dram->standby_channel);
  }
  SourceList("area", list)
      .add("SRAM byte in a PE", table.area.pe_sram_byte)
      .add("SRAM byte elsewhere", table.area.shared_sram_byte)
      .add("PE logic, per MAC", table.area.pe_logic_mac)
      .add("vector lane", table.area.vector_lane);
  return list;
}

}  // namespace tilewright::arch

// SPDX-License-Identifier: Apache-2.0
#include "arch/energy.h"

#include <cmath>

namespace tilewright::arch {
namespace {

constexpr double kBitsPerByte = 8;
constexpr double kSquareMetresPerSquareMillimetre = 1e-6;

EnergyEstimate scaled(const EnergyEntry& entry, double factor) {
  return {entry.nominal.value * factor, entry.low.value * factor, entry.high.value * factor};
}

// Joules of one component as they add up.
class Sum {
 public:
  explicit Sum(double factor = 1) : factor_(factor) {}
  Sum& add(const EnergyEntry& entry, double count) {
    total_ += scaled(entry, count * factor_);
    return *this;
  }
  EnergyEstimate total() const { return total_; }

 private:
  double factor_;
  EnergyEstimate total_;
};

double bank_factor(uint64_t bank_bytes, Bytes reference) {
  return reference.value == 0 ? 1.0 : std::sqrt(double(bank_bytes) / double(reference.value));
}

EnergyEstimate dram_energy(const Activity& activity, double seconds, const DramSpec& spec,
                           const DramEnergy& table) {
  const double read_bits = double(activity[Action::kDramReadBytes]) * kBitsPerByte;
  const double write_bits = double(activity[Action::kDramWriteBytes]) * kBitsPerByte;
  Sum sum;
  sum.add(table.activate, double(activity[Action::kDramActivate]))
      .add(table.read_bit, read_bits)
      .add(table.write_bit, write_bits)
      .add(table.read_io_bit, read_bits)
      .add(table.write_io_bit, write_bits)
      .add(table.refresh, double(activity[Action::kDramRefresh]));
  EnergyEstimate total = sum.total();
  const double channel_seconds = seconds * spec.channels;
  total +=
      {table.standby_channel.nominal.value * channel_seconds,
       table.standby_channel.low.value * channel_seconds, table.standby_channel.high.value * channel_seconds};
  return total;
}

EnergyEstimate noc_energy(const Activity& activity, double voltage_factor, const NocEnergy& noc) {
  const double bits = double(activity[Action::kNocLinkBytes]) * kBitsPerByte * voltage_factor;
  return {bits * noc.bit_millimetre.nominal.value * noc.link_millimetres.nominal,
          bits * noc.bit_millimetre.low.value * noc.link_millimetres.low,
          bits * noc.bit_millimetre.high.value * noc.link_millimetres.high};
}

EnergyEstimate leakage_energy(double seconds, double voltage_ratio, const AcceleratorSpec& machine,
                              const EnergyTable& table) {
  const double area = total_area(machine, table.area) / kSquareMetresPerSquareMillimetre;
  const double factor = seconds * voltage_ratio * area;
  const PowerEntry& power = table.leakage.square_millimetre;
  return {power.nominal.value * factor, power.low.value * factor, power.high.value * factor};
}

}  // namespace

EnergyByComponent energy_of(const Activity& activity, Cycle cycles, const AcceleratorSpec& machine,
                            const EnergyTable& table) {
  const double voltage_ratio = machine.operating_point.voltage.value / table.reference.voltage.value;
  const double dynamic = voltage_ratio * voltage_ratio;
  const double toggling = dynamic * table.toggle_rate.nominal;
  const double seconds = double(cycles) / double(machine.operating_point.clock.value);
  const auto count = [&](Action action) { return double(activity[action]); };
  const auto buffer = [&](const BufferEnergy& energies, uint64_t bank, double factor, Action read,
                          Action write) {
    return Sum(factor * bank_factor(bank, energies.reference_bank))
        .add(energies.read_byte, count(read))
        .add(energies.write_byte, count(write))
        .total();
  };
  EnergyByComponent energy;
  energy["datapath"] = Sum(toggling)
                           .add(table.datapath.mac, count(Action::kMac))
                           .add(table.datapath.idle_slot, count(Action::kMacIdleLane))
                           .total();
  energy["weight_buffer"] = buffer(table.weight_buffer, machine.pe.weight_buffer.value / machine.pe.lanes,
                                   toggling, Action::kWeightBufferRead, Action::kWeightBufferWrite);
  energy["input_buffer"] = buffer(table.input_buffer, machine.pe.input_buffer.value, toggling,
                                  Action::kInputBufferRead, Action::kInputBufferWrite);
  energy["accumulator"] = Sum(toggling)
                              .add(table.accumulator.update, count(Action::kAccumulatorUpdate))
                              .add(table.accumulator.read, count(Action::kAccumulatorRead))
                              .total();
  energy["control"] =
      Sum(dynamic).add(table.control.slot, count(Action::kMac) + count(Action::kMacIdleLane)).total();
  energy["ppu_and_output_buffer"] =
      Sum(dynamic)
          .add(table.ppu_and_output_buffer.value, count(Action::kPpuValue))
          .add(table.ppu_and_output_buffer.write_byte, count(Action::kOutputBufferWrite))
          .add(table.ppu_and_output_buffer.read_byte, count(Action::kOutputBufferRead))
          .total();
  energy["global_buffer"] =
      buffer(table.global_buffer, machine.global_buffer.capacity.value / machine.global_buffer.banks, dynamic,
             Action::kGlobalBufferRead, Action::kGlobalBufferWrite);
  energy["noc"] = noc_energy(activity, dynamic, table.noc);
  energy["vector_unit"] =
      Sum(dynamic).add(table.vector_unit.operation, count(Action::kVectorUnitOperation)).total();
  energy["leakage"] = leakage_energy(seconds, voltage_ratio, machine, table);
  if (machine.has_dram) {
    if (!table.dram) {
      throw UserError("machine '" + machine.name + "' has a DRAM, but its energy table '" + table.name +
                      "' gives no energies for one; name a table that does (energy_table:)");
    }
    energy["dram"] = dram_energy(activity, seconds, machine.dram, *table.dram);
  }
  return energy;
}

std::map<std::string, AreaEntry> area_of(const AcceleratorSpec& machine, const AreaTable& table) {
  const auto area = [&](const AreaEntry& entry, uint64_t count, AreaEntry sum = {}) {
    sum.nominal.value += entry.nominal.value * double(count);
    sum.low.value += entry.low.value * double(count);
    sum.high.value += entry.high.value * double(count);
    return sum;
  };
  const PeSpec& pe = machine.pe;
  const uint64_t pe_bytes = pe.weight_buffer.value + pe.input_buffer.value + pe.output_buffer.value;
  const VectorUnitSpec& vector = machine.vector_unit;
  return {{"pe_array", area(table.pe_logic_mac, machine.macs_per_cycle(),
                            area(table.pe_sram_byte, machine.pe_count * pe_bytes))},
          {"global_buffer", area(table.shared_sram_byte, machine.global_buffer.capacity.value)},
          {"vector_unit",
           area(table.vector_lane, vector.lanes,
                area(table.shared_sram_byte, vector.input_buffer.value + vector.output_buffer.value))}};
}

double total_area(const AcceleratorSpec& machine, const AreaTable& table) {
  double total = 0;
  for (const auto& [part, area] : area_of(machine, table)) {
    total += area.nominal.value;
  }
  return total;
}

}  // namespace tilewright::arch

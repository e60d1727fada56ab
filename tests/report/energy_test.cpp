// SPDX-License-Identifier: Apache-2.0
//
// The energy model against hand arithmetic and against the published measurements of the 5 nm core it is
// calibrated on.
#include "arch/energy.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

namespace tilewright {
namespace {

using doctest::Approx;

const std::string kEnergy = TILEWRIGHT_SOURCE_DIR "/configs/arch/energy/";

arch::EnergyTable table(const std::string& name) {
  return arch::load_energy_table(kEnergy + name).value;
}

// One PE of the 5 nm core: 16 lanes x 32 INT8, 64 KiB operand buffers.
arch::AcceleratorSpec core() {
  arch::AcceleratorSpec machine;
  machine.name = "core";
  machine.pe_count = 1;
  machine.pe.weight_buffer = {65536};
  machine.pe.input_buffer = {65536};
  machine.pe.output_buffer = {8192};
  machine.global_buffer = {{4 << 20}, 16};
  machine.vector_unit.lanes = 0;
  machine.operating_point = {{0.67}, {975000000}};
  machine.has_dram = false;
  return machine;
}

// A GEMM of the core's own dataflow at full use: each cycle 512 MACs, one input entry, 16 sums updated, and
// one weight entry on average; K is the reduction length, after which the sums drain.
Activity gemm(uint64_t cycles, uint64_t reduction) {
  Activity activity;
  activity.add(Action::kMac, 512 * cycles);
  activity.add(Action::kInputBufferRead, 32 * cycles);
  activity.add(Action::kWeightBufferRead, 32 * cycles);
  activity.add(Action::kWeightCollectorRead, 512 * cycles);
  activity.add(Action::kAccumulatorUpdate, 16 * cycles);
  const uint64_t outputs = 512 * cycles / reduction;
  activity.add(Action::kAccumulatorRead, outputs);
  activity.add(Action::kPpuValue, outputs);
  activity.add(Action::kOutputBufferWrite, outputs);
  activity.add(Action::kOutputBufferRead, outputs);
  return activity;
}

EnergyEstimate total(const EnergyByComponent& energy) {
  EnergyEstimate sum;
  for (const auto& [component, part] : energy) {
    sum += part;
  }
  return sum;
}

double tops_per_watt(double volts, uint64_t hertz) {
  arch::AcceleratorSpec machine = core();
  machine.operating_point = {{volts}, {hertz}};
  const uint64_t cycles = 1000000;
  const double joules =
      total(energy_of(gemm(cycles, 4096), cycles, machine, table("keller_core_5nm.yaml"))).nominal;
  return 2.0 * 512 * double(cycles) / joules / 1e12;
}

// Keller's unit (21.7 fJ) is itself uncertain by 12 %, so points are compared relative to the one at 0.67 V.
TEST_CASE("a full-rate GEMM costs the component table's sum") {
  const uint64_t cycles = 100000;
  const EnergyByComponent energy =
      energy_of(gemm(cycles, 4096), cycles, core(), table("keller_core_5nm.yaml"));
  const double macs = 512.0 * double(cycles);
  const auto per_mac = [&](const char* component) { return energy.at(component).nominal / macs * 1e15; };
  CHECK(per_mac("datapath") == Approx(2.76 * 21.7).epsilon(0.005));
  CHECK(per_mac("weight_buffer") == Approx(0.36 * 21.7).epsilon(0.005));
  CHECK(per_mac("input_buffer") == Approx(0.44 * 21.7).epsilon(0.005));
  CHECK(per_mac("control") + per_mac("leakage") == Approx(1.05 * 21.7).epsilon(0.01));
  CHECK(total(energy).nominal / macs * 1e15 == Approx(5.32 * 21.7).epsilon(0.01));
}

TEST_CASE("transformer GEMMs at full use come within the spread of the measured networks") {
  // Inner lengths 64 (scores), 768 and 3072; the share of 64 is small. Nothing is fitted to these rows.
  for (const uint64_t reduction : {uint64_t{64}, uint64_t{384}, uint64_t{768}, uint64_t{3072}}) {
    const uint64_t cycles = 100000;
    const EnergyEstimate energy =
        total(energy_of(gemm(cycles, reduction), cycles, core(), table("keller_core_5nm.yaml")));
    const double scale = 1e15 / (512.0 * double(cycles));
    MESSAGE(fmt::format(
        "K = {}: {:.1f} [{:.1f} .. {:.1f}] fJ/MAC; measured 100.7 (BERT s=384), 116.5 (BERT s=128), "
        "151.8 (DeiT-Small)",
        reduction, energy.nominal * scale, energy.low * scale, energy.high * scale));
    CHECK(energy.nominal * scale > 100.7 * 0.9);
    CHECK(energy.nominal * scale < 151.8);
    CHECK(energy.low * scale < 116.5);
    CHECK(energy.high * scale > 116.5);
  }
}

TEST_CASE("efficiency over voltage: the square law holds downwards and is a known gap upwards") {
  const double reference = tops_per_watt(0.67, 975000000);
  const double low = tops_per_watt(0.46, 152000000) / reference;
  const double high = tops_per_watt(1.05, 1760000000) / reference;
  MESSAGE(fmt::format("0.46 V: x{:.3f}, measured x{:.3f}; 1.05 V: x{:.3f}, measured x{:.3f}", low,
                      39.1 / 19.5, high, 6.5 / 19.5));
  CHECK(low == Approx(39.1 / 19.5).epsilon(0.03));  // leakage was derived from this ratio
  // Validation, and not good: the chip loses a fifth more than V^2 and linear leakage explain.
  CHECK(high / (6.5 / 19.5) > 1.15);
  CHECK(high / (6.5 / 19.5) < 1.30);
}

TEST_CASE("voltage, toggling and time act on what they should, by hand") {
  const arch::EnergyTable energies = table("keller_core_5nm.yaml");
  Activity one;
  one.add(Action::kMac, 1000);
  arch::AcceleratorSpec machine = core();
  machine.operating_point = {{1.34}, {975000000}};  // twice the reference: four times the energy
  CHECK(energy_of(one, 0, machine, energies).at("datapath").nominal == Approx(4 * 1000 * 59.9e-15));
  arch::EnergyTable calm = energies;
  calm.toggle_rate.nominal = 0.5;
  CHECK(energy_of(one, 0, core(), calm).at("datapath").nominal == Approx(0.5 * 1000 * 59.9e-15));
  CHECK(energy_of(one, 0, core(), calm).at("control").nominal == Approx(1000 * 22.1e-15));
  // 139,264 B x 0.36 um2 + 512 x 199.7 um2 in mm2, 2.34 mW per mm2, 1 ms.
  const double area = 139264 * 0.36e-6 + 512 * 199.7e-6;
  CHECK(energy_of({}, 975000, core(), energies).at("leakage").nominal == Approx(2.34e-3 * area * 1e-3));
}

TEST_CASE("a larger bank costs the square root of its size") {
  Activity reads;
  reads.add(Action::kGlobalBufferRead, 1000);
  arch::AcceleratorSpec machine = core();
  const double small = energy_of(reads, 0, machine, table("magnet_5nm.yaml")).at("global_buffer").nominal;
  CHECK(small == Approx(1000 * 227e-15));
  machine.global_buffer.capacity = {16 << 20};
  CHECK(energy_of(reads, 0, machine, table("magnet_5nm.yaml")).at("global_buffer").nominal ==
        Approx(2 * small));
}

TEST_CASE("DRAM energy: activates, bits, refreshes and standby, by hand") {
  arch::AcceleratorSpec machine = core();
  machine.has_dram = true;
  machine.dram.channels = 4;
  Activity traffic;
  traffic.add(Action::kDramReadBytes, 2560);
  traffic.add(Action::kDramWriteBytes, 256);
  traffic.add(Action::kDramActivate, 11);
  traffic.add(Action::kDramRefresh, 2);
  const EnergyByComponent energy = energy_of(traffic, 975000, machine, table("magnet_5nm_lpddr5.yaml"));
  const double expected = 11 * 1.14e-9 + 20480 * (5.27e-12 + 3.21e-12) + 2048 * (3.87e-12 + 1.17e-12) +
                          2 * 59.7e-9 + 4 * 37.9e-3 * 1e-3;
  CHECK(energy.at("dram").nominal == Approx(expected));
  CHECK(energy.at("dram").low < expected);
  CHECK(energy.at("dram").high > expected);
  CHECK_THROWS_AS(energy_of(traffic, 1, machine, table("magnet_5nm.yaml")), UserError);
}

TEST_CASE("reading at 256 B per activate: totals stand where the cited sources do") {
  // pJ/bit with activates; standby at full bandwidth added for LPDDR (LPDDR4: 8, and 13 to 14).
  const arch::DramEnergy lpddr = *table("magnet_5nm_lpddr5.yaml").dram;
  const arch::DramEnergy hbm = *table("magnet_5nm_hbm2.yaml").dram;
  const auto per_bit = [](double activate, double bit, double io) {
    return (activate / 2048 + bit + io) * 1e12;
  };
  const double mixed = 0.5 * per_bit(lpddr.activate.nominal.value, lpddr.read_bit.nominal.value,
                                     lpddr.read_io_bit.nominal.value) +
                       0.5 * per_bit(lpddr.activate.nominal.value, lpddr.write_bit.nominal.value,
                                     lpddr.write_io_bit.nominal.value) +
                       37.9e-3 / 51.2e9 * 1e12;
  CHECK(mixed == Approx(8.0).epsilon(0.05));
  const double hbm_total =
      per_bit(hbm.activate.nominal.value, hbm.read_bit.nominal.value, hbm.read_io_bit.nominal.value);
  CHECK(hbm_total > 3.0);
  CHECK(hbm_total < 3.9 * 1.1);
}

TEST_CASE("area: a PE is the core's 0.153 mm2 and the list of sources is complete") {
  const auto area = arch::area_of(core(), table("magnet_5nm.yaml").area);
  CHECK(area.at("pe_array").nominal.value == Approx(0.153e-6).epsilon(0.01));
  CHECK(area.at("global_buffer").nominal.value == Approx(1.51e-6).epsilon(0.01));
  const auto list = arch::sources(table("magnet_5nm_hbm2.yaml"));
  CHECK(list.size() == 30);
  for (const SourcedValue& value : list) {
    CHECK_FALSE(value.source.empty());
    CHECK(value.low <= value.nominal);
    CHECK(value.nominal <= value.high);
  }
}

TEST_CASE("the loader refuses a range that is upside down and an entry without a source") {
  const std::string file = kEnergy + "magnet_5nm.yaml";
  CHECK_THROWS_AS(arch::load_energy_table(file, {"datapath.mac.low=100 fJ"}), UserError);
  CHECK_THROWS_AS(arch::load_energy_table(file, {"datapath.mac.source=\"\""}), UserError);
  CHECK_THROWS_AS(arch::load_energy_table(file, {"datapath.mac.nominal=60"}), UserError);
}

}  // namespace
}  // namespace tilewright

// SPDX-License-Identifier: Apache-2.0
//
// One machine of 100 MACs per cycle at 1 GHz and 4 GB/s of DRAM; three paths, energies in microjoules:
//
//             MACs     cycles  datapath  dram   saved on chip  with DRAM      MACs removed  time saved
//   full      1.0 M    20,000  10        5      -              -              -             -
//   narrow    0.6 M    14,000   7        4      3/10 = 30 %    4/15 = 26.7 %  40 %          30 %
//   shallow   0.9 M    19,000   8        4.5    2/10 = 20 %    2.5/15 = 16.7 % 10 %          5 %
//
// Saved per MAC removed, relative to the average: narrow 30/40 = 0.75, 26.7/40 = 0.67, time 30/40 = 0.75;
// shallow 20/10 = 2, 16.7/10 = 1.67, time 5/10 = 0.5. The average is 10 pJ per MAC on chip, 15 pJ with DRAM.
#include "tests/report/example_record.h"

namespace tilewright::report {
namespace {

// All ranges are half to twice the nominal value.
EnergyEstimate microjoules(double nominal) {
  return {nominal * 1e-6, nominal * 0.5e-6, nominal * 2e-6};
}

LayerRecord layer(const std::string& name, const std::string& group, const std::string& kind, uint64_t macs,
                  Cycle cycles, double datapath, double dram) {
  LayerRecord record;
  record.name = name;
  record.group = group;
  record.kind = kind;
  record.macs = macs;
  record.cycles = cycles;
  record.utilisation = static_cast<double>(macs) / (100.0 * static_cast<double>(cycles));
  record.limiter = cycles * 50 < macs ? "compute" : "dram";
  record.mapping = "os_lws, tile \"4 x 4\"";
  record.energy = {{"datapath", microjoules(datapath)}, {"dram", microjoules(dram)}};
  record.dram_bytes = macs / 20;
  record.stalls["pe"].add(Stall::kBusy, macs / 100);
  record.stalls["pe"].add(Stall::kInputWait, cycles - macs / 100);
  record.stalls["load_dma"].add(Stall::kDramWait, cycles);
  record.activity.add(Action::kMac, macs);
  return record;
}

RunRecord run(const std::string& name, const std::string& group, std::vector<LayerRecord> layers) {
  RunRecord record;
  record.name = name;
  record.machine = "toy";
  record.workload = "tiny";
  record.group = group;
  record.weight_bytes = 4096;
  record.layers = std::move(layers);
  double datapath = 0, dram = 0;
  for (const LayerRecord& part : record.layers) {
    record.macs += part.macs;
    record.cycles += part.cycles;
    record.activity += part.activity;
    for (const auto& [unit, stalls] : part.stalls) {
      record.stalls[unit] += stalls;
    }
    datapath += part.energy.at("datapath").nominal * 1e6;
    dram += part.energy.at("dram").nominal * 1e6;
  }
  record.energy = {{"datapath", microjoules(datapath)}, {"dram", microjoules(dram)}};
  record.time_s = static_cast<double>(record.cycles) / 1e9;
  record.utilisation = static_cast<double>(record.macs) / (100.0 * static_cast<double>(record.cycles));
  return record;
}

}  // namespace

ExperimentRecord example_record() {
  ExperimentRecord record;
  record.experiment = "example";
  record.fidelity = "event";
  record.configuration_hash = "0123abcd";
  record.command = "tilewright run example.yaml";
  ExperimentRecord::Machine machine;
  machine.name = "toy";
  machine.clock_hz = 1e9;
  machine.macs_per_cycle = 100;
  machine.dram_bytes_per_second = 4e9;
  machine.area_m2 = 2.5e-6;
  machine.summary = "100 MACs at 1 GHz";
  machine.energy_table = "toy_table";
  machine.energy_sources.push_back({"datapath", "mac", "J", 1e-11, 5e-12, 2e-11, "by hand <1>"});
  record.machines.push_back(machine);
  record.runs.push_back(run("full", "full",
                            {layer("conv", "", "conv2d", 800'000, 12'000, 8, 2),
                             layer("enc0.0.fc1", "enc0.fc1", "linear", 100'000, 4'000, 1, 1.5),
                             layer("enc0.1.fc1", "enc0.fc1", "linear", 100'000, 4'000, 1, 1.5)}));
  record.runs.push_back(run("narrow", "fuse",
                            {layer("conv", "", "conv2d", 400'000, 6'000, 5, 1),
                             layer("enc0.0.fc1", "enc0.fc1", "linear", 100'000, 4'000, 1, 1.5),
                             layer("enc0.1.fc1", "enc0.fc1", "linear", 100'000, 4'000, 1, 1.5)}));
  record.runs.push_back(run("shallow", "depth",
                            {layer("conv", "", "conv2d", 800'000, 15'000, 7, 3),
                             layer("enc0.0.fc1", "enc0.fc1", "linear", 100'000, 4'000, 1, 1.5)}));
  record.runs.front().published.push_back({"multiply-accumulates", 0.001, "GMAC", "a paper"});
  return record;
}

}  // namespace tilewright::report

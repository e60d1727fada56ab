// SPDX-License-Identifier: Apache-2.0
//
// Every network of a family runs on the machine, small enough to step every cycle: both fidelities agree in
// cycles, activity and stalls. Between them the networks hold every kind of layer.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "arch/energy.h"
#include "arch/load.h"
#include "sim/cli/network_runner.h"
#include "workloads/builder.h"
#include "workloads/paths.h"

using tilewright::RunRecord;
using tilewright::accel::Fidelity;
using tilewright::cli::NetworkRunner;
namespace workloads = tilewright::workloads;
using workloads::NetworkName;

namespace {

const std::string kRoot = TILEWRIGHT_SOURCE_DIR;

std::set<workloads::LayerKind> seen;

void check_equal(const workloads::Network& network, const std::string& machine) {
  const auto spec = tilewright::arch::load_accelerator(kRoot + "/configs/arch/" + machine + ".yaml").value;
  const auto energy = tilewright::arch::load_energy_table_of(spec).value;
  const RunRecord event = NetworkRunner(spec, energy, Fidelity::kEvent, false).run(network);
  const RunRecord tick = NetworkRunner(spec, energy, Fidelity::kTick, false).run(network);
  REQUIRE(event.layers.size() == tick.layers.size());
  for (std::size_t i = 0; i < event.layers.size(); ++i) {
    INFO(network.name << " on " << machine << ", layer " << event.layers[i].name);
    CHECK(event.layers[i].cycles == tick.layers[i].cycles);
    CHECK(event.layers[i].activity == tick.layers[i].activity);
    CHECK(event.layers[i].stalls == tick.layers[i].stalls);
    seen.insert(network.layers[i].kind);
  }
  CHECK(event.cycles > 0);
}

workloads::PathSet set_of(NetworkName name, uint32_t height, uint32_t width) {
  workloads::PathSet set;
  set.network = name;
  set.image_height = height;
  set.image_width = width;
  return set;
}

}  // namespace

TEST_CASE("every family costs the same when every cycle is stepped") {
  constexpr const char* kMachine = "magnet_16pe_5nm_lpddr5";
  workloads::ExecutionPath short_path;
  short_path.blocks = {1, 1, 2, 1};
  check_equal(set_of(NetworkName::kSwinTiny, 64, 96).build(short_path), kMachine);
  check_equal(set_of(NetworkName::kResnet50V1, 64, 64).build({}), kMachine);
  workloads::ExecutionPath two_layers;
  two_layers.encoder_layers = two_layers.decoder_layers = 2;
  check_equal(set_of(NetworkName::kDetrDc5R50, 96, 128).build(two_layers), kMachine);
  check_equal(set_of(NetworkName::kDeformableDetrR50, 96, 128).build(two_layers), kMachine);
  workloads::ExecutionPath two_of_encoder;
  two_of_encoder.encoder_layers = 2;
  check_equal(set_of(NetworkName::kDeitTiny, 64, 64).build(two_of_encoder), kMachine);
  workloads::PathSet bert;
  bert.network = NetworkName::kBertBase;
  bert.sequence_length = 32;
  check_equal(bert.build(two_of_encoder), kMachine);
  workloads::PathSet ofa;
  ofa.network = NetworkName::kOfaResnet50;
  workloads::ExecutionPath smallest;
  smallest.resolution = 128;
  smallest.depth = {{0}};
  smallest.expand_ratio = {{0.2}};
  smallest.width_multiplier = {{0.65}};
  check_equal(ofa.build(smallest), kMachine);
}

// What the networks above do not hold, and gathers whose source fits nowhere, in parts, or at once.
TEST_CASE("layers that no network has cost the same when every cycle is stepped") {
  using Builder = workloads::NetworkBuilder;
  Builder net("pieces", {1, 24, 24, 64});
  Builder::Tensor x = net.conv2d("conv", net.input(), {.output_channels = 256});
  const Builder::Tensor places = net.linear("places", x, 32);
  const auto sampling = [](uint32_t parts, uint32_t channels, uint32_t tokens) {
    return Builder::Sampling{
        .output = {parts, 1, tokens, channels}, .rows_per_output = 8, .parts = parts, .passes = 9};
  };
  const Builder::Tensor whole = net.gather("whole", x, {places}, sampling(1, 256, 50));
  net.gather("heads", x, {places}, sampling(8, 32, 50));
  const Builder::Tensor ids = net.rearrange("ids", whole, {1, 1, 50, 1});
  net.gather_table("large_table", ids, uint64_t{64} << 20, sampling(1, 256, 50));
  net.gather_table("table_in_parts", ids, uint64_t{6} << 20, sampling(8, 32, 50));
  const Builder::Tensor gate = net.activation("gate", net.adaptive_pool("squeeze", x, 1, 1));
  x = net.multiply("scaled", x, gate);
  x = net.relu("relu", net.groupnorm("groupnorm", x));
  net.add("add", x, net.resize("resize", net.pool("pool", x, {3, 2, 1}), 24, 24), true);
  const workloads::Network network = net.finish();
  check_equal(network, "magnet_16pe_5nm_lpddr5");
  check_equal(network, "magnet_16pe_5nm_hbm2");
  CHECK(seen.size() == workloads::kLayerKinds);
}

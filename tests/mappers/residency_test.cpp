// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "mappers/lower/lower.h"
#include "mappers/residency.h"
#include "mappers/search/fit.h"
#include "tests/mappers/machines.h"
#include "workloads/builder.h"
#include "workloads/segformer.h"

namespace tilewright::mappers {
namespace {

using workloads::Network;
using workloads::NetworkBuilder;

arch::AcceleratorSpec with_capacity(uint64_t bytes) {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.global_buffer.capacity = Bytes{bytes};
  return spec;
}

TEST_CASE("a chain stays on the chip where two neighbours fit, and its ends go to DRAM") {
  NetworkBuilder builder("chain", {1, 32, 32, 64});  // 64 KiB a tensor
  auto x = builder.linear("a", builder.input(), 64);
  x = builder.linear("b", x, 64);
  builder.linear("c", x, 64);
  const Network network = builder.finish();

  const auto roomy = plan_residency(network, with_capacity(1 << 20));
  CHECK(roomy[0] == Residency{false, false, true, 0});
  CHECK(roomy[1] == Residency{true, false, true, 0});
  CHECK(roomy[2] == Residency{true, false, false, 0});

  // One tensor and a quarter of the buffer fit, two do not: the first in the order of the network stays.
  const auto tight = plan_residency(network, with_capacity(120 << 10));
  CHECK(tight[0].output);
  CHECK(tight[1].input);
  CHECK_FALSE(tight[1].output);

  const auto tiny = plan_residency(network, with_capacity(60 << 10));
  for (const Residency& residency : tiny) {
    CHECK(residency == Residency{});
  }
}

TEST_CASE("a tensor that waits for a later reader is reserved at the layers between") {
  NetworkBuilder builder("residual", {1, 32, 32, 64});
  const auto x = builder.linear("a", builder.input(), 64);
  auto y = builder.linear("b", x, 64);
  y = builder.linear("c", y, 64);
  builder.add("sum", x, y);
  const auto plan = plan_residency(builder.finish(), with_capacity(1 << 20));
  CHECK(plan[1].reserved_bytes == 0);      // x is its own input
  CHECK(plan[2].reserved_bytes == 65536);  // x waits
  CHECK(plan[2].input);
  CHECK(plan[3] == Residency{true, true, false, 0});  // both operands stay
}

TEST_CASE("inputs of a concatenation are written in place, and live and die as one tensor") {
  NetworkBuilder builder("concat", {1, 16, 16, 64});
  const auto a = builder.linear("a", builder.input(), 32);
  const auto b = builder.linear("b", builder.input(), 96);
  const auto joined = builder.concat("joined", {a, b});
  builder.linear("reader", joined, 16);
  const Network network = builder.finish();
  const auto plan = plan_residency(network, with_capacity(1 << 20));
  // 256 pixels x 128 channels are held from the first slice on; each producer writes its own part.
  CHECK(plan[0].output);
  CHECK(plan[0].reserved_bytes == 256 * 96);
  CHECK(plan[1].output);
  CHECK(plan[1].reserved_bytes == 256 * 32);
  CHECK(plan[3].input);
  CHECK(plan[3].reserved_bytes == 0);
  CHECK(lower(network.layers[2], {}, with_capacity(1 << 20), plan[2]).tiles.empty());
}

TEST_CASE("without DRAM everything is held") {
  arch::AcceleratorSpec spec = testing::sixteen_pes();
  spec.has_dram = false;
  NetworkBuilder builder("one", {1, 4, 4, 32});
  builder.linear("a", builder.input(), 32);
  CHECK(plan_residency(builder.finish(), spec)[0] == Residency{true, true, true, 0});
}

TEST_CASE(
    "SegFormer-B2: what stays never exceeds the buffer, every layer still maps, and traffic falls by a "
    "fifth") {
  const arch::AcceleratorSpec spec = testing::sixteen_pes();
  const Network network = workloads::segformer(
      workloads::segformer_spec(workloads::SegformerSize::kB2, workloads::SegformerData::kAde20k));
  const auto plan = plan_residency(network, spec);
  REQUIRE(plan.size() == network.layers.size());
  uint64_t streamed = 0, all = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    CAPTURE(network.layers[i].name);
    const TensorPlaces places = tensor_places(network.layers[i]);
    const uint64_t held = (plan[i].input ? places.input_bytes : 0) +
                          (plan[i].weights ? places.weight_bytes : 0) +
                          (plan[i].output ? places.output_bytes : 0);
    CHECK(plan[i].reserved_bytes + held <= spec.global_buffer.capacity.value);
    CHECK(fits_at_all(network.layers[i], spec, plan[i]));
    const uint64_t bytes = places.input_bytes + places.weight_bytes + places.output_bytes;
    all += bytes;
    streamed += bytes - held;
    // Who reads a tensor that stays finds it where its writer left it.
    for (const std::size_t source : network.layers[i].inputs) {
      if (network.layers[i].inputs.size() == 1 && source != workloads::kNetworkInput && plan[i].input) {
        const bool concat = network.layers[source].kind == workloads::LayerKind::kConcat;
        CHECK((concat || plan[source].output));
      }
    }
  }
  CHECK(streamed < all * 8 / 10);
}

TEST_CASE("equal layers share a key; shape, residency and mapping tell others apart") {
  const Network network = workloads::segformer(
      workloads::segformer_spec(workloads::SegformerSize::kB2, workloads::SegformerData::kAde20k));
  workloads::Layer a = network.layers[0];
  workloads::Layer b = a;
  b.name = "another";
  CHECK(reuse_key(a, {}) == reuse_key(b, {}));
  ++b.mac.padding;
  CHECK(reuse_key(a, {}) != reuse_key(b, {}));
  CHECK(reuse_key(a, {}) != reuse_key(a, {true, false, false, 0}));
  Mapping m;
  CHECK(reuse_key(a, {}, m) == reuse_key(a, {}, m));
  Mapping other = m;
  ++other.output_slots;
  CHECK(reuse_key(a, {}, m) != reuse_key(a, {}, other));
}

}  // namespace
}  // namespace tilewright::mappers

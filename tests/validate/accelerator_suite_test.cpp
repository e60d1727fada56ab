// SPDX-License-Identifier: Apache-2.0
//
// Published accelerators: the encoders' MACs against closed forms, metrics against hand arithmetic, relative
// points and baselines. The simulator is a stand-in with known numbers.
#include "sim/validate/accelerator_suite.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "sim/base/error.h"
#include "sim/validate/validate.h"

namespace tilewright::validate {
namespace {

namespace fs = std::filesystem;
using doctest::Approx;

const fs::path kRoot = TILEWRIGHT_SOURCE_DIR;

// Measured in `values`; a machine that exists, so that the naive model knows its peak.
class File {
 public:
  explicit File(const std::string& rest)
      : path_(fs::temp_directory_path() / ("validation_points_" + std::to_string(::getpid()) + ".yaml")) {
    std::ofstream(path_) << "kind: validation_points\nname: test\nmachine: "
                         << (kRoot / "configs/arch/keller_core_5nm.yaml").string()
                         << "\nworks:\n  product: {gemm: {rows: 64, reduction: 512, columns: 1000}}\n" + rest;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// 100,000 cycles in 100 us and 4 uJ for 32.768 M MACs; half of that energy at the other operating point.
Observation stand_in(const fs::path&, const std::vector<std::string>& overrides,
                     const workloads::Network& network) {
  Observation seen;
  seen.area_m2 = 2e-6;
  seen.run.macs = network.macs();
  seen.run.cycles = 100000;
  seen.run.time_s = 100e-6;
  seen.run.utilisation = 0.64;
  const double scale = overrides.empty() ? 1 : 0.5;
  seen.run.energy["datapath"] = {3e-6 * scale, 0, 0};
  seen.run.energy["leakage"] = {1e-6 * scale, 0, 0};
  return seen;
}

ValidationRecord run(const File& file) {
  Suites suites;
  suites.push_back(accelerator_suite({file.path()}, stand_in));
  return validate(select(suites, {}), {});
}

TEST_CASE("the encoders have the published multiply-accumulates") {
  const auto gmac = [](uint32_t tokens, uint32_t hidden, uint32_t heads) {
    Work work;
    work.encoder = EncoderWork{tokens, hidden, heads, 12, 4};
    return static_cast<double>(network_of(work, "encoder").macs()) / 1e9;
  };
  // Per block: 4 + 2 x 4 products of tokens x hidden x hidden, and two of tokens x tokens x hidden.
  CHECK(gmac(128, 768, 12) == Approx(12 * (12.0 * 128 * 768 * 768 + 2.0 * 128 * 128 * 768) / 1e9));
  CHECK(gmac(128, 768, 12) == Approx(11.174).epsilon(1e-4));
  CHECK(gmac(384, 768, 12) == Approx(35.333).epsilon(1e-4));
  CHECK(gmac(197, 384, 6) == Approx(4.541).epsilon(1e-4));
}

TEST_CASE("metrics and the naive model, by hand") {
  const File file(
      "naive: {efficiency: 0.5, energy_per_mac: 100 fJ, source: test}\n"
      "measurements:\n"
      "  - id: one\n    family: f\n    split: validation\n    work: product\n    source: test\n"
      "    values: {giga_macs: 1, cycles: 1, mac_utilisation: 1, inferences_per_second: 1, "
      "inferences_per_joule: 1,\n"
      "             tera_operations_per_joule: 1, energy_per_mac: 1, datapath_energy_per_mac: 1, area: 1}\n"
      "  - {id: none, family: f, split: validation, work: product, source: test, values: "
      "{other_energy_per_mac: 1}}\n");
  const ValidationRecord record = run(file);
  std::map<std::string, ValidationPoint> points;
  for (const ValidationPoint& point : record.points) {
    points[point.metric] = point;
  }
  const double macs = 64.0 * 512 * 1000;
  CHECK(points["giga_macs"].simulated == Approx(macs / 1e9));
  CHECK_FALSE(points["giga_macs"].baseline);
  CHECK(points["cycles"].simulated == 100000);
  CHECK(*points["cycles"].baseline == macs / 512 / 0.5);
  CHECK(points["mac_utilisation"].simulated == 0.64);
  CHECK(points["inferences_per_second"].simulated == Approx(10000));
  CHECK(*points["inferences_per_second"].baseline == Approx(975e6 / (macs / 512 / 0.5)));
  CHECK(points["inferences_per_joule"].simulated == Approx(250000));
  CHECK(points["tera_operations_per_joule"].simulated == Approx(2 * macs / 4e-6 / 1e12));
  CHECK(*points["energy_per_mac"].baseline == Approx(100));
  CHECK(points["datapath_energy_per_mac"].simulated == Approx(3e-6 / macs * 1e15));
  CHECK_FALSE(points["datapath_energy_per_mac"].baseline);
  CHECK(points["area"].simulated == Approx(2));
  // No component "control": counted, not invented.
  REQUIRE(record.not_simulated.size() == 1);
  CHECK(record.not_simulated[0].reason == "the machine has no other_energy_per_mac");
}

TEST_CASE("a relative point divides both sides by another measurement") {
  const File file(
      "measurements:\n"
      "  - {id: full, family: f, split: calibration, work: product, source: test, values: "
      "{tera_operations_per_joule: 16}}\n"
      "  - {id: low, family: g, split: validation, work: product, source: test, values: "
      "{tera_operations_per_joule: 40},\n"
      "     relative_to: full, set: [\"operating_point.voltage=0.46 V\", \"operating_point.clock=152 "
      "MHz\"]}\n");
  const ValidationRecord record = run(file);
  REQUIRE(record.points.size() == 2);
  CHECK(record.points[1].measured == Approx(2.5));
  CHECK(record.points[1].simulated == Approx(2));
  CHECK(record.points[1].unit == "1");
}

TEST_CASE("a points file that does not fit together says where and what would") {
  const auto message = [](const std::string& measurement) {
    try {
      run(File(
          "measurements:\n  - {id: a, family: f, split: validation, source: s, values: {area: 1}}\n  - " +
          measurement));
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const std::string start = "{id: b, family: f, split: validation, source: s, ";
  CHECK(message(start + "values: {area: 1}}") == "accepted");
  CHECK(message(start + "values: {aera: 1}}").find("did you mean 'area'?") != std::string::npos);
  CHECK(message(start + "values: {area: 1}, work: prodct}").find("did you mean 'product'?") !=
        std::string::npos);
  CHECK(message(start + "values: {area: 1}, relative_to: c}").find("measurements: a") != std::string::npos);
  CHECK(message(start + "values: {area: 1}, relative_to: b}").find("cannot be 'b'") != std::string::npos);
  CHECK(message("{id: a, family: f, split: validation, source: s, values: {area: 1}}")
            .find("another measurement") != std::string::npos);
}

}  // namespace
}  // namespace tilewright::validate

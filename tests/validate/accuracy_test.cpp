// SPDX-License-Identifier: Apache-2.0
//
// The simulator's accuracy, held to the errors of the day (configs/validation/error_ceilings.yaml) and to the
// list of known gaps. To write the ceilings anew: TILEWRIGHT_UPDATE_GOLDEN=1 and this test.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "sim/base/config/load.h"
#include "sim/cli/results_commands.h"
#include "sim/validate/ceilings.h"
#include "sim/validate/validate.h"

using namespace tilewright;  // NOLINT(google-build-using-namespace)

namespace {

const std::filesystem::path kFolder = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs/validation";

// Recorded GPU points take minutes together, an attention kernel seconds each: of each of their suites, every so many is
// simulated here.
constexpr const char* kWhole = "accelerator";
std::size_t period_of(const std::string& suite) {
  return suite.find("/attention_") != std::string::npos ? 52 : suite.starts_with("h100_sxm/") ? 12 : 24;
}

class Thinned : public validate::Suite {
 public:
  explicit Thinned(std::unique_ptr<validate::Suite> whole) : whole_(std::move(whole)), period_(period_of(whole_->name())) {}
  std::string name() const override { return whole_->name(); }
  std::string description() const override { return whole_->description(); }
  std::size_t size() override { return (whole_->size() + period_ - 1) / period_; }
  std::string label(std::size_t index) const override { return whole_->label(index * period_); }
  validate::Outcome simulate(std::size_t index) override { return whole_->simulate(index * period_); }

 private:
  std::unique_ptr<validate::Suite> whole_;
  std::size_t period_;
};

validate::Suites thinned_suites() {
  validate::Suites suites = cli::validation_suites();
  for (auto& suite : suites) {
    if (suite->name() != kWhole) {
      suite = std::make_unique<Thinned>(std::move(suite));
    }
  }
  return suites;
}

const ValidationRecord& record() {
  static const ValidationRecord all = [] {
    const validate::Suites suites = thinned_suites();
    return validate::validate(validate::select(suites, {}),
                              config::load<validate::GapFile>(kFolder / "known_gaps.yaml").value.gaps);
  }();
  return all;
}

}  // namespace

TEST_CASE("no group of points is further from its measurements than it was") {
  if (std::getenv("TILEWRIGHT_UPDATE_GOLDEN") != nullptr) {
    const std::string yaml =
        validate::ceilings_yaml(record());  // before the file is emptied: all of the folder is read
    std::ofstream(kFolder / "error_ceilings.yaml") << yaml;
  }
  const auto ceilings = config::load<validate::CeilingFile>(kFolder / "error_ceilings.yaml").value;
  CHECK_FALSE(ceilings.ceilings.empty());
  for (const std::string& problem : validate::broken(ceilings, record())) {
    FAIL_CHECK(
        problem
        << "\n  if this is meant: TILEWRIGHT_UPDATE_GOLDEN=1 build/ci/tests/validate/validate_accuracy_test");
  }
}

TEST_CASE("every known gap is still there, and still as large as it is said to be") {
  CHECK_FALSE(record().known_gaps.empty());
  for (const KnownGap& gap : record().known_gaps) {
    CHECK_MESSAGE((gap.n > 0 || gap.suite != kWhole), "known gap '" << gap.points << "' matches no point");
    for (const std::string& id : gap.outside) {
      FAIL_CHECK(id << " left the range of its known gap: if it has closed, take it off "
                       "configs/validation/known_gaps.yaml");
    }
  }
}

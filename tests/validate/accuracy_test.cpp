// SPDX-License-Identifier: Apache-2.0
//
// The simulator's accuracy, held to the errors of the day (configs/validation/error_ceilings.yaml) and to the
// list of known gaps. To write the ceilings anew: TILEWRIGHT_UPDATE_GOLDEN=1 and --test-case='ceilings:*'.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "sim/base/config/load.h"
#include "sim/cli/results_commands.h"
#include "sim/validate/ceilings.h"
#include "sim/validate/validate.h"

using namespace tilewright;  // NOLINT(google-build-using-namespace)

namespace {

const std::filesystem::path kFolder = std::filesystem::path(TILEWRIGHT_SOURCE_DIR) / "configs/validation";

// Recorded GPU points take minutes together, an attention kernel seconds each: of each of their suites, every
// so many is simulated here.
constexpr const char* kWhole = "accelerator";
std::size_t period_of(const std::string& suite) {
  return suite.find("/attention_") != std::string::npos ? 52 : suite.starts_with("h100_sxm/") ? 12 : 24;
}

class Thinned : public validate::Suite {
 public:
  explicit Thinned(std::unique_ptr<validate::Suite> whole)
      : whole_(std::move(whole)), period_(period_of(whole_->name())) {}
  std::string name() const override { return whole_->name(); }
  std::string description() const override { return whole_->description(); }
  std::size_t size() override { return (whole_->size() + period_ - 1) / period_; }
  std::string label(std::size_t index) const override { return whole_->label(index * period_); }
  validate::Outcome simulate(std::size_t index) override { return whole_->simulate(index * period_); }

 private:
  std::unique_ptr<validate::Suite> whole_;
  std::size_t period_;
};

// Two halves of about the same time, which ctest runs beside each other.
enum class Part { kAttention, kMicrobenchmarks };

Part part_of(const std::string& suite) {
  return suite.find("attention_") != std::string::npos ? Part::kAttention : Part::kMicrobenchmarks;
}

ValidationRecord simulate(std::optional<Part> part) {
  validate::Suites suites;
  for (auto& suite : cli::validation_suites()) {
    if (part && part_of(suite->name()) != *part) {
      continue;
    }
    suites.push_back(suite->name() == kWhole ? std::move(suite)
                                             : std::make_unique<Thinned>(std::move(suite)));
  }
  return validate::validate(validate::select(suites, {}),
                            config::load<validate::GapFile>(kFolder / "known_gaps.yaml").value.gaps);
}

void hold_to_ceilings(const ValidationRecord& record) {
  const auto ceilings = config::load<validate::CeilingFile>(kFolder / "error_ceilings.yaml").value;
  CHECK_FALSE(ceilings.ceilings.empty());
  CHECK_FALSE(record.summary.empty());
  for (const std::string& problem : validate::broken(ceilings, record)) {
    FAIL_CHECK(problem << "\n  if this is meant: TILEWRIGHT_UPDATE_GOLDEN=1 "
                          "build/ci/tests/validate/validate_accuracy_test --test-case='ceilings:*'");
  }
}

void find_known_gaps(const ValidationRecord& record) {
  CHECK_FALSE(record.known_gaps.empty());
  for (const KnownGap& gap : record.known_gaps) {
    CHECK_MESSAGE((gap.n > 0 || gap.suite != kWhole), "known gap '" << gap.points << "' matches no point");
    for (const std::string& id : gap.outside) {
      FAIL_CHECK(id << " left the range of its known gap: if it has closed, take it off "
                       "configs/validation/known_gaps.yaml");
    }
  }
}

}  // namespace

// No group of points is further from its measurements than it was, and every known gap is as large as it is
// said to be.
TEST_CASE("attention: errors and known gaps are those of the day") {
  const ValidationRecord record = simulate(Part::kAttention);
  hold_to_ceilings(record);
  find_known_gaps(record);
}

TEST_CASE("microbenchmarks: errors and known gaps are those of the day") {
  const ValidationRecord record = simulate(Part::kMicrobenchmarks);
  hold_to_ceilings(record);
  find_known_gaps(record);
}

TEST_CASE("ceilings: written anew where asked for" *
          doctest::skip(std::getenv("TILEWRIGHT_UPDATE_GOLDEN") == nullptr)) {
  const std::string yaml =
      validate::ceilings_yaml(simulate({}));  // before the file is emptied: all of it is read
  std::ofstream(kFolder / "error_ceilings.yaml") << yaml;
}

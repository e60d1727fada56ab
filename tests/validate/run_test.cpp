// SPDX-License-Identifier: Apache-2.0
//
// Running suites: selection, known gaps, thresholds, ceilings, interrupts. The suites are stand-ins.
#include <doctest/doctest.h>

#include <limits>

#include "sim/base/error.h"
#include "sim/base/interrupt.h"
#include "sim/validate/ceilings.h"
#include "sim/validate/validate.h"

namespace tilewright::validate {
namespace {

// Points "p0", "p1", ... measured as 100, simulated as given; nothing for a negative value.
class Fixed : public Suite {
 public:
  Fixed(std::string name, std::vector<double> simulated)
      : name_(std::move(name)), simulated_(std::move(simulated)) {}
  std::string name() const override { return name_; }
  std::string description() const override { return "fixed"; }
  std::size_t size() override { return simulated_.size(); }
  std::string label(std::size_t index) const override { return "p" + std::to_string(index); }
  Outcome simulate(std::size_t index) override {
    Outcome outcome;
    if (simulated_[index] < 0) {
      outcome.not_simulated.push_back({"", "f", Split::kValidation, 1, "no twin"});
      return outcome;
    }
    ValidationPoint point;
    point.id = label(index);
    point.family = "f";
    point.metric = "m";
    point.measured = 100;
    point.simulated = simulated_[index];
    outcome.points.push_back(point);
    return outcome;
  }

 private:
  std::string name_;
  std::vector<double> simulated_;
};

Suites make(std::vector<std::pair<std::string, std::vector<double>>> all) {
  Suites suites;
  for (auto& [name, simulated] : all) {
    suites.push_back(std::make_unique<Fixed>(name, simulated));
  }
  return suites;
}

ValidationRecord run(const Suites& suites, const std::vector<GapSpec>& gaps = {}) {
  return validate(select(suites, {}), gaps);
}

TEST_CASE("suites are selected by name or by what stands before the slash") {
  const Suites suites = make({{"accelerator", {100}}, {"card/tma", {100}}, {"card/wgmma", {100}}});
  CHECK(select(suites, {}).size() == 3);
  CHECK(select(suites, {"card"}).size() == 2);
  REQUIRE(select(suites, {"card/wgmma", "accelerator"}).size() == 2);
  CHECK(select(suites, {"card/wgmma", "accelerator"})[0]->name() == "accelerator");
  try {
    select(suites, {"acelerator"});
    FAIL("selected");
  } catch (const UserError& error) {
    CHECK(error.exit_code() == ExitCode::kUsage);
    CHECK(std::string(error.what()).find("did you mean 'accelerator'?") != std::string::npos);
    CHECK(std::string(error.what()).find("card/tma") != std::string::npos);
  }
}

TEST_CASE("every measured point is either compared or counted as not simulated") {
  const Suites suites = make({{"a", {110, -1, 90, -1}}, {"b", {-1}}});
  const ValidationRecord record = run(suites);
  CHECK(record.points.size() == 2);
  CHECK(record.points[0].error == doctest::Approx(0.1));
  REQUIRE(record.not_simulated.size() == 2);
  CHECK(record.not_simulated[0].n == 2);
  CHECK(record.not_simulated[0].suite == "a");
  CHECK(record.not_simulated[1].suite == "b");
}

TEST_CASE("patterns of ids") {
  CHECK(matches("gemm_*/tops", "gemm_0.46v/tops"));
  CHECK(matches("*", ""));
  CHECK(matches("*b*", "abc"));
  CHECK(matches("a*b*c", "a1b2b3c"));
  CHECK_FALSE(matches("a*b*c", "a1b2b3"));
  CHECK_FALSE(matches("abc", "abcd"));
  CHECK_FALSE(matches("", "a"));
  std::string stars(40, '*');
  stars += 'b';
  CHECK_FALSE(matches(stars, std::string(5000, 'a')));
}

TEST_CASE("a known gap covers its points, and a change of them is noticed") {
  const Suites suites = make({{"a", {120, 130, 100}}, {"b", {120}}});
  const ValidationRecord holds = run(suites, {{"a", "p0", "why", 0.1, 0.25}});
  REQUIRE(holds.known_gaps.size() == 1);
  CHECK(holds.known_gaps[0].holds());
  CHECK(holds.points[0].known_gap == "p0");
  CHECK(holds.points[3].known_gap.empty());
  CHECK(above(holds, 0.25) == std::vector<std::string>{"p1: error +30.0 %"});
  const ValidationRecord changed = run(suites, {{"a", "p*", "why", 0.1, 0.25}});
  CHECK(changed.known_gaps[0].outside == std::vector<std::string>{"p1", "p2"});
  CHECK(above(changed, 10).size() == 2);
  const ValidationRecord nothing =
      run(suites, {{"a", "q", "why", 0.1, 0.25}, {"not_run", "q", "why", 0.1, 0.25}});
  REQUIRE(nothing.known_gaps.size() == 1);
  CHECK_FALSE(nothing.known_gaps[0].holds());
  CHECK(above(nothing, 10).size() == 1);
}

TEST_CASE("ceilings: worse, fewer, new and missing groups are all named") {
  const Suites suites = make({{"a", {110, 120}}});
  const ValidationRecord record = run(suites);
  const Ceiling fits{"a", "f", Split::kValidation, "m", 2, 0.15, 0.2};
  CHECK(broken({{fits}}, record).empty());
  Ceiling tight = fits;
  tight.mape = 0.149;
  tight.max_error = 0.199;
  tight.n = 3;
  CHECK(broken({{tight}}, record).size() == 3);
  CHECK(broken({}, record).size() == 1);
  Ceiling gone = fits;
  gone.family = "gone";
  CHECK(broken({{fits, gone}}, record).size() == 1);
  gone.suite = "not_run";
  CHECK(broken({{fits, gone}}, record).empty());
}

TEST_CASE("an interrupt leaves at once") {
  const Suites suites = make({{"a", {110, 120}}});
  interrupt_flag() = true;
  CHECK_THROWS_AS(run(suites), Interrupted);
  interrupt_flag() = false;
}

TEST_CASE("two points with one id, or no number, are our bug") {
  CHECK_THROWS_AS(run(make({{"a", {std::numeric_limits<double>::quiet_NaN()}}})), InternalError);
  class Twice : public Fixed {
   public:
    Twice() : Fixed("a", {1, 2}) {}
    std::string label(std::size_t) const override { return "same"; }
  };
  Suites suites;
  suites.push_back(std::make_unique<Twice>());
  CHECK_THROWS_AS(run(suites), InternalError);
}

}  // namespace
}  // namespace tilewright::validate

// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/expression.h"

#include <doctest/doctest.h>

namespace tilewright::explore {
namespace {

const std::vector<std::string> kNames = {"lanes", "buffer"};

double value(const std::string& text) {
  Expression::Problem problem;
  const auto expression = Expression::parse(text, kNames, problem);
  REQUIRE_MESSAGE(expression.has_value(), text << ": " << problem.message);
  const double values[] = {16, 65536};
  return expression->evaluate(values);
}

Expression::Problem problem_of(const std::string& text) {
  Expression::Problem problem;
  CHECK_FALSE(Expression::parse(text, kNames, problem).has_value());
  return problem;
}

TEST_CASE("operators bind as in arithmetic and associate to the left") {
  CHECK(value("2 + 3 * 4") == 14);
  CHECK(value("(2 + 3) * 4") == 20);
  CHECK(value("20 - 8 - 2") == 10);
  CHECK(value("64 / 4 / 2") == 8);
  CHECK(value("-3 * -2 + 17 % 5") == 8);
  CHECK(value("1 / 4") == 0.25);
  CHECK(value("max(lanes, 20) - min(lanes, 20)") == 4);
}

TEST_CASE("comparisons and words give 1 or 0; 'and' binds before 'or'") {
  CHECK(value("lanes == 16 and buffer > 1") == 1);
  CHECK(value("lanes != 16 or buffer <= 64 KiB") == 1);
  CHECK(value("1 == 1 or 1 == 1 and 1 == 2") == 1);
  CHECK(value("not lanes > 8") == 0);
  CHECK(value("not not (lanes >= 16)") == 1);
}

TEST_CASE("numbers carry units") {
  CHECK(value("64 KiB") == 65536);
  CHECK(value("2 * 1 MiB") == 2097152);
  CHECK(value("975 MHz / 1 kHz") == 975000);
  CHECK(number_in("1.5 KiB") == 1536);
  CHECK_FALSE(number_in("64 KiBs").has_value());
  CHECK_FALSE(number_in("os_lws").has_value());
  CHECK_FALSE(number_in("").has_value());
}

TEST_CASE("what is no expression is refused at its column") {
  CHECK(problem_of("").column == 1);
  CHECK(problem_of("lanes >").column == 8);
  CHECK(problem_of("lanes 3").column == 7);
  CHECK(problem_of("(lanes").message == "a ')' is missing here");
  CHECK(problem_of("lane * 2").unknown_name == "lane");
  CHECK(problem_of("2 * lane").column == 5);
  CHECK(problem_of("1 < 2 < 3").column == 7);
  CHECK(problem_of("1..2").column == 1);
  CHECK(problem_of(std::string(100'000, '(')).message == "is nested too deeply");
}

}  // namespace
}  // namespace tilewright::explore

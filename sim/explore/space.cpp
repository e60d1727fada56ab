// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/space.h"

#include <fmt/format.h>

#include <cmath>

#include "sim/base/error.h"

namespace tilewright::explore {
namespace {

Expression parse(const std::string& text, const std::vector<std::string>& names) {
  Expression::Problem problem;
  std::optional<Expression> expression = Expression::parse(text, names, problem);
  TILEWRIGHT_CHECK(expression.has_value(), "the loader let an expression through: " + text);
  return *expression;
}

}  // namespace

Space::Space(const ExplorationSpec& spec) : spec_(spec) {
  constexpr PointNumber kMost = PointNumber{1} << 62;
  for (const Parameter& parameter : spec.parameters) {
    names_.push_back(parameter.name);
    values_.push_back(values_of(parameter));
    numbers_.emplace_back();
    for (const std::string& value : values_.back()) {
      numbers_.back().push_back(number_in(value).value_or(0));
    }
    if (size_ > kMost / values_.back().size()) {
      throw UserError(fmt::format("exploration '{}' has more points than can be numbered", spec.name));
    }
    size_ *= values_.back().size();
  }
  for (const std::string& condition : spec.conditions) {
    conditions_.push_back(parse(condition, names_));
  }
  for (const DerivedKey& derived : spec.derived) {
    derived_.push_back(parse(derived.value, names_));
  }
}

Places Space::places(PointNumber point) const {
  Places places(values_.size());
  for (std::size_t i = values_.size(); i-- > 0;) {
    places[i] = static_cast<uint32_t>(point % values_[i].size());
    point /= values_[i].size();
  }
  return places;
}

PointNumber Space::number(const Places& places) const {
  PointNumber point = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    point = point * values_[i].size() + places[i];
  }
  return point;
}

std::vector<double> Space::numbers(const Places& places) const {
  std::vector<double> numbers(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    numbers[i] = numbers_[i][places[i]];
  }
  return numbers;
}

bool Space::admits(const Places& places) const {
  const std::vector<double> values = numbers(places);
  for (const Expression& condition : conditions_) {
    if (!condition.holds(values)) {
      return false;
    }
  }
  return true;
}

config::Overrides Space::overrides(const Places& places) const {
  config::Overrides overrides;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    for (const std::string& key : spec_.parameters[i].keys) {
      overrides.push_back(key + "=" + value(i, places));
    }
  }
  const std::vector<double> values = numbers(places);
  for (std::size_t i = 0; i < derived_.size(); ++i) {
    const double result = derived_[i].evaluate(values);
    const std::string number = std::isfinite(result) ? fmt::format("{:.0f}", result) : "not_a_number";
    const std::string& unit = spec_.derived[i].unit;
    overrides.push_back(spec_.derived[i].key + "=" + number + (unit.empty() ? "" : " " + unit));
  }
  return overrides;
}

}  // namespace tilewright::explore

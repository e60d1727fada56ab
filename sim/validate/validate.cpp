// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "sim/base/config/diagnostics.h"
#include "sim/base/error.h"
#include "sim/base/interrupt.h"
#include "sim/validate/statistics.h"

namespace tilewright::validate {
namespace {

std::string stem(const std::string& name) {
  return name.substr(0, name.find('/'));
}

void add_point(ValidationPoint point, const Suite& suite, std::set<std::string>& ids,
               ValidationRecord& record) {
  point.suite = suite.name();
  TILEWRIGHT_CHECK(std::isfinite(point.simulated) && std::isfinite(point.measured),
                   "a value of point " + point.id + " is not finite");
  TILEWRIGHT_CHECK(ids.insert(point.suite + ": " + point.id).second, "two points have the id " + point.id);
  point.error = relative_error(point.simulated, point.measured);
  record.points.push_back(std::move(point));
}

void count_not_simulated(NotSimulated one, const Suite& suite, std::vector<NotSimulated>& all) {
  one.suite = suite.name();
  for (NotSimulated& known : all) {
    if (known.suite == one.suite && known.family == one.family && known.split == one.split &&
        known.reason == one.reason) {
      known.n += one.n;
      return;
    }
  }
  all.push_back(std::move(one));
}

}  // namespace

std::vector<Suite*> select(const Suites& suites, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const auto& suite : suites) {
    for (const std::string& name : {stem(suite->name()), suite->name()}) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        known.push_back(name);
      }
    }
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UserError(
          {Diagnostic{{},
                      "usage.unknown-value",
                      fmt::format("there is no suite '{}'{}", name, config::did_you_mean(name, known)),
                      {"suites: " + config::join(known)}}});
    }
  }
  std::vector<Suite*> chosen;
  for (const auto& suite : suites) {
    const bool wanted = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name == suite->name() || name == stem(suite->name());
    });
    if (names.empty() || wanted) {
      chosen.push_back(suite.get());
    }
  }
  return chosen;
}

ValidationRecord validate(const std::vector<Suite*>& suites, const std::vector<GapSpec>& gaps,
                          const ProgressSteps& progress) {
  std::size_t total = 0;
  for (Suite* suite : suites) {
    total += suite->size();
  }
  progress.start(total);
  ValidationRecord record;
  std::set<std::string> ids;
  for (Suite* suite : suites) {
    record.suites.push_back(suite->name());
    for (std::size_t i = 0; i < suite->size(); ++i) {
      throw_if_interrupted();
      progress.begin(suite->label(i));
      Outcome outcome = suite->simulate(i);
      for (ValidationPoint& point : outcome.points) {
        add_point(std::move(point), *suite, ids, record);
      }
      for (NotSimulated& one : outcome.not_simulated) {
        count_not_simulated(std::move(one), *suite, record.not_simulated);
      }
      progress.done(suite->label(i));
    }
  }
  apply(gaps, record);
  record.summary = summarise(record.points);
  return record;
}

std::vector<std::string> above(const ValidationRecord& record, double max_error) {
  std::vector<std::string> ids;
  for (const ValidationPoint& point : record.points) {
    if (point.known_gap.empty() && std::abs(point.error) > max_error) {
      ids.push_back(fmt::format("{}: error {:+.1f} %", point.id, point.error * 100));
    }
  }
  for (const KnownGap& gap : record.known_gaps) {
    for (const std::string& id : gap.outside) {
      ids.push_back(fmt::format("{}: outside of its known gap's {:+.1f} to {:+.1f} %", id, gap.low * 100,
                                gap.high * 100));
    }
    if (gap.n == 0) {
      ids.push_back(fmt::format("known gap '{}' matches no point", gap.points));
    }
  }
  return ids;
}

}  // namespace tilewright::validate

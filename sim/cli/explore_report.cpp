// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/text.h"
#include "sim/cli/explore_command.h"
#include "sim/report/table.h"

namespace tilewright::cli {
namespace {

using explore::Answer;
using explore::ExplorationResult;
using explore::ExplorationSpec;
using explore::ExploredPoint;
using explore::FrontReason;
using explore::Objective;
using explore::to_minimise;
using report::Table;
using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr std::size_t kMostShown = 40;

constexpr Objective kObjectives[] = {Objective::kLatency, Objective::kEnergy, Objective::kArea, Objective::kEdp,
                                     Objective::kThroughputPerArea};

std::string word(Objective objective) {
  for (const auto& entry : enumeration_names(objective)) {
    if (entry.value == objective) {
      std::string text(entry.name);
      std::replace(text.begin(), text.end(), '_', ' ');
      return text;
    }
  }
  return {};
}

// What people read: ms, mJ, mm2, uJ s, frames per second and mm2.
struct Shown {
  const char* unit;
  double scale;
};
Shown shown(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return {"ms", 1e3};
    case Objective::kEnergy:
      return {"mJ", 1e3};
    case Objective::kArea:
      return {"mm2", 1e6};
    case Objective::kEdp:
      return {"uJ s", 1e6};
    case Objective::kThroughputPerArea:
      break;
  }
  return {"1/s/mm2", 1e-6};
}

double at(const explore::ObjectiveValues& values, Objective objective) {
  return values[static_cast<std::size_t>(objective)];
}

std::string number(const explore::ObjectiveValues& values, Objective objective) {
  return fmt::format("{:.4g}", at(values, objective) * shown(objective).scale);
}

std::string design(const ExplorationSpec& spec, const ExploredPoint& point) {
  std::string text;
  for (std::size_t i = 0; i < spec.parameters.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", spec.parameters[i].name, point.parameters[i]);
  }
  return text;
}

std::string changes(const ExplorationSpec& spec, const ExploredPoint& from, const ExploredPoint& to) {
  std::string text;
  for (std::size_t i = 0; i < spec.parameters.size(); ++i) {
    if (from.parameters[i] != to.parameters[i]) {
      text += fmt::format("{}{} {} instead of {}", text.empty() ? "" : ", ", spec.parameters[i].name, from.parameters[i],
                          to.parameters[i]);
    }
  }
  return text.empty() ? "the same parameters" : text;
}

std::string differences(const ExplorationSpec& spec, const std::vector<std::size_t>& which, const ExploredPoint& point,
                        const ExploredPoint& other) {
  std::string text;
  for (const std::size_t o : which) {
    const Objective objective = spec.objectives[o];
    const double ratio = at(*point.values, objective) / at(*other.values, objective) - 1;
    text += fmt::format("{}{:.1f} % {} {}", text.empty() ? "" : " and ", 100 * std::abs(ratio), ratio < 0 ? "less" : "more",
                        word(objective));
  }
  return text;
}

std::string why(const ExplorationSpec& spec, const ExplorationResult& result, std::size_t member) {
  const FrontReason& reason = result.reasons[member];
  const ExploredPoint& point = result.points[result.front[member]];
  const ExploredPoint& other = result.points[reason.neighbour];
  std::string text;
  for (const std::size_t o : reason.best_in) {
    text += fmt::format("{}{}", text.empty() ? "best in " : " and ", word(spec.objectives[o]));
  }
  if (&point == &other) {
    return text + (text.empty() ? "alone" : "; alone");
  }
  return fmt::format("{}{}against {}: {}, for {} ({})", text, text.empty() ? "" : "; ", other.number,
                     differences(spec, reason.gains, point, other), differences(spec, reason.pays, point, other),
                     changes(spec, point, other));
}

std::size_t count(const ExplorationResult& result, explore::Status status) {
  return static_cast<std::size_t>(
      std::count_if(result.points.begin(), result.points.end(), [&](const ExploredPoint& p) { return p.status == status; }));
}

void append_counts(std::string& text, const ExplorationSpec& spec, const ExplorationResult& result) {
  text += fmt::format("{}: {} points evaluated of a space of {} (conditions not applied), {} paths each\n", spec.name,
                      report::with_separators(result.points.size()), report::with_separators(result.space_size),
                      selected_paths(spec).size());
  text += fmt::format("  {} designs, {} over budget, {} failed; {} on the front\n", count(result, explore::Status::kOk),
                      count(result, explore::Status::kOverBudget), count(result, explore::Status::kFailed),
                      result.front.size());
  std::map<std::string, std::size_t> reasons;
  for (const ExploredPoint& point : result.points) {
    reasons[point.reason] += point.status == explore::Status::kFailed ? 1 : 0;
  }
  std::size_t told = 0;
  for (const auto& [reason, times] : reasons) {
    if (times > 0 && told++ < 5) {
      text += fmt::format("    {} x {}\n", times, reason);
    }
  }
  text += fmt::format("  sweep: {:.1f} CPU s, {:.1f} points per CPU s; {} layers asked for, {:.1f} % of them reused\n",
                      result.sweep_cpu_s, result.sweep_cpu_s > 0 ? double(result.points.size()) / result.sweep_cpu_s : 0,
                      report::with_separators(result.layers),
                      result.layers > 0 ? 100 * (1 - double(result.layers_computed) / double(result.layers)) : 0.0);
  if (result.resumed > 0) {
    text += fmt::format("  resumed: {} results were there already\n", result.resumed);
  }
}

void append_front(std::string& text, const ExplorationSpec& spec, const ExplorationResult& result, bool colour) {
  if (result.front.empty()) {
    text += "\nNo design, so no front.\n";
    return;
  }
  std::vector<std::size_t> order(result.front.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  const Objective first = spec.objectives.front();
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return to_minimise(*result.points[result.front[a]].values, {first}) <
           to_minimise(*result.points[result.front[b]].values, {first});
  });
  // A long front is shown in even steps, both ends included.
  const std::size_t rows = std::min(kMostShown, order.size());
  text += fmt::format("\nPareto front of the model{}, by {}:\n\n",
                      rows < order.size() ? fmt::format(", {} of {} points in even steps", rows, order.size()) : "", word(first));
  std::vector<Table::Column> columns = {{"point", ""}};
  for (const Objective objective : kObjectives) {
    columns.push_back({word(objective), shown(objective).unit});
  }
  for (const explore::Parameter& parameter : spec.parameters) {
    std::string heading = parameter.name;
    std::replace(heading.begin(), heading.end(), '_', '\n');
    columns.push_back({heading, ""});
  }
  Table table(columns);
  std::string reasons;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t member = order[rows > 1 ? row * (order.size() - 1) / (rows - 1) : 0];
    const ExploredPoint& point = result.points[result.front[member]];
    std::vector<std::string> cells = {std::to_string(point.number)};
    for (const Objective objective : kObjectives) {
      cells.push_back(number(*point.values, objective));
    }
    cells.insert(cells.end(), point.parameters.begin(), point.parameters.end());
    table.add_row(cells);
    reasons += fmt::format("  {}: {}\n", point.number, why(spec, result, member));
  }
  text += table.text(colour) + "\nWhy each is there (against its nearest neighbour on the front):\n" + reasons;
}

// The simulator's number where there is one, and for energies what it could be with other constants.
std::string both(const ExploredPoint& point, Objective objective, bool compared) {
  const auto& simulated = compared ? point.simulated_compared : point.simulated;
  std::string text = number(compared ? *point.compared : *point.values, objective);
  if (simulated) {
    text += " / " + number(*simulated, objective);
  }
  const auto& range = compared ? point.simulated_compared_range : point.simulated_range;
  if (range && objective == Objective::kEnergy) {
    text += fmt::format(" [{:.4g}..{:.4g}]", range->low_j * 1e3, range->high_j * 1e3);
  }
  return text + " " + shown(objective).unit;
}

std::string percent(double fraction) { return fmt::format("{:+.2f} %", 100 * fraction); }

// By the simulator, of the same two designs; with every energy constant at either end where it is about energy.
std::string simulated_regret(const ExploredPoint& best, const ExploredPoint& other, Objective objective) {
  if (!best.simulated || !other.simulated) {
    return "";
  }
  std::string text = fmt::format("; simulated {}", percent(at(*other.simulated, objective) / at(*best.simulated, objective) - 1));
  if (objective == Objective::kEnergy) {
    text += fmt::format(" (constants low {}, high {})", percent(other.simulated_range->low_j / best.simulated_range->low_j - 1),
                        percent(other.simulated_range->high_j / best.simulated_range->high_j - 1));
  }
  return text;
}

void append_answer(std::string& text, const ExplorationSpec& spec, const ExplorationResult& result, const Answer& found) {
  const ExploredPoint& best = result.points[found.best];
  const ExploredPoint& other = result.points[found.compared_best];
  const std::string alone = config::join(spec.compare_paths);
  text += fmt::format("  {} within {:.2f} mm2\n    for the mix: {} ({}), {}\n", word(found.objective), found.area_m2 * 1e6,
                      best.number, design(spec, best), both(best, found.objective, false));
  if (found.best == found.compared_best) {
    text += fmt::format("    for {} alone: the same, {}", alone, both(best, found.objective, true));
  } else {
    text += fmt::format("    for {} alone: {} ({}), {}; on the mix it needs {}, {} by the model{}", alone, other.number,
                        changes(spec, other, best), both(other, found.objective, true), both(other, found.objective, false),
                        percent(found.regret), simulated_regret(best, other, found.objective));
  }
  if (spec.search.strategy == explore::Strategy::kRandom) {
    text += fmt::format("\n    with other random points: {} to {}", percent(found.regret_low), percent(found.regret_high));
  }
  if (found.simulated && (found.simulated->best != found.best || found.simulated->compared_best != found.compared_best)) {
    text += fmt::format("\n    by the simulator, of the points simulated: {} for the mix, {} for {} alone, {}",
                        result.points[found.simulated->best].number, result.points[found.simulated->compared_best].number, alone,
                        percent(found.simulated->regret));
  }
  text += "\n";
}

void append_answers(std::string& text, const ExplorationSpec& spec, const ExplorationResult& result) {
  if (result.answers.empty()) {
    return;
  }
  text += fmt::format("\nWhich design serves the mix of {} paths best, and which {} alone (model / simulated [with all energy "
                      "constants low..high]):\n",
                      selected_paths(spec).size(), config::join(spec.compare_paths));
  for (const Answer& found : result.answers) {
    append_answer(text, spec, result, found);
  }
}

void append_stages(std::string& text, const ExplorationSpec& spec, const ExplorationResult& result) {
  text += "\nTwo stages. The sweep above is the analytic model with a bounded mapper, not the simulator.\n";
  if (result.loss.points > 0) {
    text += fmt::format(
        "  The bounded mapper ({} evaluations a layer) against the full search ({}), on path '{}' of {} points, by the model: "
        "latency {:+.2f} %, energy {:+.2f} % ({:.1f} CPU s)\n",
        spec.mapper.budget, spec.mapper.reference_budget, selected_paths(spec).front()->name, result.loss.points,
        100 * result.loss.latency, 100 * result.loss.energy, result.reference_cpu_s);
  }
  if (result.simulated == 0) {
    text += "  Nothing was simulated.\n";
    return;
  }
  text += fmt::format("  {} points simulated in 'event' ({:.1f} CPU s, {} layers, the others were known); against the model:\n",
                      result.simulated, result.simulation_cpu_s, report::with_separators(result.layers_simulated));
  for (const explore::Correlation& correlation : result.correlations) {
    text += fmt::format("    {:<20} rank correlation {:.4f}; simulated / model {:.3f} on average, {:.3f} to {:.3f}\n",
                        word(correlation.objective), correlation.rank, correlation.mean_ratio, correlation.least_ratio,
                        correlation.largest_ratio);
  }
  const auto numbers = [&](const std::vector<std::size_t>& members) {
    std::vector<std::string> names;
    for (const std::size_t i : members) {
      names.push_back(std::to_string(result.points[i].number));
    }
    return names.empty() ? std::string("none") : config::join(names);
  };
  text += fmt::format("  Front of the points simulated, by the simulator: {} points. Of the model's front it drops {}: {}.\n",
                      result.simulated_front.size(), result.left.size(), numbers(result.left));
  text += fmt::format("  It adds {}: {}.\n", result.entered.size(), numbers(result.entered));
  for (const ExploredPoint& point : result.points) {
    if (!point.simulation_failure.empty()) {
      text += fmt::format("  point {} could not be simulated: {}\n", point.number, point.simulation_failure);
    }
  }
}

Json parameter_value(const std::string& text) {
  const auto decimal = config::parse_decimal(text);
  bool overflow = false;
  if (decimal) {
    const auto integer = config::to_integer(*decimal, 1, overflow);
    return integer ? Json(*integer) : Json(config::to_double(*decimal));
  }
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string field = "\"";
  for (const char c : text) {
    field += c == '"' ? "\"\"" : std::string(1, c);
  }
  return field + "\"";
}

}  // namespace

std::string explore_text(const ExplorationSpec& spec, const ExplorationResult& result, bool colour) {
  std::string text;
  append_counts(text, spec, result);
  append_front(text, spec, result, colour);
  append_answers(text, spec, result);
  append_stages(text, spec, result);
  return text;
}

std::string explore_json(const ExplorationSpec& spec, const ExplorationResult& result) {
  Json objectives = Json::array();
  for (const Objective objective : spec.objectives) {
    objectives.push_back(key_of(objective));
  }
  Json points = Json::array();
  for (const ExploredPoint& point : result.points) {
    Json json = {{"status", name(point.status)}};
    if (point.status != explore::Status::kOk) {
      json["reason"] = point.reason;
    }
    json["parameters"] = Json::object();
    for (std::size_t i = 0; i < spec.parameters.size(); ++i) {
      json["parameters"][spec.parameters[i].name] = parameter_value(point.parameters[i]);
    }
    json["objectives"] = Json::object();
    for (const Objective objective : kObjectives) {
      if (point.values) {
        json["objectives"][std::string(key_of(objective))] = at(*point.values, objective);
      }
    }
    points.push_back(std::move(json));
  }
  const Json json = {{"schema_version", kSchemaVersion},
                     {"objectives", std::move(objectives)},
                     {"points", std::move(points)},
                     {"pareto", result.front}};
  return json.dump(1) + "\n";
}

std::string explore_csv(const ExplorationSpec& spec, const ExplorationResult& result) {
  std::string csv = "point,status,reason,on_front";
  for (const explore::Parameter& parameter : spec.parameters) {
    csv += "," + parameter.name;
  }
  for (const char* stage : {"", "compared_", "simulated_"}) {
    for (const Objective objective : kObjectives) {
      csv += fmt::format(",{}{}", stage, key_of(objective));
    }
  }
  csv += "\n";
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const ExploredPoint& point = result.points[i];
    csv += fmt::format("{},{},{},{}", point.number, name(point.status), csv_field(point.reason),
                       std::binary_search(result.front.begin(), result.front.end(), i) ? 1 : 0);
    for (const std::string& value : point.parameters) {
      csv += "," + csv_field(value);
    }
    for (const auto* values : {&point.values, &point.compared, &point.simulated}) {
      for (const Objective objective : kObjectives) {
        csv += *values ? fmt::format(",{}", at(**values, objective)) : ",";
      }
    }
    csv += "\n";
  }
  return csv;
}

}  // namespace tilewright::cli

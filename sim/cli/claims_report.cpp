// SPDX-License-Identifier: Apache-2.0
//
// The claims table on the screen, and as JSON and CSV.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/cli/claims.h"
#include "sim/cli/run_experiment.h"
#include "sim/report/files.h"
#include "sim/report/table.h"
#include "sim/report/text.h"

namespace tilewright::cli {
namespace {

constexpr std::size_t kClaimColumns = 52;
constexpr std::size_t kWhyColumns = 110;

std::string_view name_of(Measure measure) {
  return enumeration_names(Measure{})[static_cast<std::size_t>(measure)].name;
}
std::string_view name_of(QuantityName quantity) {
  return enumeration_names(QuantityName{})[static_cast<std::size_t>(quantity)].name;
}

bool is_fraction(Measure measure) {
  return measure == Measure::kKindShare || measure == Measure::kSaving ||
         measure == Measure::kNearestSaving || measure == Measure::kSavingGain;
}

std::string shown(const Claim& claim, double value) {
  return is_fraction(claim.measure) ? fmt::format("{:.1f} %", value * 100) : fmt::format("{:.2f} x", value);
}

std::string expected(const Claim& claim) {
  if (claim.at_least && claim.at_most) {
    return shown(claim, *claim.at_least) + " to " + shown(claim, *claim.at_most);
  }
  return claim.at_least  ? "at least " + shown(claim, *claim.at_least)
         : claim.at_most ? "at most " + shown(claim, *claim.at_most)
                         : "-";
}

std::string by_how_much(const Verdict& verdict) {
  if (!verdict.here || verdict.consistent()) {
    return "-";
  }
  const bool fraction = is_fraction(verdict.claim->measure);
  return fraction ? fmt::format("{:+.1f} points", verdict.distance * 100)
                  : fmt::format("{:+.2f}", verdict.distance);
}

std::string measured(const Verdict& verdict) {
  const Claim& claim = *verdict.claim;
  if (!verdict.here) {
    return "-";
  }
  std::string text = fmt::format("{} of {}", name_of(claim.measure), name_of(claim.quantity));
  text += "\n" + claim.machine + (verdict.path.empty() ? "" : ", " + verdict.path);
  return claim.other_machine.empty() ? text : text + "\nagainst " + claim.other_machine;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// A claim's row takes as many lines as its longest cell.
void add_rows(report::Table& table, const std::vector<std::string>& cells) {
  std::vector<std::vector<std::string>> columns;
  std::size_t height = 0;
  for (const std::string& cell : cells) {
    columns.push_back(lines_of(cell));
    height = std::max(height, columns.back().size());
  }
  for (std::size_t line = 0; line < height; ++line) {
    std::vector<std::string> row;
    for (const std::vector<std::string>& column : columns) {
      row.push_back(line < column.size() ? column[line] : "");
    }
    table.add_row(std::move(row));
  }
}

std::string text_of(const ClaimsSpec& spec, const std::vector<Verdict>& verdicts, const std::string& hash) {
  using Align = report::Table::Align;
  report::Table table({{"", "", Align::kLeft},
                       {"claim", "", Align::kLeft},
                       {"measured here", "", Align::kLeft},
                       {"expected", "", Align::kLeft},
                       {"here", ""},
                       {"consistent", "", Align::kLeft},
                       {"off by", "", Align::kLeft}});
  std::string reasons;
  std::size_t consistent = 0, simulated = 0;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i];
    const std::string number = std::to_string(i + 1);
    add_rows(table, {number, report::wrapped(verdict.claim->claim, kClaimColumns), measured(verdict),
                     expected(*verdict.claim), verdict.here ? shown(*verdict.claim, *verdict.here) : "-",
                     !verdict.here          ? "not simulated"
                     : verdict.consistent() ? "yes"
                                            : "no",
                     by_how_much(verdict)});
    reasons += report::wrapped(fmt::format("{}. {} [{}]", number, verdict.claim->why, verdict.claim->source),
                               kWhyColumns);
    consistent += verdict.consistent() ? 1 : 0;
    simulated += verdict.here ? 1 : 0;
  }
  return fmt::format("{}: {} claims, {} of {} that are simulated are consistent, configuration {}\n\n",
                     spec.name, verdicts.size(), consistent, simulated, hash) +
         table.text(false) + "\nWhy, in the words of whoever wrote the file:\n" + reasons;
}

nlohmann::ordered_json json_of(const ClaimsSpec& spec, const std::vector<Verdict>& verdicts,
                               const std::string& hash) {
  nlohmann::ordered_json json = {
      {"schema_version", 1}, {"claims_file", spec.name}, {"configuration_hash", hash}};
  for (const Verdict& verdict : verdicts) {
    const Claim& claim = *verdict.claim;
    nlohmann::ordered_json one = {{"claim", claim.claim},
                                  {"source", claim.source},
                                  {"measure", name_of(claim.measure)},
                                  {"quantity", name_of(claim.quantity)},
                                  {"path", verdict.path}};
    if (verdict.here) {
      one["here"] = *verdict.here;
      one["consistent"] = verdict.consistent();
      one["off_by"] = verdict.distance;
    }
    one["why"] = claim.why;
    json["claims"].push_back(std::move(one));
  }
  return json;
}

}  // namespace

int run_claims(const RunOptions& options) {
  if (options.format == Format::kCsv) {
    throw UserError("--format csv: claims are a table of sentences; text and json are written");
  }
  const config::Resolved<ClaimsSpec> resolved = config::load<ClaimsSpec>(options.file, options.overrides);
  std::vector<ExperimentRecord> records;
  for (const ExperimentSpec& experiment : resolved.value.experiments) {
    records.push_back(run_experiment(experiment, options.fidelity.value_or(experiment.fidelity), false));
  }
  const std::vector<Verdict> verdicts = judge(resolved.value, records);
  const std::string json = json_of(resolved.value, verdicts, resolved.hash).dump(2) + "\n";
  const std::string text = text_of(resolved.value, verdicts, resolved.hash);
  if (!options.output_directory.empty()) {
    report::write_file_atomically(options.output_directory / "claims.json", json);
    report::write_file_atomically(options.output_directory / "claims.txt", text);
  }
  fmt::print("{}", options.format == Format::kJson ? json : text);
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace tilewright::cli

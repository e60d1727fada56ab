// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/application.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>

#include "sim/base/config/diagnostics.h"
#include "sim/base/config/text.h"
#include "sim/cli/commands.h"
#include "sim/cli/explore_command.h"
#include "sim/cli/kinds.h"
#include "sim/cli/map_command.h"
#include "sim/cli/results_commands.h"
#include "sim/cli/run_command.h"

namespace tilewright::cli {
namespace {

constexpr const char* kSetHelp =
    "change one value: path.to.key=value; lists by number or * (machines.*.pe_count=8)";

[[noreturn]] void usage_error(const std::string& code, const std::string& message,
                              std::vector<std::string> notes) {
  throw UserError({Diagnostic{{}, code, message, std::move(notes)}});
}

// One of a closed set of words, with the nearest named when it is none of them.
void require_word(const std::string& what, const std::string& word, const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), word) == allowed.end()) {
    usage_error("usage.unknown-value",
                fmt::format("{} cannot be '{}'{}", what, word, config::did_you_mean(word, allowed)),
                {"allowed: " + config::join(allowed)});
  }
}

Format parse_format(const std::string& word) {
  const std::vector<std::string> names = {"text", "json", "csv"};
  require_word("--format", word, names);
  return word == "json" ? Format::kJson : word == "csv" ? Format::kCsv : Format::kText;
}

// A percentage of at least 0, with or without its sign; CLI11 would take "5x" for 5.
std::optional<double> parse_percent(const std::string& option, std::string word) {
  if (word.empty()) {
    return std::nullopt;
  }
  const std::string typed = word;
  if (word.back() == '%') {
    word.pop_back();
  }
  const std::optional<config::Decimal> decimal = config::parse_decimal(word);
  const double value = decimal ? config::to_double(*decimal) : -1;
  if (!decimal || decimal->negative || !std::isfinite(value)) {
    usage_error("usage.bad-value", fmt::format("{} must be per cent, a number from 0, got '{}'", option, typed),
                {fmt::format("for example: {} 10", option)});
  }
  return value;
}

std::optional<accel::Fidelity> parse_fidelity(const std::string& word) {
  if (word.empty()) {
    return std::nullopt;
  }
  require_word("--fidelity", word, {"event", "tick"});
  return word == "tick" ? accel::Fidelity::kTick : accel::Fidelity::kEvent;
}

// The words as typed, before they mean anything.
struct Words {
  RunOptions run;
  MapOptions map;
  std::string map_machine, map_objective = "cycles", map_strategy = "best", map_factors = "imperfect", map_format = "text";
  std::string map_constraints;
  bool map_no_simulation = false;
  std::string map_residency = "search";
  std::string run_fidelity, run_format = "text";
  ExploreOptions explore;
  std::string explore_format = "text";
  CheckOptions check;
  ListOptions list;
  std::string list_format = "text";
  std::string kind, schema_format = "json", shell;
  ValidateOptions validate;
  std::string max_error, validate_format = "text";
  ReportCommandOptions report;
  CompareOptions compare;
  std::string fail_above, compare_format = "text";
};

// A value that must follow its option keeps "--set a=b c=d" from swallowing the next argument.
void add_set(CLI::App* command, config::Overrides& overrides) {
  command->add_option("--set", overrides, kSetHelp)
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

void describe_run(CLI::App& application, Words& words) {
  CLI::App* run = application.add_subcommand("run", "simulate an experiment: machines x paths of a workload");
  run->add_option("FILE", words.run.file, "a file of kind 'experiment'")->required()->type_name("");
  add_set(run, words.run.overrides);
  run->add_option("--fidelity", words.run_fidelity,
                  "event (computed times) or tick (every cycle); same cycles")
      ->type_name("event|tick");
  run->add_flag("--functional", words.run.functional, "compute real values too");
  run->add_option("--format", words.run_format, "of what is printed")->type_name("text|json|csv");
  run->add_option("-o,--output", words.run.output_directory,
                  "write results, resolved configuration and report here")
      ->type_name("DIR");
  CLI::Option* vcd = run->add_option("--vcd", words.run.vcd, "only trace one layer, cycle by cycle, into this file")
                         ->type_name("FILE");
  CLI::Option* layer = run->add_option("--vcd-layer", words.run.vcd_layer, "the layer to trace")->type_name("LAYER");
  vcd->needs(layer);
  layer->needs(vcd);
}

void describe_map(CLI::App& application, Words& words) {
  CLI::App* map = application.add_subcommand("map", "find the best mapping of a layer, or of every layer, onto a machine");
  map->add_option("ARCH", words.map_machine, "a file of kind 'accelerator'")->required()->type_name("");
  map->add_option("WORKLOAD", words.map.workload, "a workload file or a network, and optionally :LAYER")
      ->required()
      ->type_name("");
  map->add_option("--budget", words.map.search.budget, "evaluations a layer")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->capture_default_str();
  map->add_option("--objective", words.map_objective, "what to minimise")->type_name("cycles|energy|edp");
  map->add_option("--strategy", words.map_strategy, "how to search")
      ->type_name("best|exhaustive|unpruned|two_stage|descent|annealing|random");
  map->add_option("--factors", words.map_factors, "sizes to try, where the constraints say nothing")
      ->type_name("perfect|imperfect");
  map->add_option("--constraints", words.map_constraints, "a file of kind 'mapping_constraints'")->type_name("FILE");
  map->add_option("--path", words.map.path, "of the workload; its first otherwise")->type_name("NAME");
  map->add_option("--seed", words.map.search.seed, "of annealing and random search")->type_name("N");
  map->add_flag("--pareto", words.map.search.pareto, "of every layer also all mappings on the front of cycles and energy");
  map->add_flag("--no-simulation", words.map_no_simulation, "only the analytic model");
  map->add_option("--residency", words.map_residency, "which tensors stay in the global buffer between layers")
      ->type_name("none|greedy|search");
  add_set(map, words.map.overrides);
  map->add_option("--format", words.map_format, "of what is printed")->type_name("text|json|csv");
}

void describe_explore(CLI::App& application, Words& words) {
  CLI::App* explore = application.add_subcommand("explore", "search a design space: Pareto front, and why");
  explore->add_option("FILE", words.explore.file, "a file of kind 'exploration'")->required()->type_name("");
  add_set(explore, words.explore.overrides);
  explore->add_option("-j,--jobs", words.explore.workers, "worker processes; otherwise one a core")
      ->type_name("N")
      ->check(CLI::Range(1U, 1024U));
  explore->add_flag("--resume", words.explore.resume, "go on with what DIR holds already");
  explore->add_option("--reuse", words.explore.reuse, "do not simulate again what an exploration in DIR simulated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  explore->add_option("--format", words.explore_format, "of what is printed")->type_name("text|json|csv");
  explore->add_option("-o,--output", words.explore.output_directory,
                      "write results here, each as soon as it is known, and the front's machines at the end")
      ->type_name("DIR");
}

template <typename E>
E parse_name(const std::string& what, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& entry : enumeration_names(E{})) {
    if (entry.name == word) {
      return entry.value;
    }
    names.emplace_back(entry.name);
  }
  require_word(what, word, names);
  throw InternalError("an unknown word was let through");
}

int run_map(Words& words) {
  MapOptions& options = words.map;
  options.machine = config::find_file(words.map_machine);
  options.constraints = words.map_constraints.empty() ? std::filesystem::path() : config::find_file(words.map_constraints);
  options.search.objective = parse_name<mappers::Objective>("--objective", words.map_objective);
  options.search.strategy = parse_name<mappers::StrategyName>("--strategy", words.map_strategy);
  options.search.factors = parse_name<mappers::Factors>("--factors", words.map_factors);
  options.format = parse_format(words.map_format);
  options.simulate = !words.map_no_simulation;
  options.residency = parse_name<mappers::ResidencyRule>("--residency", words.map_residency);
  return map_command(options);
}

void describe_others(CLI::App& application, Words& words) {
  CLI::App* check = application.add_subcommand("check", "check configuration files of any kind");
  check->add_option("FILE", words.check.files, "configuration files")->required()->type_name("");
  add_set(check, words.check.overrides);
  CLI::App* list =
      application.add_subcommand("list", "list what can be named: " + config::join(catalogue_names()));
  list->add_option("KIND", words.list.what, "what to list")->required()->type_name("");
  list->add_option("FILE", words.list.file, "a machine for 'modules', a workload for 'layers'")->type_name("");
  list->add_option("--format", words.list_format, "of what is printed")->type_name("text|json|csv");
  CLI::App* schema = application.add_subcommand(
      "schema", "print the keys of a kind of configuration file, as JSON Schema or table");
  schema->add_option("KIND", words.kind, config::join(kind_names()))->required()->type_name("");
  schema->add_option("--format", words.schema_format, "json: for editors; text: a table of the keys")
      ->type_name("text|json|csv");
  CLI::App* completion = application.add_subcommand("completion", "print a completion script for a shell");
  completion->add_option("SHELL", words.shell, config::join(shell_names()))->required()->type_name("");
}

void describe_results(CLI::App& application, Words& words) {
  CLI::App* validate = application.add_subcommand("validate", "hold the simulator against what was measured");
  validate->add_option("SUITE", words.validate.suites, "suites, or what stands before their '/'; all, if none is named")
      ->type_name("");
  validate->add_option("--max-error", words.max_error, "exit with 3 if a point outside of the known gaps is further off")
      ->type_name("PERCENT");
  validate->add_option("--format", words.validate_format, "of what is printed")->type_name("text|json|csv");
  validate->add_option("-o,--output", words.validate.output_directory, "write results and report here")->type_name("DIR");
  CLI::App* report = application.add_subcommand("report", "make one page from the folders of earlier results");
  report->add_option("DIR", words.report.folders, "folders that -o wrote, or files in them")->required()->type_name("");
  report->add_option("-o,--output", words.report.output, "the page; report.html, if absent")->type_name("FILE");
  CLI::App* compare = application.add_subcommand("compare", "show what changed between two results");
  compare->add_option("BEFORE", words.compare.before, "a folder that -o wrote, or a file in it")->required()->type_name("");
  compare->add_option("AFTER", words.compare.after, "the same, later")->required()->type_name("");
  compare->add_option("--fail-above", words.fail_above, "exit with 3 if a value changed by more, or is missing")
      ->type_name("PERCENT");
  compare->add_option("--format", words.compare_format, "of what is printed")->type_name("text|json|csv");
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
    for (const std::string& name : option->get_snames()) {
      names.push_back("-" + name);
    }
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& application) {
  std::vector<std::string> names;
  for (const CLI::App* command : application.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

// What nobody expected: an option that the command does not have, or a word where a command should stand.
[[noreturn]] void report_extra(const CLI::App& application, const std::string& word) {
  const auto chosen = application.get_subcommands();
  if (chosen.empty() && !word.starts_with("-")) {
    const std::vector<std::string> names = command_names(application);
    usage_error("usage.unknown-command",
                fmt::format("there is no command '{}'{}", word, config::did_you_mean(word, names)),
                {"commands: " + config::join(names)});
  }
  const CLI::App& command = chosen.empty() ? application : *chosen.front();
  const std::string where = chosen.empty() ? "tilewright" : "tilewright " + command.get_name();
  if (word.starts_with("-")) {
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> names = option_names(command);
    usage_error("usage.unknown-option",
                fmt::format("'{}' has no option '{}'{}", where, name, config::did_you_mean(name, names)),
                {"options: " + config::join(names)});
  }
  usage_error("usage.unexpected-argument", fmt::format("'{}' does not expect '{}'", where, word),
              {fmt::format("`{} --help` shows what it expects", where)});
}

[[noreturn]] void report_parse_error(const CLI::App& application, const CLI::ParseError& error,
                                     const std::vector<std::string>& arguments) {
  const auto chosen = application.get_subcommands();
  const std::string where = chosen.empty() ? "tilewright" : "tilewright " + chosen.front()->get_name();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> extras = application.remaining(true);
    report_extra(application, extras.empty() ? arguments.front() : extras.front());
  }
  if (chosen.empty() && !arguments.empty()) {
    report_extra(application, arguments.front());
  }
  if (chosen.empty()) {
    usage_error(
        "usage.missing-argument", "a command is needed",
        {"commands: " + config::join(command_names(application)), "`tilewright --help` explains them"});
  }
  usage_error(dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ? "usage.missing-argument"
                                                                         : "usage.bad-value",
              fmt::format("'{}': {}", where, error.what()),
              {fmt::format("`{} --help` shows what it expects", where)});
}

int dispatch(const CLI::App& application, Words& words) {
  const std::string command = application.get_subcommands().front()->get_name();
  if (command == "run") {
    words.run.fidelity = parse_fidelity(words.run_fidelity);
    words.run.format = parse_format(words.run_format);
    words.run.file = config::find_file(words.run.file);
    return run_command(words.run);
  }
  if (command == "validate") {
    words.validate.max_error_percent = parse_percent("--max-error", words.max_error);
    words.validate.format = parse_format(words.validate_format);
    return validate_command(words.validate);
  }
  if (command == "report") {
    return report_command(words.report);
  }
  if (command == "compare") {
    words.compare.fail_above_percent = parse_percent("--fail-above", words.fail_above);
    words.compare.format = parse_format(words.compare_format);
    return compare_command(words.compare);
  }
  if (command == "map") {
    return run_map(words);
  }
  if (command == "explore") {
    words.explore.format = parse_format(words.explore_format);
    words.explore.file = config::find_file(words.explore.file);
    return explore_command(words.explore);
  }
  if (command == "check") {
    check_command(words.check);
  } else if (command == "list") {
    require_word("KIND", words.list.what, catalogue_names());
    words.list.format = parse_format(words.list_format);
    list_command(words.list);
  } else if (command == "schema") {
    require_word("KIND", words.kind, kind_names());
    schema_command(words.kind, parse_format(words.schema_format));
  } else {
    require_word("SHELL", words.shell, shell_names());
    completion_command(application, words.shell);
  }
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

int run_application(const std::vector<std::string>& arguments) {
  CLI::App application("Cycle-level simulator of accelerators for pruned networks.", "tilewright");
  application.set_version_flag("--version", "tilewright " TILEWRIGHT_VERSION);
  application.require_subcommand(1);
  application.footer(
      "Results go to standard output, everything else to standard error. Exit codes: 0 ok, 1 the run\n"
      "failed, 2 usage or configuration, 3 a threshold was exceeded, 70 internal error, 130 interrupted.");
  Words words;
  describe_run(application, words);
  describe_results(application, words);
  describe_map(application, words);
  describe_explore(application, words);
  describe_others(application, words);
  words.run.command = words.validate.command = "tilewright " + config::join(arguments, " ");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    application.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = application.get_subcommands();
    std::cout << (chosen.empty() ? application.help() : chosen.front()->help("tilewright"));
    return static_cast<int>(ExitCode::kOk);
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
    return static_cast<int>(ExitCode::kOk);
  } catch (const CLI::ParseError& error) {
    report_parse_error(application, error, arguments);
  }
  return dispatch(application, words);
}

}  // namespace tilewright::cli

// SPDX-License-Identifier: Apache-2.0
//
// Completion scripts, made from the command line's own description so that they cannot fall behind it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "sim/base/config/diagnostics.h"
#include "sim/cli/commands.h"
#include "sim/cli/kinds.h"
#include "sim/cli/results_commands.h"

namespace tilewright::cli {
namespace {

struct Command {
  std::string name;
  std::string help;
  std::vector<std::string> options;
  std::vector<std::string> words;  // of its arguments; none: files
  bool repeated = false;           // every argument is one of them, not only the first
};

std::vector<Command> commands_of(const CLI::App& application) {
  std::vector<Command> commands;
  for (const CLI::App* one : application.get_subcommands({})) {
    Command command{one->get_name(), one->get_description(), {}, {}, false};
    for (const CLI::Option* option : one->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        command.options.push_back("--" + name);
      }
    }
    if (command.name == "list") {
      command.words = catalogue_names();
    } else if (command.name == "schema") {
      command.words = kind_names();
    } else if (command.name == "completion") {
      command.words = shell_names();
    } else if (command.name == "validate") {
      for (const auto& suite : validation_suites()) {
        command.words.push_back(suite->name());
      }
      command.repeated = true;
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

std::string names(const std::vector<Command>& commands) {
  std::vector<std::string> all;
  for (const Command& command : commands) {
    all.push_back(command.name);
  }
  return config::join(all, " ");
}

std::string bash_script(const std::vector<Command>& commands) {
  std::string cases;
  for (const Command& command : commands) {
    cases += fmt::format("    {}) options=\"{}\"; words=\"{}\"{} ;;\n", command.name,
                         config::join(command.options, " "), config::join(command.words, " "),
                         command.repeated ? "; repeated=yes" : "");
  }
  return fmt::format(R"(# bash completion for tilewright; source it, or save it as a file of bash-completion.
_tilewright() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" options="" words="" repeated=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$word"))
    return
  fi
  case "$previous" in
    --fidelity) COMPREPLY=($(compgen -W "event tick" -- "$word")); return ;;
    --format) COMPREPLY=($(compgen -W "text json csv" -- "$word")); return ;;
    --set|--max-error|--fail-above) return ;;
    --objective) COMPREPLY=($(compgen -W "cycles energy edp" -- "$word")); return ;;
  esac
  case "${{COMP_WORDS[1]}}" in
{}  esac
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [ -n "$words" ] && [ "$previous" != -o ] && [ "$previous" != --output ] \
      && {{ [ "$COMP_CWORD" -eq 2 ] || [ -n "$repeated" ]; }}; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _tilewright tilewright
)",
                     names(commands), cases);
}

std::string zsh_script(const std::vector<Command>& commands) {
  std::string described;
  std::string cases;
  for (const Command& command : commands) {
    described += fmt::format("    '{}:{}'\n", command.name, command.help.substr(0, command.help.find(':')));
    const std::string arguments =
        command.words.empty() ? "_files" : fmt::format("compadd -- {}", config::join(command.words, " "));
    cases += fmt::format("    {}) if [[ $words[CURRENT] == -* ]]; then compadd -- {}; else {}; fi ;;\n",
                         command.name, config::join(command.options, " "), arguments);
  }
  return fmt::format(R"(#compdef tilewright
# zsh completion for tilewright; save it as _tilewright in a folder of $fpath.
_tilewright() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case $words[CURRENT-1] in
    --fidelity) compadd -- event tick; return ;;
    --format) compadd -- text json csv; return ;;
    --set|--max-error|--fail-above) return ;;
    -o|--output) _files; return ;;
  esac
  case $words[2] in
{}  esac
}}
_tilewright "$@"
)",
                     described, cases);
}

std::string fish_script(const std::vector<Command>& commands) {
  std::string script =
      "# fish completion for tilewright; save it as tilewright.fish in fish's completions folder.\n";
  for (const Command& command : commands) {
    script += fmt::format("complete -c tilewright -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                          command.help.substr(0, command.help.find(':')));
    const std::string here =
        fmt::format("complete -c tilewright -n '__fish_seen_subcommand_from {}'", command.name);
    if (!command.words.empty()) {
      script += fmt::format("{} -f -a '{}'\n", here, config::join(command.words, " "));
    }
    for (const std::string& option : command.options) {
      const std::string values = option == "--format"     ? " -x -a 'text json csv'"
                                 : option == "--fidelity" ? " -x -a 'event tick'"
                                                          : "";
      script += fmt::format("{} -l {}{}\n", here, option.substr(2), values);
    }
  }
  return script;
}

}  // namespace

const std::vector<std::string>& shell_names() {
  static const std::vector<std::string> names = {"bash", "zsh", "fish"};
  return names;
}

void completion_command(const CLI::App& application, const std::string& shell) {
  const std::vector<Command> commands = commands_of(application);
  std::cout << (shell == "bash"  ? bash_script(commands)
                : shell == "zsh" ? zsh_script(commands)
                                 : fish_script(commands));
}

}  // namespace tilewright::cli

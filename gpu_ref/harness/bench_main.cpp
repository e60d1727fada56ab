// SPDX-License-Identifier: Apache-2.0
#include "harness/bench_main.h"

#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "harness/session.h"

namespace tw::gpu {
namespace {

struct Program {
  const char* name;
  std::span<const Suite> suites;
};

struct Options {
  std::vector<const Suite*> suites;
  std::string out = ".", card, commit = "unknown";
  Bench::Effort effort = Bench::Effort::kFull;
};

std::string usage(const Program& program) {
  const std::string name = program.name;
  return "usage: " + name + " [--suite NAME]... --out DIR [--card NAME] [--commit HASH] [--quick|--once]\n" +
         "       " + name + " --list\n" +
         "Writes one record DIR/NAME.json per suite; without --suite, all of them.\n"
         "  --card NAME    folder name of the card in the records (default: from the card's own name)\n"
         "  --commit HASH  revision of this source, stored in the records\n"
         "  --quick        fewer points and repeats; such a record is refused under measurements/\n"
         "  --once         every point launched once, without verification: for runs under a profiler\n";
}

const Suite& find_suite(const Program& program, const std::string& name) {
  std::string known;
  for (const Suite& suite : program.suites) {
    if (name == suite.name) {
      return suite;
    }
    known += std::string(known.empty() ? "" : ", ") + suite.name;
  }
  throw UsageError("unknown suite '" + name + "'; known: " + known);
}

Options parse(const Program& program, int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= count) {
        throw UsageError("option " + option + " needs a value");
      }
      return arguments[++i];
    };
    if (option == "--suite") {
      options.suites.push_back(&find_suite(program, value()));
    } else if (option == "--out") {
      options.out = value();
    } else if (option == "--card") {
      options.card = value();
    } else if (option == "--commit") {
      options.commit = value();
    } else if (option == "--quick") {
      options.effort = Bench::Effort::kQuick;
    } else if (option == "--once") {
      options.effort = Bench::Effort::kOnce;
    } else {
      throw UsageError("unknown option '" + option + "'\n" + usage(program));
    }
  }
  if (!std::filesystem::is_directory(options.out)) {
    throw UsageError("--out " + options.out + " is not a folder");
  }
  if (options.suites.empty()) {
    for (const Suite& suite : program.suites) {
      options.suites.push_back(&suite);
    }
  }
  return options;
}

const char* flag_of(Bench::Effort effort) {
  return effort == Bench::Effort::kFull ? "" : effort == Bench::Effort::kQuick ? " --quick" : " --once";
}

int run(const Program& program, const Options& options) {
  require_hopper();
  int device = 0, failures = 0;
  TW_CUDA(cudaGetDevice(&device));
  Nvml nvml(device);
  for (const Suite* suite : options.suites) {
    std::fprintf(stderr, "== %s: %s\n", suite->name, suite->what);
    Record record(make_header(suite->name, options.card, options.commit,
                              std::string(program.name) + " --suite " + suite->name + flag_of(options.effort),
                              options.effort != Bench::Effort::kFull, nvml));
    Bench bench(record, nvml, options.effort);
    try {
      suite->run(bench);
      failures += bench.failures();
    } catch (const RunError& error) {
      std::fprintf(stderr, "%s: suite %s stopped: %s\n", program.name, suite->name, error.what());
      return 1;  // a failed CUDA call leaves the context unusable: later suites would fail for no reason of
                 // theirs
    }
    const std::string path = options.out + "/" + suite->name + ".json";
    record.write(path);
    std::printf("%s: %zu points, %d wrong\n", path.c_str(), record.points().size(), bench.failures());
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

int bench_main(int count, char** arguments, const char* name, std::span<const Suite> suites) {
  const Program program{name, suites};
  if (count == 2 && std::strcmp(arguments[1], "--list") == 0) {
    for (const Suite& suite : suites) {
      std::printf("%-18s %s\n", suite.name, suite.what);
    }
    return 0;
  }
  if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(usage(program).c_str(), stdout);
    return 0;
  }
  try {
    return run(program, parse(program, count, arguments));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

}  // namespace tw::gpu

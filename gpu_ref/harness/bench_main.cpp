// SPDX-License-Identifier: Apache-2.0
#include "harness/bench_main.h"

#include <cuda_runtime.h>

#include <cctype>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>

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

std::string folder_name(const std::string& card) {
  std::string name;
  for (const char c : card) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0
                ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                : '_';
  }
  return name;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string utc_now() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

const char* flag_of(Bench::Effort effort) {
  return effort == Bench::Effort::kFull ? "" : effort == Bench::Effort::kQuick ? " --quick" : " --once";
}

Header make_header(const Program& program, const Options& options, const Suite& suite, const Nvml& nvml) {
  cudaDeviceProp properties{};
  int device = 0, runtime = 0;
  TW_CUDA(cudaGetDevice(&device));
  TW_CUDA(cudaGetDeviceProperties(&properties, device));
  TW_CUDA(cudaRuntimeGetVersion(&runtime));
  Header header;
  header.suite = suite.name;
  header.card_name = properties.name;
  header.card = options.card.empty() ? folder_name(properties.name) : options.card;
  header.driver = nvml.driver_version();
  header.cuda = version_text(runtime);
  header.date = utc_now();
  header.commit = options.commit;
  header.command = std::string(program.name) + " --suite " + suite.name + flag_of(options.effort);
  header.quick = options.effort != Bench::Effort::kFull;
  header.device["sm_count"] = int64_t{properties.multiProcessorCount};
  header.device["l2_bytes"] = int64_t{properties.l2CacheSize};
  header.device["memory_bytes"] = static_cast<int64_t>(properties.totalGlobalMem);
  header.device["memory_bus_bits"] = int64_t{properties.memoryBusWidth};
  header.device["shared_bytes_per_sm"] = static_cast<int64_t>(properties.sharedMemPerMultiprocessor);
  header.device["compute_capability"] =
      std::to_string(properties.major) + "." + std::to_string(properties.minor);
  const auto note = [&header](const char* key, std::optional<double> value) {
    if (value) {
      header.device[key] = *value;
    }
  };
  note("sm_clock_hz_at_start", nvml.sm_clock_hz());
  note("maximum_sm_clock_hz", nvml.maximum_sm_clock_hz());
  note("memory_clock_hz_at_start", nvml.memory_clock_hz());
  note("power_limit_w", nvml.power_limit_w());
  note("temperature_c_at_start", nvml.temperature_c());
  return header;
}

void require_hopper() {
  cudaDeviceProp properties{};
  int device = 0;
  TW_CUDA(cudaGetDevice(&device));
  TW_CUDA(cudaGetDeviceProperties(&properties, device));
  if (properties.major != 9 || properties.minor != 0) {
    throw UsageError(
        std::string("this suite is compiled for compute capability 9.0 (H100, H200); the card is ") +
        properties.name);
  }
}

int run(const Program& program, const Options& options) {
  require_hopper();
  int device = 0, failures = 0;
  TW_CUDA(cudaGetDevice(&device));
  Nvml nvml(device);
  for (const Suite* suite : options.suites) {
    std::fprintf(stderr, "== %s: %s\n", suite->name, suite->what);
    Record record(make_header(program, options, *suite, nvml));
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

// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "harness/bench.h"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

struct Suite {
  const char* name;
  const char* what;
  void (*run)(Bench&);
};

constexpr std::array kSuites = {
    Suite{"shared_memory", "LDS and STS by width, stride and warps; latency", run_shared_memory},
    Suite{"cp_async", "LDGSTS: issue interval, latency, bytes in flight", run_cp_async},
    Suite{"tma", "bulk and tensor copies by box; multicast", run_tma},
    Suite{"synchronisation", "mbarrier, named barrier, fences", run_synchronisation},
    Suite{"wgmma", "m64nNk16 interval and latency; beside shared-memory stores", run_wgmma},
    Suite{"arithmetic", "FFMA, FMUL, FMNMX, EX2, F2FP, IMAD, SHFL; beside wgmma", run_arithmetic},
    Suite{"memory_latency", "L2 and HBM latency by SM, line and footprint; address translation",
          run_memory_latency},
    Suite{"memory_bandwidth", "L2 and HBM by number of SMs; pieces; shared reads; writes",
          run_memory_bandwidth},
    Suite{"gather", "rows into shared memory: cp.async, bulk, one-row tensor, dense tensor", run_gather},
    Suite{"pingpong", "matrix and softmax-like work of one to three warpgroups", run_pingpong},
    Suite{"launch", "launch overhead, CTA start interval, work counter", run_launch},
    Suite{"l2_home", "partition of every SM; latency by a line's home, near or far", run_l2_home},
    Suite{"topology", "SMs of a GPC and a TPC; bandwidth of one SM, TPC, GPC, and spread SMs", run_topology},
    Suite{"cluster", "distributed shared memory, cluster barriers, signals between SMs", run_cluster},
    Suite{"index_path", "how row numbers reach a gather, apart from the copy and with it", run_index_path},
    Suite{"wgmma_beside", "wgmma beside loads, stores, TMA and cp.async fill of shared memory",
          run_wgmma_beside},
    Suite{"energy", "joules per action over steady loops", run_energy},
};

struct Options {
  std::vector<const Suite*> suites;
  std::string out = ".", card, commit = "unknown";
  Bench::Effort effort = Bench::Effort::kFull;
};

constexpr const char* kUsage =
    "usage: gpu_bench [--suite NAME]... --out DIR [--card NAME] [--commit HASH] [--quick|--once]\n"
    "       gpu_bench --list\n"
    "Writes one record DIR/NAME.json per suite; without --suite, all of them.\n"
    "  --card NAME    folder name of the card in the records (default: from the card's own name)\n"
    "  --commit HASH  revision of this source, stored in the records\n"
    "  --quick        fewer points and repeats; such a record is refused under measurements/\n"
    "  --once         every point launched once, without verification: for runs under a profiler\n";

const Suite& find_suite(const std::string& name) {
  std::string known;
  for (const Suite& suite : kSuites) {
    if (name == suite.name) {
      return suite;
    }
    known += std::string(known.empty() ? "" : ", ") + suite.name;
  }
  throw UsageError("unknown suite '" + name + "'; known: " + known);
}

Options parse(int count, char** arguments) {
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
      options.suites.push_back(&find_suite(value()));
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
      throw UsageError("unknown option '" + option + "'\n" + kUsage);
    }
  }
  if (!std::filesystem::is_directory(options.out)) {
    throw UsageError("--out " + options.out + " is not a folder");
  }
  if (options.suites.empty()) {
    for (const Suite& suite : kSuites) {
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

Header make_header(const Options& options, const Suite& suite, const Nvml& nvml) {
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
  header.command = std::string("gpu_bench --suite ") + suite.name + flag_of(options.effort);
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

int run(const Options& options) {
  require_hopper();
  int device = 0, failures = 0;
  TW_CUDA(cudaGetDevice(&device));
  Nvml nvml(device);
  for (const Suite* suite : options.suites) {
    std::fprintf(stderr, "== %s: %s\n", suite->name, suite->what);
    Record record(make_header(options, *suite, nvml));
    Bench bench(record, nvml, options.effort);
    try {
      suite->run(bench);
      failures += bench.failures();
    } catch (const RunError& error) {
      std::fprintf(stderr, "gpu_bench: suite %s stopped: %s\n", suite->name, error.what());
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
}  // namespace tw::gpu

int main(int count, char** arguments) {
  using namespace tw::gpu;
  if (count == 2 && std::strcmp(arguments[1], "--list") == 0) {
    for (const Suite& suite : kSuites) {
      std::printf("%-18s %s\n", suite.name, suite.what);
    }
    return 0;
  }
  if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    return run(parse(count, arguments));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "gpu_bench: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_bench: %s\n", error.what());
    return 1;
  }
}

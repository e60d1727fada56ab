// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "harness/bench.h"
#include "harness/session.h"
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

const char* flag_of(Bench::Effort effort) {
  return effort == Bench::Effort::kFull ? "" : effort == Bench::Effort::kQuick ? " --quick" : " --once";
}

int run(const Options& options) {
  require_hopper();
  int device = 0, failures = 0;
  TW_CUDA(cudaGetDevice(&device));
  Nvml nvml(device);
  for (const Suite* suite : options.suites) {
    std::fprintf(stderr, "== %s: %s\n", suite->name, suite->what);
    Record record(make_header(suite->name, options.card, options.commit,
                              std::string("gpu_bench --suite ") + suite->name + flag_of(options.effort),
                              options.effort != Bench::Effort::kFull, nvml));
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

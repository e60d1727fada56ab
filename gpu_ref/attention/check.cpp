// SPDX-License-Identifier: Apache-2.0
// Compares every attention kernel with the definition in double. Exit codes: 0 all within bounds, 1 something
// is not, 2 usage.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "attention/reference.h"
#include "harness/check.h"

namespace tw::gpu {
namespace {

namespace masks = tilewright::masks;

constexpr double kBound = 4e-3;       // bf16 weights and outputs: about 2e-3 is rounding
constexpr double kHostBound = 1e-10;  // two references in double
constexpr const char* kUsage =
    "usage: attention_check [--kernel NAME]... [--small] [--runs N]\n"
    "  --small   only problems of at most 1,024 tokens (for a memory checker)\n"
    "  --runs N  runs each kernel N times and wants the same bits every time\n";

struct Options {
  std::vector<const Kernel*> kernels;
  bool small = false;
  int runs = 0;
};

struct Case {
  const char* name;
  int heads, queries, keys;
  Fill fill = Fill::kNormal;
  int needle = 0;
  MaskRecipe recipe = {};
};

MaskRecipe uniform(double density) {
  MaskRecipe recipe;
  recipe.mask.kind = masks::MaskKind::kUniform;
  recipe.mask.density = density;
  recipe.mask.query_group = 64;
  recipe.mask.seed = 7;
  return recipe;
}

// A stripe keeps the needle's key and few others, the needle last in every list.
MaskRecipe stripe(int period) {
  MaskRecipe recipe;
  recipe.mask.kind = masks::MaskKind::kStripes;
  recipe.mask.period = static_cast<uint32_t>(period);
  return recipe;
}

MaskRecipe blocks(double density) {
  MaskRecipe recipe = uniform(density);
  recipe.mask.kind = masks::MaskKind::kRandomBlocks;
  recipe.mask.block_queries = recipe.mask.block_keys = 64;
  return recipe;
}

std::vector<Case> cases(bool small) {
  std::vector<Case> all = {
      {"one query, one key", 1, 1, 1},
      {"ragged", 2, 333, 777},
      {"whole tiles", 2, 384, 1024},
      {"half of the keys", 2, 333, 1000, Fill::kNormal, 0, uniform(0.5)},
      {"a twentieth", 3, 500, 1000, Fill::kNormal, 0, uniform(0.05)},
      {"blocks", 2, 500, 1000, Fill::kNormal, 0, blocks(0.3)},
      {"nothing kept", 2, 200, 500, Fill::kNormal, 0, uniform(0.0)},
      {"needle first", 2, 200, 1000, Fill::kNeedle, 0},
      {"needle last", 2, 200, 1000, Fill::kNeedle, 999},
      {"needle last in its list", 2, 200, 961, Fill::kNeedle, 960, stripe(32)},
      {"ascending scores", 2, 200, 1024, Fill::kAscending},
      {"ascending scores, half", 2, 200, 1024, Fill::kAscending, 0, uniform(0.5)},
  };
  if (!small) {
    all.push_back({"long", 4, 16384, 16384});
    all.push_back({"long, a third", 4, 16384, 16384, Fill::kNormal, 0, uniform(0.3)});
    all.push_back({"long and ragged", 2, 8111, 20011, Fill::kNormal, 0, uniform(0.7)});
  }
  return all;
}

// Small problems are compared whole; of long ones the first, the last and 32 random blocks of queries.
std::vector<BlockOf> compared_blocks(const Case& test, int blocks) {
  std::vector<BlockOf> which;
  if (test.heads * blocks <= 64) {
    for (int head = 0; head < test.heads; ++head) {
      for (int block = 0; block < blocks; ++block) {
        which.push_back({head, block});
      }
    }
    return which;
  }
  std::mt19937 random(static_cast<unsigned>(test.queries));
  which = {{0, 0}, {test.heads - 1, blocks - 1}};
  for (int i = 0; i < 32; ++i) {
    which.push_back(
        {static_cast<int>(random() % unsigned(test.heads)), static_cast<int>(random() % unsigned(blocks))});
  }
  return which;
}

void run_kernel(const Kernel& kernel, Problem& problem) {
  problem.poison();
  launch(kernel, make_arguments(kernel, problem.tensors(), problem.lists(), nullptr), nullptr);
  TW_CUDA(cudaDeviceSynchronize());
}

struct Worst {
  double error = 0, host_error = 0;
};

Worst compare(const Kernel& kernel, const Case& test, Problem& problem, const Lists& lists) {
  Worst worst;
  const auto outputs = problem.outputs();
  const int blocks = (test.queries + kernel.query_tile - 1) / kernel.query_tile;
  for (const BlockOf which : compared_blocks(test, blocks)) {
    const auto expected = reference_on_card(problem, kernel, lists, which);
    worst.error = std::max(worst.error, relative_error(problem, kernel, outputs, expected, which));
    if (test.keys <= 1024 && which.block == 0) {
      const auto on_host = reference_on_host(problem, kernel, lists, which);
      for (size_t i = 0; i < expected.size(); ++i) {
        worst.host_error = std::max(worst.host_error, std::abs(on_host[i] - expected[i]));
      }
    }
  }
  return worst;
}

bool check_case(const Kernel& kernel, const Case& test, uint64_t seed) {
  Problem problem(test.heads, test.queries, test.keys, kernel.head_size);
  problem.fill(test.fill, seed, test.needle);
  const Lists lists = build_lists(kernel, test.heads, [&] {
    MaskRecipe recipe = test.recipe;
    recipe.mask.queries = static_cast<uint32_t>(test.queries);
    recipe.mask.keys = static_cast<uint32_t>(test.keys);
    return recipe;
  }());
  problem.use_lists(lists);
  run_kernel(kernel, problem);
  const Worst worst = compare(kernel, test, problem, lists);
  const bool good = worst.error <= kBound && worst.host_error <= kHostBound;
  std::printf("%-26s %-26s error %9.2e  references apart %8.1e  %s\n", kernel.name, test.name, worst.error,
              worst.host_error, good ? "ok" : "WRONG");
  std::fflush(stdout);
  return good;
}

bool check_repeats(const Kernel& kernel, int runs) {
  Problem problem(2, 1000, 1500, kernel.head_size);
  problem.fill(Fill::kNormal, 99);
  MaskRecipe recipe = uniform(0.5);
  recipe.mask.queries = 1000;
  recipe.mask.keys = 1500;
  problem.use_lists(build_lists(kernel, 2, recipe));
  run_kernel(kernel, problem);
  const auto first = problem.outputs();
  int different = 0;
  for (int run = 1; run < runs; ++run) {
    run_kernel(kernel, problem);
    const auto again = problem.outputs();
    different += std::memcmp(first.data(), again.data(), first.size() * sizeof(first[0])) != 0 ? 1 : 0;
  }
  std::printf("%-26s %d runs, %d of them different  %s\n", kernel.name, runs, different,
              different == 0 ? "ok" : "WRONG");
  std::fflush(stdout);
  return different == 0;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const auto value = [&] {
      if (i + 1 >= count) {
        throw UsageError("option " + option + " needs a value");
      }
      return arguments[++i];
    };
    if (option == "--kernel") {
      options.kernels.push_back(&find_kernel(value()));
    } else if (option == "--small") {
      options.small = true;
    } else if (option == "--runs") {
      options.runs = std::atoi(value());
      if (options.runs < 2) {
        throw UsageError("--runs must be at least 2");
      }
    } else {
      throw UsageError("unknown option '" + option + "'\n" + kUsage);
    }
  }
  if (options.kernels.empty()) {
    for (const Kernel& kernel : attention_kernels()) {
      options.kernels.push_back(&kernel);
    }
  }
  return options;
}

int run(const Options& options) {
  int wrong = 0;
  uint64_t seed =
      std::random_device{}();  // fresh data every time; printed, so that a failure can be repeated
  std::printf("data seed %llu\n", static_cast<unsigned long long>(seed));
  for (const Kernel* kernel : options.kernels) {
    if (options.runs > 0) {
      wrong += check_repeats(*kernel, options.runs) ? 0 : 1;
      continue;
    }
    for (const Case& test : cases(options.small)) {
      wrong += check_case(*kernel, test, seed++) ? 0 : 1;
    }
  }
  std::printf("%d wrong\n", wrong);
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tw::gpu

int main(int count, char** arguments) {
  using namespace tw::gpu;
  if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    return run(parse(count, arguments));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "attention_check: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "attention_check: %s\n", error.what());
    return 1;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Records of the attention kernels. All of them are for validation: nothing in the simulator is fitted to
// them.
#include <array>

#include "attention/suites.h"
#include "harness/bench_main.h"

int main(int count, char** arguments) {
  using namespace tw::gpu;
  constexpr std::array kSuites = {
      Suite{"attention_dense", "every key, by head size, tokens and cluster", run_attention_dense},
      Suite{"attention_block_sparse", "lists of key blocks, by density and structure of the mask",
            run_attention_block_sparse},
      Suite{"attention_gather", "lists of keys, by density and structure of the mask", run_attention_gather},
      Suite{"attention_crossover", "the same masks by three kernels, by length of the runs of kept keys",
            run_attention_crossover},
      Suite{"attention_scaling", "one item a CTA, on one SM to all of them; the same keys for all or each its own",
            run_attention_scaling},
  };
  return bench_main(count, arguments, "attention_bench", kSuites);
}

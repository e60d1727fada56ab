// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/kernel.h"
#include "workloads/masks/masks.h"

namespace tw::gpu {

// A mask for each head of a problem: the same recipe, each with its own seed (masks::head_seed). With `mixed`
// the density grows linearly over the heads, from a quarter to seven quarters of the mask's (at most 1), so
// that work is unequal.
struct MaskRecipe {
  tilewright::masks::Mask mask;
  bool mixed = false;
  std::string name;  // in records
};

// The lists of all heads and query blocks, as a kernel reads them: list l = head * blocks + block.
struct Lists {
  std::vector<uint32_t> items;
  std::vector<uint64_t> starts;
  std::vector<uint32_t> counts;
  uint32_t blocks = 0;
  uint64_t hash = 0;           // of the heads' work lists
  double element_density = 0;  // of the masks
  double list_density = 0;     // of the lists: the share of scores that is computed
};

Lists build_lists(const Kernel& kernel, int heads, const MaskRecipe& recipe);

}  // namespace tw::gpu

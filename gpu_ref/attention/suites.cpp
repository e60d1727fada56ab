// SPDX-License-Identifier: Apache-2.0
// Which problems are measured. Shapes are those of Wan2.1-1.3B at 480p (12 heads, 32,760 tokens) and at 720p
// (75,600), and smaller ones.
#include "attention/suites.h"

#include "attention/measure.h"

namespace tw::gpu {
namespace {

namespace masks = tilewright::masks;

constexpr int kHeads = 12, kTokens = 32760;

MaskRecipe keys_alone(double density, uint32_t query_group, uint32_t run_length) {
  MaskRecipe recipe;
  recipe.name = run_length == 1 ? "uniform" : "runs";
  recipe.mask.kind = run_length == 1 ? masks::MaskKind::kUniform : masks::MaskKind::kRuns;
  recipe.mask.density = density;
  recipe.mask.query_group = query_group;
  recipe.mask.run_length = run_length;
  recipe.mask.seed = 1;
  return recipe;
}

MaskRecipe blocks(double density, uint32_t side) {
  MaskRecipe recipe;
  recipe.name = "random_blocks";
  recipe.mask.kind = masks::MaskKind::kRandomBlocks;
  recipe.mask.density = density;
  recipe.mask.block_queries = recipe.mask.block_keys = side;
  recipe.mask.seed = 1;
  return recipe;
}

MaskRecipe mixed(MaskRecipe recipe) {
  recipe.mixed = true;
  recipe.name = "mixed_" + recipe.name;
  return recipe;
}

MaskRecipe window(uint32_t reach) {
  MaskRecipe recipe;
  recipe.name = "local_window";
  recipe.mask.kind = masks::MaskKind::kLocalWindow;
  recipe.mask.window = reach;
  return recipe;
}

// Every query keeps the same places of all frames; a frame of Wan at 480p is 1,560 tokens.
MaskRecipe stripes(uint32_t period, uint32_t width) {
  MaskRecipe recipe;
  recipe.name = "stripes";
  recipe.mask.kind = masks::MaskKind::kStripes;
  recipe.mask.period = period;
  recipe.mask.width = width;
  return recipe;
}

MaskRecipe diagonals(uint32_t period, uint32_t width) {
  MaskRecipe recipe = stripes(period, width);
  recipe.name = "diagonals";
  recipe.mask.kind = masks::MaskKind::kDiagonals;
  return recipe;
}

}  // namespace

void run_attention_dense(Bench& bench) {
  AttentionMeter meter(bench, "attention_dense");
  struct Shape {
    int heads, tokens;
    bool weigh;
  };
  for (const char* kernel : {"dense_d128", "dense_d128_cluster2", "dense_d64"}) {
    for (const Shape& shape : {Shape{12, 4096, true}, Shape{24, 4096, false}, Shape{12, 8192, false},
                               Shape{24, 8192, true}, Shape{12, 16384, false}, Shape{24, 16384, false},
                               Shape{12, 32760, true}, Shape{12, 75600, false}}) {
      meter.measure({kernel, shape.heads, shape.tokens, {}, shape.weigh});
    }
  }
}

void run_attention_block_sparse(Bench& bench) {
  AttentionMeter meter(bench, "attention_block_sparse");
  struct Choice {
    const char* kernel;
    uint32_t side;
  };
  for (const auto& [kernel, side] :
       {Choice{"block_sparse_128_d128", 128}, Choice{"block_sparse_64_d128", 64}}) {
    for (const double density : {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0}) {
      meter.measure({kernel, kHeads, kTokens, blocks(density, side), density == 0.1 || density == 0.5});
    }
    for (const double density : {0.1, 0.3, 0.7}) {
      meter.measure({kernel, 24, 8192, blocks(density, side), density == 0.3});
    }
    meter.measure({kernel, kHeads, kTokens, window(2048), true});
    meter.measure({kernel, kHeads, kTokens, diagonals(4096, 512), false});
    meter.measure({kernel, kHeads, kTokens, mixed(blocks(0.3, side)), true});
  }
}

void run_attention_gather(Bench& bench) {
  AttentionMeter meter(bench, "attention_gather");
  for (const char* kernel : {"gather_m64_d128", "gather_m128_d128", "gather_m192_d128", "gather_m128_d64"}) {
    const auto group = static_cast<uint32_t>(find_kernel(kernel).query_tile);
    for (const double density : {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0}) {
      meter.measure({kernel, kHeads, kTokens, keys_alone(density, group, 1),
                     density == 0.1 || density == 0.3 || density == 0.7});
    }
    for (const double density : {0.1, 0.3, 0.5}) {
      meter.measure({kernel, kHeads, kTokens, keys_alone(density, group, 16), density == 0.3});
      meter.measure({kernel, 24, 8192, keys_alone(density, group, 1), false});
    }
    meter.measure({kernel, kHeads, kTokens, window(2048), true});
    meter.measure({kernel, kHeads, kTokens, stripes(1560, 312), false});
    meter.measure({kernel, kHeads, kTokens, diagonals(1560, 156), false});
    meter.measure({kernel, kHeads, kTokens, mixed(keys_alone(0.3, group, 1)), true});
  }
}

void run_attention_crossover(Bench& bench) {
  AttentionMeter meter(bench, "attention_crossover");
  for (const uint32_t run_length : {1u, 4u, 16u, 64u, 128u}) {
    for (const double density : {0.2, 0.4, 0.6, 0.8, 0.9, 0.95}) {
      for (const char* kernel : {"gather_m128_d128", "gather_m192_d128", "block_sparse_128_d128"}) {
        // Rows of the mask are shared by 384 queries, so that all three kernels keep the same elements.
        meter.measure({kernel, kHeads, 16384, keys_alone(density, 384, run_length), false});
      }
    }
  }
}

void run_attention_scaling(Bench& bench) {
  AttentionMeter meter(bench, "attention_scaling");
  constexpr int kKeys = 8192;
  for (const char* name : {"dense_d128", "dense_d64", "block_sparse_128_d128", "block_sparse_64_d128",
                           "gather_m64_d128", "gather_m128_d128", "gather_m192_d128", "gather_m128_d64"}) {
    const Kernel& kernel = find_kernel(name);
    const auto group = static_cast<uint32_t>(kernel.query_tile);
    MaskRecipe recipe;
    if (kernel.source != Source::kDense) {
      recipe = kernel.source == Source::kBlocks ? blocks(0.5, group) : keys_alone(0.5, group, 1);
    }
    for (const int ctas : {1, 2, 8, 33, 66, 132, 264}) {
      if (ctas <= 132 * kernel.ctas_per_sm) {
        meter.measure({name, 1, kKeys, recipe, false, ctas * kernel.query_tile});
      }
    }
    for (const int heads : {2, 8}) {
      meter.measure({name, heads, kKeys, recipe, false, kernel.query_tile});
    }
  }
}

}  // namespace tw::gpu

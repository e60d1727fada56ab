// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "attention/problem.h"
#include "harness/bench.h"

namespace tw::gpu {

// What a point of an attention record is about; everything that makes its work list is among the point's
// parameters.
struct AttentionPoint {
  const char* kernel;
  int heads, tokens;   // keys, and as many queries unless `queries` says otherwise
  MaskRecipe recipe;   // queries and keys are filled in
  bool weigh = false;  // energy over a second and a half of launches
  int queries = 0;
};

// Measures points of one family, keeping the arrays of a problem as long as the shape stays the same.
class AttentionMeter {
 public:
  AttentionMeter(Bench& bench, std::string family) : bench_(bench), family_(std::move(family)) {}
  void measure(const AttentionPoint& point);

 private:
  void prepare(const Kernel& kernel, const AttentionPoint& point);
  void weigh(const Kernel& kernel, const Arguments& arguments, double launch_s, Point& record);

  Bench& bench_;
  std::string family_;
  std::unique_ptr<Problem> problem_;
  int measured_ = 0;
};

}  // namespace tw::gpu

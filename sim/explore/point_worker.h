// SPDX-License-Identifier: Apache-2.0
//
// What a worker process does with a task: make the machine, work on it, and put every failure into words.
#pragma once

#include "arch/load.h"
#include "sim/explore/outcome.h"

namespace tilewright::explore {

class PointWorker {
 public:
  // Keeps a reference to both. Reads the machine's file once. `known`: layers that are not simulated again.
  PointWorker(const ExplorationSpec& spec, const Space& space, LayerResults known = {});
  Outcome work(const Task& task);  // never throws

 private:
  void run(Outcome& outcome);
  std::string reason_of(const UserError& error, const Places& places) const;

  const ExplorationSpec& spec_;
  const Space& space_;
  config::Template<arch::AcceleratorSpec> machine_;
  PointEvaluator evaluator_;
};

}  // namespace tilewright::explore

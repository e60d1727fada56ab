// SPDX-License-Identifier: Apache-2.0
//
// Worker processes that take one task at a time (SystemC's kernel is global, so threads are no way). A worker that dies
// costs the task it was at, which then fails with the reason; another takes its place.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "sim/explore/outcome.h"

namespace tilewright::explore {

class WorkerPool {
 public:
  using Work = std::function<Outcome(const Task&)>;

  // Forks when run() first needs them; `work` runs in the children only and must not throw.
  WorkerPool(unsigned workers, Work work);
  ~WorkerPool();  // ends the workers
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Calls `done` here, once for each task, in the order in which they end. Throws Interrupted on SIGINT.
  void run(std::span<const Task> tasks, const std::function<void(Outcome)>& done);

 private:
  struct Worker;
  void start(Worker& worker);
  void stop(Worker& worker);
  Outcome died(Worker& worker);

  Work work_;
  std::vector<Worker> workers_;
};

}  // namespace tilewright::explore

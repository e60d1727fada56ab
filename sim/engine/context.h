// SPDX-License-Identifier: Apache-2.0
//
// A SystemC kernel of one's own. SystemC allows one elaboration per kernel; a process that simulates several machines
// (an experiment, the fuzz tests, a batch of design points) gives each its own context and throws it away after.
//
// The exchange of the current context is outside the SystemC standard and is therefore hidden here; it is safe on
// 2.3.4 with method processes, one thread, and contexts used one after the other or strictly nested.
#pragma once

namespace sc_core {
class sc_simcontext;
}

namespace tilewright::engine {

class SimulationContext {
 public:
  SimulationContext();
  ~SimulationContext();
  SimulationContext(const SimulationContext&) = delete;
  SimulationContext& operator=(const SimulationContext&) = delete;

  // While one of these lives, SystemC objects are built, run and destroyed in the given context.
  class Use {
   public:
    explicit Use(const SimulationContext& context);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    sc_core::sc_simcontext* previous_;
  };

 private:
  sc_core::sc_simcontext* context_;
};

}  // namespace tilewright::engine

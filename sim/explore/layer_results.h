// SPDX-License-Identifier: Apache-2.0
//
// What the simulator said of a layer, remembered: within a process, and from one exploration to the next through their
// databases. The key is that of the design (docs/explore.md): machine, layer, mapping and residency decide a result alone.
//
//   machine  a hash of every value that the layer's timing could depend on, and of the program: results of another build are not
//            reused, since its timing may be another. Names, descriptions, energies and the supply voltage are not in it, so a
//            change of these simulates nothing again. Layers of the vector unit do not see the PEs: neither does their key.
//   layer    reuse_key() of mappers/residency.h with the mapping. Bytes that other layers' tensors take in the global buffer
//            limit which mappings fit, not what one takes: they are in the key of the vector unit's layers only, whose tiles follow
//            from them.
//
// What is kept is cycles and activity, never joules: energies are those of the machine that asks.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "arch/accelerator.h"
#include "mappers/program/mapping.h"
#include "sim/base/activity.h"
#include "workloads/layer.h"

namespace tilewright::explore {

struct SimulatedLayer {
  Cycle cycles = 0;
  Activity activity;
};

struct LayerResult {  // one row of the database
  std::string machine, layer;
  SimulatedLayer simulated;
};

// The two machine keys of a point.
struct MachineKeys {
  std::string whole;        // for layers of the PE array
  std::string without_pes;  // for layers of the vector unit
};
MachineKeys machine_keys(const arch::AcceleratorSpec& machine);
std::string layer_key(const workloads::Layer& layer, const mappers::Residency& residency, const mappers::Mapping& mapping);

class LayerResults {
 public:
  // Null where it is not known.
  const SimulatedLayer* find(const std::string& machine, const std::string& layer) const;
  // A result of before: found from now on, not told again.
  void know(const LayerResult& result);
  // One that is new: found from now on, and told once by take_fresh().
  const SimulatedLayer& add(LayerResult result);
  std::vector<LayerResult> take_fresh();

 private:
  // Own results are forgotten where there are too many; what was known at the start stays.
  std::unordered_map<std::string, SimulatedLayer> known_, own_;
  std::vector<LayerResult> fresh_;
};

class Database;
void for_each_layer_result(const Database& database, const std::function<void(const LayerResult&)>& take);
// Those of an earlier exploration (its folder, or the file). Throws UserError where there is none.
void read_layer_results(const std::filesystem::path& name, LayerResults& results);

// "4096 0 128 ...": the counts in the order of Action, as they stand in the database.
std::string counts_text(const Activity& activity);
Activity activity_of(const std::string& counts);

}  // namespace tilewright::explore

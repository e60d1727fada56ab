// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/kinds.h"

#include "arch/energy.h"
#include "arch/load.h"
#include "mappers/search/constraints.h"
#include "sim/cli/attention_experiment.h"
#include "sim/cli/claims.h"
#include "sim/cli/dynamic_inference.h"
#include "sim/cli/experiment.h"
#include "sim/explore/exploration_spec.h"
#include "sim/validate/ceilings.h"
#include "sim/validate/known_gaps.h"
#include "sim/validate/points_file.h"

namespace tilewright::cli {
namespace {

template <class T>
ConfigurationKind kind() {
  const config::StructSchema& schema = config::schema_of<T>();
  return {schema.kind(), schema.doc(), &schema,
          [](const std::filesystem::path& path, const config::Overrides& overrides) {
            config::load<T>(path, overrides);
          }};
}

}  // namespace

const std::vector<ConfigurationKind>& configuration_kinds() {
  static const std::vector<ConfigurationKind> kinds = {
      kind<arch::AcceleratorSpec>(),
      kind<arch::DramSpec>(),
      kind<arch::EnergyTable>(),
      kind<workloads::PathSet>(),
      kind<workloads::NetworkFile>(),
      kind<ExperimentSpec>(),
      kind<ClaimsSpec>(),
      kind<DynamicInferenceSpec>(),
      kind<validate::PointsFile>(),
      kind<validate::GapFile>(),
      kind<validate::CeilingFile>(),
      kind<arch::GpuSpec>(),
      kind<workloads::AttentionKernel>(),
      kind<workloads::AttentionProblem>(),
      kind<AttentionExperiment>(),
      kind<explore::ExplorationSpec>(),
      kind<mappers::MappingConstraints>(),
  };
  return kinds;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const ConfigurationKind& kind : configuration_kinds()) {
    names.push_back(kind.name);
  }
  return names;
}

const ConfigurationKind* find_kind(const std::string& name) {
  for (const ConfigurationKind& kind : configuration_kinds()) {
    if (kind.name == name) {
      return &kind;
    }
  }
  return nullptr;
}

}  // namespace tilewright::cli

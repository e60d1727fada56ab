// SPDX-License-Identifier: Apache-2.0
//
// What the networks of one kind have in common: which settings and knobs they have, what these may be, and how
// the network is built. One table entry a family; workloads/paths.h asks here.
#pragma once

#include <string>
#include <vector>

#include "workloads/paths.h"

namespace tilewright::workloads {

struct NetworkFamily {
  std::string name;                   // for people: "SegFormer"
  std::vector<std::string> settings;  // keys of NetworkSettings
  std::vector<std::string> knobs;     // keys of PathKnobs
  std::vector<SettingProblem> (*check_settings)(NetworkName, const NetworkSettings&);
  // Only where the settings are legal.
  std::vector<SettingProblem> (*check_path)(NetworkName, const NetworkSettings&, const PathKnobs&);
  Network (*build)(NetworkName, const NetworkSettings&, const PathKnobs&);
};

const NetworkFamily& family_of(NetworkName network);

}  // namespace tilewright::workloads

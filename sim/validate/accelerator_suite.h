// SPDX-License-Identifier: Apache-2.0
//
// The accelerator half: published silicon (configs/validation/*.yaml), each point simulated on the machine
// that stands for it. How a network is run (mapping, simulation, energy) is the caller's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "sim/validate/metrics.h"
#include "sim/validate/points_file.h"
#include "sim/validate/suite.h"
#include "workloads/layer.h"

namespace tilewright::validate {

// Runs a network on a machine file with overrides; an empty network only fills in the machine (area).
using NetworkSimulator =
    std::function<Observation(const std::filesystem::path& machine, const std::vector<std::string>& overrides,
                              const workloads::Network& network)>;

workloads::Network network_of(const Work& work, const std::string& name);

// All points of these files. Loads them at once: throws UserError.
std::unique_ptr<Suite> accelerator_suite(const std::vector<std::filesystem::path>& files,
                                         NetworkSimulator simulator);

}  // namespace tilewright::validate

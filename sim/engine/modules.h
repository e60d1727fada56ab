// SPDX-License-Identifier: Apache-2.0
//
// The SystemC modules that a machine is made of, for `tilewright list modules`.
#pragma once

#include <string>
#include <vector>

namespace sc_core {
class sc_module;
}

namespace tilewright::engine {

struct ModuleInfo {
  std::string path;  // hierarchical SystemC name
  std::string kind;  // C++ class
};

// `top` and every module below it, each before those that it holds; ports and events are left out.
std::vector<ModuleInfo> modules_of(const sc_core::sc_module& top);

}  // namespace tilewright::engine

// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/modules.h"

#include <systemc>

namespace tilewright::engine {
namespace {

void list_below(const sc_core::sc_object& object, std::vector<ModuleInfo>& modules) {
  for (const sc_core::sc_object* child : object.get_child_objects()) {
    if (dynamic_cast<const sc_core::sc_module*>(child) != nullptr) {
      modules.push_back({child->name(), child->kind()});
      list_below(*child, modules);
    }
  }
}

}  // namespace

std::vector<ModuleInfo> modules_of(const sc_core::sc_module& top) {
  std::vector<ModuleInfo> modules{{top.name(), top.kind()}};
  list_below(top, modules);
  return modules;
}

}  // namespace tilewright::engine

// SPDX-License-Identifier: Apache-2.0
//
// Writes a tree as YAML: for the resolved configuration (with sources, and defaults marked) and, without any
// notes, as the canonical text that the configuration hash is taken of.
#pragma once

#include <string>

#include "sim/base/config/node.h"
#include "sim/base/config/reader.h"

namespace tilewright::config {

std::string emit_resolved(const Node& root, const std::string& kind, const ValueNotes& notes);
std::string emit_value(const Node& value);  // a scalar or flow list; "" for nothing
std::string emit_canonical(const Node& root, const std::string& kind, const ValueNotes& notes);

}  // namespace tilewright::config

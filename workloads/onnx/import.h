// SPDX-License-Identifier: Apache-2.0
//
// From an ONNX model (operator set 11 to 17) to a network. docs/workloads.md lists the operators; a node without
// an equivalent is an error that names it. What only moves or renames elements (Reshape, Transpose, ...), what
// works on constants and sizes, and what scales or shifts by constants (folded into the layer before) costs
// nothing. Chains that exporters write for one operator are found again: layer normalisation out of means and
// roots, GELU out of Erf, swish out of a product with its own sigmoid.
#pragma once

#include <filesystem>

#include "workloads/layer.h"

namespace tilewright::workloads {

// Throws UserError naming the file and the node.
Network import_onnx(const std::filesystem::path& path);

}  // namespace tilewright::workloads

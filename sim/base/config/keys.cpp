// SPDX-License-Identifier: Apache-2.0
#include "sim/base/config/emit.h"
#include "sim/base/config/load.h"

namespace tilewright::config {
namespace {

void append_keys(const StructSchema& schema, const std::string& prefix, std::vector<KeyInfo>& keys) {
  for (const Field& field : schema.fields()) {
    const Codec& codec = field.codec();
    const StructSchema* inner = codec.schema();
    const std::string key = prefix + field.key();
    const bool by_name = field.is_reference() && inner != nullptr && !inner->kind().empty();
    const std::string limits = codec.limits(field.constraints());
    KeyInfo info{key, codec.expected(field.constraints()) + (limits.empty() ? "" : ", " + limits),
                 field.is_required() ? "required" : "", field.doc()};
    if (!field.is_required() && inner == nullptr) {
      info.default_value = emit_value(codec.encode(schema.default_of(field), field.constraints()));
    }
    if (inner == nullptr || by_name) {
      keys.push_back(std::move(info));
    } else {
      append_keys(*inner, key + codec.element_mark() + ".", keys);
    }
  }
}

}  // namespace

std::vector<KeyInfo> list_keys(const StructSchema& schema) {
  std::vector<KeyInfo> keys;
  append_keys(schema, "", keys);
  return keys;
}

}  // namespace tilewright::config

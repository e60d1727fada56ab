// SPDX-License-Identifier: Apache-2.0
//
// How one C++ type is read from a node, written back and described to an editor. Type-erased: a codec works
// on `void*`, so that only a few lines per field are templates. Authors of schemas need
// sim/base/config/schema.h only.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/config/node.h"

namespace tilewright::config {

class Reader;
class StructSchema;

// What a field demands beyond its type; on a list it holds for every element.
struct Constraints {
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool power_of_two = false;
  bool non_empty = false;  // text, lists and maps
  bool file = false;       // text: the name of a file that must exist
  std::size_t minimum_items = 0;
  std::string unit;  // of a plain number, for documentation and messages
};

class Codec {
 public:
  virtual ~Codec() = default;
  virtual void decode(const Node& node, void* value, const Constraints& constraints,
                      Reader& reader) const = 0;
  // The value as a node in its one canonical spelling; null for an empty optional.
  virtual Node encode(const void* value, const Constraints& constraints) const = 0;
  // `partial`: no key is required (a file that extends another).
  virtual void json_schema(nlohmann::ordered_json& out, const Constraints& constraints,
                           bool partial) const = 0;
  virtual std::string expected(
      const Constraints& constraints) const = 0;  // "an integer", "a size such as 64 KiB"
  // "1 .. 64, a power of two": what the constraints add to that.
  virtual std::string limits(const Constraints&) const { return {}; }
  virtual bool is_leaf() const { return true; }            // may be written as {value: ..., source: ...}
  virtual bool needs_source() const { return true; }       // numbers and switches do, names do not
  virtual std::string element_mark() const { return {}; }  // "[]" for lists, "{}" for maps
  virtual const StructSchema* schema() const {
    return nullptr;
  }  // of the struct, or of a container's elements
};

enum class QuantityKind : uint8_t {
  kBytes,
  kHertz,
  kBytesPerSecond,
  kSeconds,
  kVolts,
  kWatts,
  kJoules,
  kSquareMetres
};

const Codec& bool_codec();
const Codec& integer_codec(std::size_t size, bool is_signed);
const Codec& real_codec();
const Codec& text_codec();
const Codec& path_codec();
const Codec& quantity_codec(QuantityKind kind);

// Enumerations: `get` and `set` convert to the index in `names`.
struct EnumerationAccess {
  std::vector<std::string> names;
  std::size_t (*get)(const void*);
  void (*set)(void*, std::size_t);
};
std::unique_ptr<Codec> make_enumeration_codec(EnumerationAccess access);

struct ListAccess {
  std::size_t (*size)(const void*);
  void (*resize)(void*, std::size_t);  // null for a fixed size
  void* (*at)(void*, std::size_t);
  std::size_t fixed_size = 0;
};
std::unique_ptr<Codec> make_list_codec(ListAccess access, const Codec& element);

struct MapAccess {
  void (*clear)(void*);
  void* (*insert)(void*, const std::string&);
  std::vector<std::pair<std::string, const void*>> (*items)(const void*);
};
std::unique_ptr<Codec> make_map_codec(MapAccess access, const Codec& element);

struct OptionalAccess {
  void (*reset)(void*);
  void* (*emplace)(void*);
  const void* (*get)(const void*);  // null if empty
};
std::unique_ptr<Codec> make_optional_codec(OptionalAccess access, const Codec& element);

std::unique_ptr<Codec> make_struct_codec(const StructSchema& schema);

// A value, written plainly or, where sources are demanded, as {value: ..., source: "..."}.
void decode_field_value(const Codec& codec, const Node& node, void* value, const Constraints& constraints,
                        bool source_exempt, Reader& reader);

}  // namespace tilewright::config

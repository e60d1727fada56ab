// SPDX-License-Identifier: Apache-2.0
//
// The state of one walk through a composed document: where we are, what to complain about, and what the
// resolved dump will want to know (which values are defaults, and the source of each constant).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/base/config/node.h"

namespace tilewright::config {

// What is known of the value at a path besides the value itself.
struct ValueNote {
  bool is_default = false;
  std::string source;
  std::string file_hash;  // of the file that a file() field names
};
using ValueNotes = std::map<std::string, ValueNote>;

class Reader {
 public:
  Reader(std::string root_name, std::filesystem::path root_file, Diagnostics& diagnostics)
      : root_name_(std::move(root_name)), root_file_(std::move(root_file)), diagnostics_(&diagnostics) {}

  // Steps into a key or list index for the lifetime of the object.
  class Step {
   public:
    Step(Reader& reader, const std::string& key) : reader_(reader), length_(reader.path_.size()) {
      reader_.path_ += (reader_.path_.empty() ? "" : ".") + key;
    }
    ~Step() { reader_.path_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Reader& reader_;
    std::size_t length_;
  };

  const std::string& path() const { return path_; }
  std::string path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  // "'pe.lanes'"; at the top "'accelerator'".
  std::string quoted_path() const { return "'" + (path_.empty() ? root_name_ : path_) + "'"; }
  const std::filesystem::path& root_file() const { return root_file_; }

  void error(const Place& place, std::string code, std::string message, std::vector<std::string> notes = {}) {
    diagnostics_->error(place.location(), std::move(code), std::move(message), std::move(notes));
  }
  Diagnostics& diagnostics() { return *diagnostics_; }

  ValueNote& note() { return notes_[path_]; }
  const ValueNotes& notes() const { return notes_; }

  // Sections' sources, outermost first; a source speaks for values of its own file only.
  struct SectionSource {
    std::string file;
    std::string text;
  };
  std::vector<SectionSource>& section_sources() { return section_sources_; }
  bool demands_sources = false;
  std::size_t broken_sections = 0;  // reported before the walk, so the checks around them are skipped

 private:
  std::string root_name_;
  std::filesystem::path root_file_;
  Diagnostics* diagnostics_;
  std::string path_;
  ValueNotes notes_;
  std::vector<SectionSource> section_sources_;
};

}  // namespace tilewright::config

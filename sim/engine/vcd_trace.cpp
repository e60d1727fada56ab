// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/vcd_trace.h"

#include <fstream>

#include "sim/base/error.h"

namespace tilewright::engine {

VcdTrace::VcdTrace(const std::string& path) {
  const std::string suffix = ".vcd";
  const bool has_suffix = path.size() > suffix.size() && path.ends_with(suffix);
  const std::string stem = has_suffix ? path.substr(0, path.size() - suffix.size()) : path;
  if (!std::ofstream(stem + suffix)) {  // SystemC would end the process
    throw UserError("cannot write '" + stem + suffix + "'", ExitCode::kRunFailed);
  }
  file_ = sc_core::sc_create_vcd_trace_file(stem.c_str());
  file_->set_time_unit(1, sc_core::SC_FS);
}

VcdTrace::~VcdTrace() { sc_core::sc_close_vcd_trace_file(file_); }

}  // namespace tilewright::engine

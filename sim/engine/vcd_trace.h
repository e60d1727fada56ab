// SPDX-License-Identifier: Apache-2.0
//
// A VCD file of plain state variables, one signal each, named by module. Signals are added before the kernel first runs.
#pragma once

#include <string>
#include <systemc>

namespace tilewright::engine {

class VcdTrace {
 public:
  // Writes `path`; the suffix .vcd is SystemC's to add and may be given or not. Throws UserError (exit 1) if it cannot.
  explicit VcdTrace(const std::string& path);
  ~VcdTrace();
  VcdTrace(const VcdTrace&) = delete;
  VcdTrace& operator=(const VcdTrace&) = delete;

  template <typename Value>
  void add(const Value& value, const sc_core::sc_module& module, const char* signal) {
    sc_core::sc_trace(file_, value, std::string(module.name()) + "." + signal);
  }

 private:
  sc_core::sc_trace_file* file_;
};

}  // namespace tilewright::engine

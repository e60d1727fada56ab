// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/context.h"

#include <systemc>

namespace tilewright::engine {
namespace {

// Names are part of the public surface (list modules, VCD), so a clash is our bug, and errors become exceptions.
void configure_reports() {
  static const bool configured = [] {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_THROW);
    sc_core::sc_report_handler::set_actions(sc_core::SC_ERROR, sc_core::SC_THROW);
    // Elaborating without running is what we ask for.
    sc_core::sc_report_handler::set_actions(sc_core::SC_ID_NO_SC_START_ACTIVITY_, sc_core::SC_DO_NOTHING);
    return true;
  }();
  (void)configured;
}

}  // namespace

SimulationContext::SimulationContext() {
  configure_reports();
  sc_core::sc_get_curr_simcontext();  // the default context owns static events and must exist for ever
  sc_core::sc_simcontext* const previous = sc_core::sc_curr_simcontext;
  context_ = new sc_core::sc_simcontext;
  sc_core::sc_curr_simcontext = context_;
  sc_core::sc_set_time_resolution(1, sc_core::SC_FS);  // clock edges are whole femtoseconds
  sc_core::sc_curr_simcontext = previous;
}

SimulationContext::~SimulationContext() {
  const Use use(*this);
  delete context_;
}

SimulationContext::Use::Use(const SimulationContext& context) : previous_(sc_core::sc_curr_simcontext) {
  sc_core::sc_curr_simcontext = context.context_;
}

SimulationContext::Use::~Use() { sc_core::sc_curr_simcontext = previous_; }

}  // namespace tilewright::engine

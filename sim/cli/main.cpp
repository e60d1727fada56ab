// SPDX-License-Identifier: Apache-2.0
//
// The only place that decides on exit codes (docs: command line contract).
#include <csignal>
#include <cstdio>
#include <iostream>

#include "sim/base/error.h"
#include "sim/base/interrupt.h"
#include "sim/cli/application.h"
#include "sim/cli/print_diagnostics.h"

// The distribution's libsystemc holds a main() that calls sc_main; ours takes its place, so this is never
// run.
extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) {
  return 0;
}

namespace {

extern "C" void on_interrupt(int signal) {
  tilewright::interrupt_flag().store(true, std::memory_order_relaxed);
  std::signal(signal, SIG_DFL);  // the second one ends the process, in case nobody polls
}

int internal_error(const char* what) {
  std::cerr << "internal error: " << what
            << "\nThis is a defect of tilewright, not of your input. Please report it with the command and "
               "its files.\n";
  return static_cast<int>(tilewright::ExitCode::kInternal);
}

int guarded(const std::vector<std::string>& arguments) {
  using tilewright::ExitCode;
  try {
    const int code = tilewright::cli::run_application(arguments);
    if (!std::cout.flush()) {
      std::cerr << "error: cannot write to standard output\n";
      return static_cast<int>(ExitCode::kRunFailed);
    }
    return code;
  } catch (const tilewright::UserError& error) {
    std::cout.flush();
    std::cerr << tilewright::cli::failure_text(error);
    return static_cast<int>(error.exit_code());
  } catch (const tilewright::Interrupted&) {
    std::cerr << "interrupted\n";
    return static_cast<int>(ExitCode::kInterrupted);
  } catch (const std::exception& error) {
    return internal_error(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  tilewright::interrupt_flag();  // made before the handler can ask for it
  std::signal(SIGINT, on_interrupt);
  return guarded({argv + (argc > 0 ? 1 : 0), argv + argc});
}

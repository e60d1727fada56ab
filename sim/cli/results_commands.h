// SPDX-License-Identifier: Apache-2.0
//
// Commands about results: `validate` holds the simulator against measurements, `report` makes a page from the
// folders of earlier runs, `compare` puts two of them beside each other. Each returns the exit code and
// throws UserError, Interrupted, InternalError.
#pragma once

#include "sim/cli/options.h"
#include "sim/validate/suite.h"

namespace tilewright::cli {

// Every suite there is: this is where one is plugged in.
validate::Suites validation_suites();

int validate_command(const ValidateOptions& options);
int report_command(const ReportCommandOptions& options);
int compare_command(const CompareOptions& options);

}  // namespace tilewright::cli

// SPDX-License-Identifier: Apache-2.0
//
// write_example FOLDER: the example records' files, for the tests written in Python; those of the validation
// are in FOLDER/validation.
#include <iostream>

#include "sim/base/error.h"
#include "sim/report/files.h"
#include "sim/report/validation.h"
#include "tests/report/example_record.h"
#include "tests/report/example_validation.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_example FOLDER\n";
    return 2;
  }
  try {
    const tilewright::ExperimentRecord record = tilewright::report::example_record();
    tilewright::report::FolderOptions options;
    options.text.near_energy_saving = 0.28;
    options.text.remark = "Paths near that saving are consistent with a claim, which is all that can be said.";
    tilewright::report::write_run_folder(argv[1], record, "kind: experiment\n", options);
    tilewright::report::write_file_atomically(std::filesystem::path(argv[1]) / "report.txt",
                                              tilewright::report::text_report(record, options.text));
    const std::filesystem::path validation = std::filesystem::path(argv[1]) / "validation";
    tilewright::report::write_validation_folder(validation, tilewright::report::example_validation());
    tilewright::report::write_file_atomically(
        validation / "report.txt",
        tilewright::report::validation_text(tilewright::report::example_validation()));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Files that are whole or not there, the progress line, number formats, and the page on awkward records.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/files.h"
#include "sim/report/json.h"
#include "sim/report/page.h"
#include "sim/report/page/markup.h"
#include "sim/report/progress.h"
#include "sim/report/table.h"
#include "tests/report/example_record.h"

namespace tilewright::report {
namespace {

namespace fs = std::filesystem;

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("tilewright_output_test_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("a file is replaced as a whole, its folders are made, and no other file is left") {
  const Folder folder;
  const fs::path path = folder.path() / "a/b/results.txt";
  write_file_atomically(path, "first, and longer");
  write_file_atomically(path, "second");
  CHECK(read(path) == "second");
  CHECK(std::distance(fs::directory_iterator(path.parent_path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that cannot be written is the user's to mend: exit code 1, and the reason") {
  const Folder folder;
  write_file_atomically(folder.path() / "file", "");
  fs::create_directory(folder.path() / "folder");
  write_file_atomically(folder.path() / "folder/inside", "");
  // A file where a folder should be; a folder where the file should be.
  for (const char* name : {"file/below", "folder"}) {
    try {
      write_file_atomically(folder.path() / name, "text");
      FAIL("written");
    } catch (const UserError& error) {
      CHECK(error.exit_code() == ExitCode::kRunFailed);
      CHECK(std::string(error.what()).find(name) != std::string::npos);
    }
  }
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("the progress line shows the share done and never fills the terminal") {
  CHECK(progress_line(1, 2, "paths", "full", 80) == "paths [############............] 1/2  full");
  CHECK(progress_line(0, 0, "paths", "", 80) == "paths [########################] 0/0  ");
  CHECK(progress_line(1, 2, "paths", "full", 20) == "paths [############");
}

TEST_CASE("numbers") {
  CHECK(with_separators(0) == "0");
  CHECK(with_separators(999) == "999");
  CHECK(with_separators(1000) == "1,000");
  CHECK(with_separators(18446744073709551615U) == "18,446,744,073,709,551,615");
  CHECK(decimals_for(62.34) == 2);
  CHECK(decimals_for(9.99) == 3);
  CHECK(decimals_for(12345) == 0);
  CHECK(decimals_for(0) == 0);
  CHECK(wrapped("one two three", 7) == "one two\nthree\n");
}

TEST_CASE("ticks are short, round and inside of their scale") {
  CHECK(tick_label(0.5) == "0.5");
  CHECK(tick_label(20000) == "20000");
  CHECK(tick_label(100000) == "1e5");
  CHECK(tick_label(-1.5e11) == "-1.5e11");
  CHECK(tick_label(2e-7) == "2e-7");
  CHECK(tick_label(1e-10) == "1e-10");
  CHECK(tick_label(0) == "0");
  CHECK(ticks({5, 50, 0, 300, true}, 6) == std::vector<double>{5, 10, 20, 50});
  CHECK(ticks({1, 1e6, 0, 300, true}, 6).size() == 7);
  for (const auto& [low, high] :
       {std::pair{1.0, 1.0}, {2.0, 1.0}, {-1e308, 1e308}, {0.0, std::numeric_limits<double>::infinity()}}) {
    CHECK(ticks({low, high, 0, 300}, 6).empty());
  }
  CHECK(ticks({0, 10, 0, 300, true}, 6).empty());
  CHECK(tick_count({1, 10, 350, 50, true}, 50) == 6);
}

TEST_CASE("a result that is not finite is our bug, not a null in the file") {
  ExperimentRecord record = example_record();
  record.runs[1].time_s = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(json_report(record), InternalError);
}

TEST_CASE("names from files are text in the page, never markup") {
  ExperimentRecord record = example_record();
  record.runs[1].name = "<script>alert(\"1\")</script>";
  record.runs[1].layers[0].name = "a&b<c>";
  const std::string page = html_page(record);
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(&quot;1&quot;)") != std::string::npos);
}

TEST_CASE("reports of no runs, of no reference path and of empty layers have no infinities") {
  ExperimentRecord empty;
  ExperimentRecord without_reference = example_record();
  without_reference.runs.erase(without_reference.runs.begin());
  ExperimentRecord zero = example_record();
  for (RunRecord& run : zero.runs) {
    run.energy.clear();
    run.macs = 0;
    run.cycles = 0;
    run.time_s = 0;
    run.layers.clear();
  }
  for (const ExperimentRecord& record : {empty, without_reference, zero}) {
    const std::string both = text_report(record) + html_page(record);
    for (const char* word : {"nan ", "nan\"", "inf ", "inf\"", "-nan"}) {
      CHECK(both.find(word) == std::string::npos);
    }
  }
  CHECK(text_report(without_reference).find("path 'full' was not run") != std::string::npos);
}

}  // namespace
}  // namespace tilewright::report

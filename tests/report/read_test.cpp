// SPDX-License-Identifier: Apache-2.0
//
// Results read back from their files: the same page comes out, and damaged files are refused with their
// place.
#include "sim/report/read.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"
#include "sim/report/compare.h"
#include "sim/report/files.h"
#include "sim/report/json.h"
#include "sim/report/page.h"
#include "sim/report/validation.h"
#include "tests/report/example_record.h"
#include "tests/report/example_validation.h"

namespace tilewright::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("tilewright_read_test_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string refusal(const std::string& text, const std::string& name = "run.json") {
  const Folder folder;
  std::ofstream(folder.path() / name) << text;
  try {
    read_result(folder.path() / name);
  } catch (const UserError& error) {
    CHECK(error.exit_code() == ExitCode::kUsage);
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a run read back gives the same page and the same JSON") {
  const Folder folder;
  ExperimentRecord record = example_record();
  record.description = "three paths";
  record.runs[0].accuracy = 0.5;
  record.runs[0].accuracy_source = "a paper";
  record.runs[1].functional_layers = 2;
  record.runs[1].layers[0].output_hash = "0123456789abcdef";
  FolderOptions options;
  options.text.near_energy_saving = 0.2;
  write_run_folder(folder.path(), record, "", options);
  const StoredRun stored = read_run(folder.path() / "run.json");
  CHECK(html_page(stored.record, page_options(stored.options)) ==
        html_page(record, page_options(options.text)));
  CHECK(json_report(stored.record, stored.options)["runs"][1]["activity"] ==
        json_report(record, options.text)["runs"][1]["activity"]);
  CHECK(json_report(stored.record, stored.options)["runs"][0]["layers"][0]["stalls"] ==
        json_report(record, options.text)["runs"][0]["layers"][0]["stalls"]);
  CHECK(text_report(stored.record, stored.options).size() > 1000);
}

TEST_CASE("a validation read back is the same") {
  const Folder folder;
  const ValidationRecord record = example_validation();
  write_validation_folder(folder.path(), record);
  const ValidationRecord stored = read_validation(folder.path() / "validate.json");
  CHECK(validation_json(stored) == validation_json(record));
  CHECK(validation_text(stored) == validation_text(record));
  CHECK(html_page({validation_part(stored)}) == html_page({validation_part(record)}));
}

TEST_CASE("a page of several results keeps their ids apart") {
  const std::string page =
      html_page({run_part(example_record(), {}, "part1-"), run_part(example_record(), {}, "part2-"),
                 validation_part(example_validation(), "part3-")},
                "3 results");
  for (const char* id :
       {"id=\"part1-toy\"", "id=\"part2-toy\"", "id=\"part3-summary\"", "id=\"part2\"", "href=\"#part3\""}) {
    CHECK(contains(page, id));
  }
}

TEST_CASE("damaged files are refused with their place") {
  const std::string good = json_report(example_record()).dump();
  CHECK(refusal(good) == "accepted");
  CHECK(contains(refusal(good.substr(0, good.size() / 2)), "run.json:1:"));
  CHECK(contains(refusal("{\n \"schema_version\": oops}"), "run.json:2:"));
  CHECK(contains(refusal("{\"schema_version\": 2}"), "'schema_version' is not 1"));
  CHECK(contains(refusal("{}"), "'schema_version' is missing"));
  CHECK(contains(refusal(""), "[results.not-json]"));
  CHECK(contains(refusal(std::string(100000, '[')), "[results.not-json]"));
  CHECK(contains(refusal("\x00\xff\xfe"), "[results.not-json]"));
  CHECK(contains(refusal("{\"schema_version\": 1e400}"), "results."));
  CHECK(contains(refusal("{\"anything\": 1}", "other.json"), "is not a file of results"));
  CHECK(refusal(good, "renamed.json") == "accepted");
}

TEST_CASE("a value that this version would not have written is named") {
  const auto changed = [](void (*change)(ordered_json&)) {
    ordered_json json = json_report(example_record());
    change(json);
    return refusal(json.dump());
  };
  CHECK(contains(
      changed([](ordered_json& json) { json["runs"][1]["cycles"] = "many"; }),
      "'runs[1].cycles' must be a count (an integer from 0), found the text 'many' [results.unexpected]"));
  CHECK(contains(changed([](ordered_json& json) { json["runs"][1]["cycles"] = -1; }), "found -1"));
  CHECK(contains(changed([](ordered_json& json) { json["runs"][1]["cycles"] = 1.5; }), "found 1.5"));
  CHECK(contains(changed([](ordered_json& json) { json["runs"][0].erase("time_s"); }),
                 "'runs[0].time_s' is missing"));
  CHECK(contains(changed([](ordered_json& json) { json["runs"][0]["time_z"] = 1; }),
                 "'runs[0].time_z' is not known here; did you mean 'time_s'?"));
  CHECK(contains(changed([](ordered_json& json) { json["runs"][2]["stalls"]["pe"]["bussy"] = 1; }),
                 "'runs[2].stalls.pe.bussy' is not known here; did you mean 'busy'?"));
  CHECK(contains(changed([](ordered_json& json) { json["machines"] = nullptr; }),
                 "'machines' must be a list, found nothing"));
}

TEST_CASE("folders without results, and what is not there") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(result_files(folder.path()), doctest::Contains("looked for: run.json, explore.json, validate.json"),
                       UserError);
  CHECK_THROWS_WITH_AS(result_files(folder.path() / "gone"), doctest::Contains("no such folder"), UserError);
  write_run_folder(folder.path(), example_record(), "");
  write_validation_folder(folder.path(), example_validation());
  CHECK(result_files(folder.path()).size() == 2);
}

TEST_CASE("a comparison names what changed, by how much, and what is gone") {
  StoredRun before{example_record(), {}};
  StoredRun after = before;
  CHECK(compare(before, after).changed() == 0);
  CHECK(compare(before, after).differences.size() == 15);
  after.record.runs[0].cycles = 22000;
  after.record.runs[1].name = "narrower";
  const Comparison comparison = compare(before, after);
  CHECK(comparison.changed() == 1);
  CHECK(comparison.largest() == doctest::Approx(0.1));
  CHECK(comparison.only_before == std::vector<std::string>{"toy narrow"});
  CHECK(comparison.only_after == std::vector<std::string>{"toy narrower"});
  const std::string text = comparison_text(comparison);
  CHECK(contains(text, "toy full  cycles   20000  22000  +10.000"));
  CHECK(contains(text, "1 of 10 values changed, the largest by 10.000 %"));
  CHECK(comparison_json(comparison)["differences"].size() == 10);
  ValidationRecord validation = example_validation();
  const ValidationRecord old = validation;
  validation.points[1].simulated = 20;
  CHECK(contains(comparison_text(compare(old, validation)), "+11.111   -10.0   +0.0"));
  CHECK_THROWS_AS(compare(before, old), UserError);
}

TEST_CASE("names from files are text in the validation page, never markup") {
  const std::string page = html_page({validation_part(example_validation())});
  CHECK_FALSE(contains(page, "a<b>"));
  CHECK(contains(page, "a&lt;b&gt;&amp;&quot;c&quot;,d"));
  CHECK_FALSE(contains(page, "<modelled>"));
}

TEST_CASE("a file with absurd but readable numbers still makes a page") {
  ValidationRecord validation = example_validation();
  validation.points[0].simulated = 1e308;
  validation.points[0].error = 1e307;
  validation.points[1].measured = 1e-308;
  validation.points[2].parameters["bytes"] = -1e308;
  CHECK(html_page({validation_part(validation)}).size() > 1000);
  ExperimentRecord record = example_record();
  record.runs[0].time_s = 1e308;
  record.runs[1].energy["dram"].nominal = 1e308;
  CHECK(html_page(record).size() > 1000);
}

TEST_CASE("a validation without points is a page too") {
  ValidationRecord empty;
  empty.suites = {"chip"};
  for (const std::string& text : {html_page({validation_part(empty)}), validation_text(empty)}) {
    CHECK_FALSE(contains(text, "nan "));
    CHECK(text.size() > 20);
  }
}

}  // namespace
}  // namespace tilewright::report

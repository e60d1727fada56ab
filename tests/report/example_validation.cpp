// SPDX-License-Identifier: Apache-2.0
//
// Two suites. "chip": loads of 8, 64 and 512 bytes measured as 10, 20 and 40 cycles and simulated as 11 (+10
// %, calibration), 18 (-10 %) and 60 (+50 %, a known gap), baseline 20 each; one value of 0. "card/tma": a
// point with awkward text. The validation loads: mean error 30 %, bias +20 %, worst b512, baseline 25 % (0
// and -50 %).
#include "tests/report/example_validation.h"

namespace tilewright::report {
namespace {

ValidationPoint load(const std::string& id, double bytes, double measured, double simulated, Split split) {
  ValidationPoint point;
  point.id = id + "/cycles";
  point.suite = "chip";
  point.family = "load";
  point.split = split;
  point.metric = "cycles";
  point.unit = "cycle";
  point.measured = measured;
  point.simulated = simulated;
  point.error = relative_error(simulated, measured);
  point.baseline = 20;
  point.parameters = {{"bytes", bytes}, {"kind", bytes > 100 ? "burst" : "single"}};
  point.source = "by hand, page 1";
  return point;
}

}  // namespace

ValidationRecord example_validation() {
  ValidationRecord record;
  record.version = "1.2.3";
  record.command = "tilewright validate";
  record.suites = {"chip", "card/tma"};
  record.points = {load("b8", 8, 10, 11, Split::kCalibration), load("b64", 64, 20, 18, Split::kValidation),
                   load("b512", 512, 40, 60, Split::kValidation)};
  record.points[2].known_gap = "b512/*";
  ValidationPoint zero = load("zero", 8, 0, 3, Split::kValidation);
  zero.metric = "conflicts";
  zero.id = "zero/conflicts";
  zero.unit = "1";
  zero.baseline.reset();
  record.points.push_back(zero);
  ValidationPoint odd = load("a<b>&\"c\",d", 8, 1e12, 1.1e12, Split::kValidation);
  odd.suite = "card/tma";
  odd.parameters = {{"shape", "4 x \"4\", <wide>"}};
  record.points.push_back(odd);
  record.summary = {
      {"chip", "load", Split::kCalibration, "cycles", 1, 0.1, 0.1, "b8/cycles", 0.1, {}, {}, 1.0},
      {"chip", "load", Split::kValidation, "cycles", 2, 0.3, 0.5, "b512/cycles", 0.2, {}, 1.0, 0.25},
      {"chip", "load", Split::kValidation, "conflicts", 1, 1, 1, "zero/conflicts", 1, {}, {}, {}},
      {"card/tma", "load", Split::kValidation, "cycles", 1, 0.1, 0.1, odd.id, 0.1, {}, {}, 1.0}};
  record.not_simulated = {{"card/tma", "multicast", Split::kValidation, 12, "no twin simulates this"}};
  record.known_gaps = {{"chip", "b512/*", "bursts are not <modelled>", 0.4, 0.6, 1, {}},
                       {"chip", "gone/*", "closed", 0.1, 0.2, 0, {}},
                       {"chip", "b64/*", "moved", 0.1, 0.2, 1, {"b64/cycles"}}};
  return record;
}

}  // namespace tilewright::report

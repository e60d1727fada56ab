// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/points_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/config/diagnostics.h"
#include "sim/validate/metrics.h"

namespace tilewright {

std::span<const config::EnumName<Split>> enumeration_names(Split) {
  static constexpr config::EnumName<Split> kNames[] = {{Split::kCalibration, "calibration"},
                                                       {Split::kValidation, "validation"}};
  return kNames;
}

}  // namespace tilewright

namespace tilewright::validate {
namespace {

using config::Checker;

// Everything built from these fits the 32-bit sizes of a layer.
constexpr double kMostElements = 1 << 20;

// Both must be simulated, and the other must have every value of this one.
void check_relative(const PointsFile& file, const Measurement& one, const std::string& key, Checker& check) {
  if (one.relative_to.empty()) {
    return;
  }
  std::vector<std::string> known;
  for (const Measurement& other : file.measurements) {
    const bool fits = std::all_of(one.values.begin(), one.values.end(), [&](const auto& value) {
      const auto found = other.values.find(value.first);
      return found != other.values.end() && found->second != 0;
    });
    if (&other != &one && fits && other.not_simulated.empty() && other.relative_to.empty()) {
      known.push_back(other.id);
    }
  }
  if (std::find(known.begin(), known.end(), one.relative_to) == known.end()) {
    check.error(key + ".relative_to",
                fmt::format("cannot be '{}': it must be a simulated measurement with the same metrics{}",
                            one.relative_to, config::did_you_mean(one.relative_to, known)),
                {"measurements: " + config::join(known)}, "config.unknown-value");
  }
}

void check_measurement(const PointsFile& file, std::size_t index, Checker& check) {
  const Measurement& one = file.measurements[index];
  const std::string key = fmt::format("measurements.{}", index);
  for (std::size_t earlier = 0; earlier < index; ++earlier) {
    if (file.measurements[earlier].id == one.id) {
      check.error(key + ".id", fmt::format("is the id '{}' of another measurement", one.id));
    }
  }
  if (!one.work.empty() && !file.works.contains(one.work)) {
    std::vector<std::string> known;
    for (const auto& [name, work] : file.works) {
      known.push_back(name);
    }
    check.error(key + ".work",
                fmt::format("cannot be '{}', which 'works' does not have{}", one.work,
                            config::did_you_mean(one.work, known)),
                {"works: " + config::join(known)}, "config.unknown-value");
  }
  check_relative(file, one, key, check);
  for (const auto& [metric, measured] : one.values) {
    if (one.not_simulated.empty() && find_metric(metric) == nullptr) {
      check.error(
          key + ".values." + metric,
          fmt::format("is no metric that is simulated{}", config::did_you_mean(metric, metric_names())),
          {"metrics: " + config::join(metric_names())}, "config.unknown-value");
    }
  }
  if (one.not_simulated.empty() && one.machine.empty() && file.machine.empty()) {
    check.error(key, "needs a 'machine', here or for the whole file, or the reason in 'not_simulated'");
  }
}

}  // namespace

void describe(config::Schema<GemmWork>& schema) {
  schema.name("gemm", "one matrix product");
  schema.field(&GemmWork::rows, "rows", "of the left operand: pixels or tokens")
      .required()
      .range(1, kMostElements);
  schema.field(&GemmWork::reduction, "reduction", "length of the inner dimension")
      .required()
      .range(1, kMostElements);
  schema.field(&GemmWork::columns, "columns", "of the right operand: output features")
      .required()
      .range(1, kMostElements);
}

void describe(config::Schema<EncoderWork>& schema) {
  schema.name("encoder", "matrix products and softmax of a transformer encoder");
  schema.field(&EncoderWork::tokens, "tokens", "sequence length").required().range(1, 65536);
  schema.field(&EncoderWork::hidden, "hidden", "features of a token").required().range(1, 65536);
  schema.field(&EncoderWork::heads, "heads", "divide the features evenly").required().range(1, 1024);
  schema.field(&EncoderWork::blocks, "blocks", "encoder blocks").required().range(1, 1024);
  schema.field(&EncoderWork::expansion, "expansion", "of the feed-forward layer").range(1, 16);
  schema.check([](const EncoderWork& work, Checker& check) {
    if (work.hidden % work.heads != 0) {
      check.error("heads", fmt::format("must divide 'hidden' ({}), is {}", work.hidden, work.heads));
    }
  });
}

void describe(config::Schema<Work>& schema) {
  schema.name("work", "what a machine computes; one of these");
  schema.field(&Work::gemm, "gemm", "one matrix product");
  schema.field(&Work::encoder, "encoder", "a transformer encoder");
  schema.check([](const Work& work, Checker& check) {
    if (work.gemm.has_value() == work.encoder.has_value()) {
      check.error("", "must be either a gemm or an encoder");
    }
  });
}

void describe(config::Schema<NaiveModel>& schema) {
  schema.name("naive", "the baseline that a simulator has to beat");
  schema.field(&NaiveModel::efficiency, "efficiency", "share of the peak rate, the same for everything")
      .required()
      .range(1e-6, 1);
  schema.field(&NaiveModel::energy_per_mac, "energy_per_mac", "the same for everything").required();
  schema.field(&NaiveModel::source, "source", "where both come from").required().non_empty();
}

void describe(config::Schema<Measurement>& schema) {
  using M = Measurement;
  schema.name("measurement", "what was published of one machine at one work");
  schema.field(&M::id, "id", "with the metric, the id of a point").required().non_empty();
  schema.field(&M::family, "family", "what its errors are averaged with").required().non_empty();
  schema.field(&M::split, "split", "calibration: constants may rest on it").required();
  schema.field(&M::machine, "machine", "a file of kind 'accelerator', if not the whole file's").file();
  schema.field(&M::set, "set", "changes of the machine, as --set on the command line");
  schema.field(&M::work, "work", "a name in 'works'; absent: the machine alone");
  schema.field(&M::values, "values", "metric: measured value").required().non_empty();
  schema.field(&M::relative_to, "relative_to",
               "id of a measurement: values are compared relative to its values");
  schema.field(&M::parameters, "parameters", "numbers that the measurements of a family differ in");
  schema.field(&M::labels, "labels", "words that they differ in");
  schema.field(&M::not_simulated, "not_simulated", "why there is nothing to compare with");
  schema.field(&M::source, "source", "publication and place in it").required().non_empty();
}

void describe(config::Schema<PointsFile>& schema) {
  using P = PointsFile;
  schema.kind("validation_points", "published measurements of accelerators");
  schema.field(&P::name, "name", "of the file").required().non_empty();
  schema.field(&P::description, "description", "one sentence");
  schema.field(&P::machine, "machine", "a file of kind 'accelerator' that stands for what was measured")
      .file();
  schema.field(&P::works, "works", "what was computed, by name");
  schema.field(&P::naive, "naive", "the baseline beside every point");
  schema.field(&P::measurements, "measurements", "as published").required().non_empty();
  schema.check([](const PointsFile& file, Checker& check) {
    for (std::size_t i = 0; i < file.measurements.size(); ++i) {
      check_measurement(file, i, check);
    }
  });
}

}  // namespace tilewright::validate

// SPDX-License-Identifier: Apache-2.0
//
// Published measurements of accelerators (configs/validation/*.yaml, kind: validation_points): what was
// measured, where it was published, and which machine running which work stands for it here.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/config/load.h"
#include "sim/base/validation_record.h"

namespace tilewright {
std::span<const config::EnumName<Split>> enumeration_names(Split);
}

namespace tilewright::validate {

// One matrix product, rows x reduction times reduction x columns.
struct GemmWork {
  uint32_t rows = 1, reduction = 1, columns = 1;
};
// A transformer encoder's matrix products and softmax; layernorm, GELU, residual sums and embeddings are left
// out, as the measurements of the accelerators that have no unit for them leave them out.
struct EncoderWork {
  uint32_t tokens = 1, hidden = 1, heads = 1, blocks = 1, expansion = 4;
};
struct Work {
  std::optional<GemmWork> gemm;
  std::optional<EncoderWork> encoder;  // exactly one of both
};

// What knows nothing but a data sheet: time = MACs / (peak rate x one efficiency), energy = MACs x one
// energy. At one operating point the latter is TDP x time.
struct NaiveModel {
  double efficiency = 1;
  Joules energy_per_mac;
  std::string source;
};

struct Measurement {
  std::string id;
  std::string family;
  Split split = Split::kValidation;
  std::string machine;                   // as the file's, if absent
  std::vector<std::string> set;          // overrides of the machine
  std::string work;                      // a name in `works`; empty: only the machine itself (its area)
  std::map<std::string, double> values;  // metric -> measured
  std::string relative_to;               // id of a measurement of the file: values are divided by its values
  std::map<std::string, double> parameters;
  std::map<std::string, std::string> labels;
  std::string not_simulated;  // why there is nothing to compare with; empty: there is
  std::string source;
};

struct PointsFile {
  std::string name;
  std::string description;
  std::string machine;
  std::map<std::string, Work> works;
  std::optional<NaiveModel> naive;
  std::vector<Measurement> measurements;
};

void describe(config::Schema<GemmWork>& schema);
void describe(config::Schema<EncoderWork>& schema);
void describe(config::Schema<Work>& schema);
void describe(config::Schema<NaiveModel>& schema);
void describe(config::Schema<Measurement>& schema);
void describe(config::Schema<PointsFile>& schema);

}  // namespace tilewright::validate

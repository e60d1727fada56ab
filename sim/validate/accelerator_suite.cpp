// SPDX-License-Identifier: Apache-2.0
#include "sim/validate/accelerator_suite.h"

#include <fmt/format.h>

#include <map>

#include "arch/load.h"
#include "workloads/builder.h"

namespace tilewright::validate {
namespace {

using workloads::NetworkBuilder;
using workloads::Shape;
using Tensor = NetworkBuilder::Tensor;

workloads::Network gemm(const GemmWork& work, const std::string& name) {
  NetworkBuilder builder(name, Shape{1, 1, work.rows, work.reduction});
  builder.linear("gemm", builder.input(), work.columns);
  return builder.finish();
}

Tensor encoder_block(NetworkBuilder& builder, const EncoderWork& work, const std::string& block,
                     Tensor input) {
  const auto named = [&](const char* layer) {
    return workloads::LayerName(block + "." + layer, std::string("encoder.") + layer);
  };
  const uint32_t head_size = work.hidden / work.heads;
  const Tensor query = builder.linear(named("query"), input, work.hidden);
  const Tensor key = builder.linear(named("key"), input, work.hidden);
  const Tensor value = builder.linear(named("value"), input, work.hidden);
  const Tensor scores = builder.matmul(named("scores"), query, key, {work.heads, head_size, work.tokens});
  const Tensor weights = builder.softmax(named("softmax"), scores);
  const Tensor context =
      builder.matmul(named("context"), weights, value, {work.heads, work.tokens, head_size});
  const Tensor projected = builder.linear(named("projection"), context, work.hidden);
  const Tensor expanded = builder.linear(named("expand"), projected, work.hidden * work.expansion);
  return builder.linear(named("contract"), expanded, work.hidden);
}

workloads::Network encoder(const EncoderWork& work, const std::string& name) {
  NetworkBuilder builder(name, Shape{1, 1, work.tokens, work.hidden});
  Tensor tokens = builder.input();
  for (uint32_t block = 0; block < work.blocks; ++block) {
    tokens = encoder_block(builder, work, fmt::format("block{}", block), tokens);
  }
  return builder.finish();
}

class AcceleratorSuite : public Suite {
 public:
  AcceleratorSuite(const std::vector<std::filesystem::path>& files, NetworkSimulator simulator)
      : simulator_(std::move(simulator)) {
    for (const std::filesystem::path& path : files) {
      files_.push_back(config::load<PointsFile>(path).value);
    }
    for (const PointsFile& file : files_) {
      for (const Measurement& measurement : file.measurements) {
        all_.push_back({&file, &measurement});
      }
    }
  }

  std::string name() const override { return "accelerator"; }
  std::string description() const override { return "published accelerators: efficiency, networks, areas"; }
  std::size_t size() override { return all_.size(); }
  std::string label(std::size_t index) const override { return all_[index].measurement->id; }
  Outcome simulate(std::size_t index) override;

 private:
  struct Entry {
    const PointsFile* file;
    const Measurement* measurement;
  };
  struct Seen;
  static std::optional<Observation> naive(const Entry& entry, const workloads::Network& network);
  Seen see(const Entry& entry);
  static std::optional<ValidationPoint> compared(const Seen& seen, const Seen* reference,
                                                 const Metric& metric);
  static std::filesystem::path machine_of(const Entry& entry) {
    return entry.measurement->machine.empty() ? entry.file->machine : entry.measurement->machine;
  }

  NetworkSimulator simulator_;
  std::vector<PointsFile> files_;
  std::vector<Entry> all_;
};

// A measurement as it was published, as it is simulated and as a naive model has it.
struct AcceleratorSuite::Seen {
  const Measurement* measurement;
  Observation simulated;
  std::optional<Observation> naive;
};

std::optional<Observation> AcceleratorSuite::naive(const Entry& entry, const workloads::Network& network) {
  if (!entry.file->naive || network.layers.empty()) {
    return std::nullopt;
  }
  const NaiveModel& model = *entry.file->naive;
  const arch::AcceleratorSpec machine =
      arch::load_accelerator(machine_of(entry), entry.measurement->set).value;
  Observation guess;
  guess.run.macs = network.macs();
  guess.run.utilisation = model.efficiency;
  const double cycles = static_cast<double>(guess.run.macs) /
                        (static_cast<double>(machine.macs_per_cycle()) * model.efficiency);
  guess.run.cycles = static_cast<Cycle>(cycles);
  guess.run.time_s = cycles / static_cast<double>(machine.operating_point.clock.value);
  const double joules = static_cast<double>(guess.run.macs) * model.energy_per_mac.value;
  guess.run.energy["all"] = {joules, joules, joules};
  return guess;
}

AcceleratorSuite::Seen AcceleratorSuite::see(const Entry& entry) {
  workloads::Network network;
  if (!entry.measurement->work.empty()) {
    network = network_of(entry.file->works.at(entry.measurement->work), entry.measurement->work);
  }
  return {entry.measurement, simulator_(machine_of(entry), entry.measurement->set, network),
          naive(entry, network)};
}

// Empty where the simulated machine does not have the metric.
std::optional<ValidationPoint> AcceleratorSuite::compared(const Seen& seen, const Seen* reference,
                                                          const Metric& metric) {
  const std::optional<double> simulated = metric.value(seen.simulated);
  const std::optional<double> whole = reference != nullptr ? metric.value(reference->simulated) : 1;
  if (!simulated || !whole || *whole == 0) {
    return std::nullopt;
  }
  ValidationPoint point;
  point.id = seen.measurement->id + "/" + metric.name;
  point.metric = metric.name;
  point.unit = reference != nullptr ? "1" : metric.unit;
  point.simulated = *simulated / *whole;
  point.measured = seen.measurement->values.at(metric.name);
  if (seen.naive && !metric.is_given) {
    point.baseline = metric.value(*seen.naive);
  }
  if (reference != nullptr) {
    point.measured /= reference->measurement->values.at(metric.name);
    const std::optional<double> naive_whole =
        reference->naive ? metric.value(*reference->naive) : std::nullopt;
    point.baseline =
        point.baseline && naive_whole ? std::optional(*point.baseline / *naive_whole) : std::nullopt;
  }
  return point;
}

Outcome AcceleratorSuite::simulate(std::size_t index) {
  const Entry& entry = all_[index];
  const Measurement& measurement = *entry.measurement;
  Outcome outcome;
  const auto missing = [&](std::size_t n, const std::string& reason) {
    outcome.not_simulated.push_back({"", measurement.family, measurement.split, n, reason});
  };
  if (!measurement.not_simulated.empty()) {
    missing(measurement.values.size(), measurement.not_simulated);
    return outcome;
  }
  const Seen seen = see(entry);
  std::optional<Seen> reference;
  for (const Entry& other : all_) {
    if (other.file == entry.file && other.measurement->id == measurement.relative_to) {
      reference = see(other);
    }
  }
  for (const auto& [name, measured] : measurement.values) {
    std::optional<ValidationPoint> point =
        compared(seen, reference ? &*reference : nullptr, *find_metric(name));
    if (!point) {
      missing(1, "the machine has no " + name);
      continue;
    }
    point->family = measurement.family;
    point->split = measurement.split;
    point->parameters.insert(measurement.parameters.begin(), measurement.parameters.end());
    point->parameters.insert(measurement.labels.begin(), measurement.labels.end());
    point->source = measurement.source;
    outcome.points.push_back(std::move(*point));
  }
  return outcome;
}

}  // namespace

workloads::Network network_of(const Work& work, const std::string& name) {
  return work.gemm ? gemm(*work.gemm, name) : encoder(*work.encoder, name);
}

std::unique_ptr<Suite> accelerator_suite(const std::vector<std::filesystem::path>& files,
                                         NetworkSimulator simulator) {
  return std::make_unique<AcceleratorSuite>(files, std::move(simulator));
}

}  // namespace tilewright::validate

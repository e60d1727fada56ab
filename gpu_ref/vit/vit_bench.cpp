// SPDX-License-Identifier: Apache-2.0
// Runs the distinct layers of a workload's execution paths in INT8: checked, hashed, timed, and for a third
// of them weighed.
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "harness/check.h"
#include "harness/session.h"
#include "vit/host_reference.h"
#include "vit/layer_list.h"
#include "vit/layer_run.h"

namespace tw::gpu::vit {
namespace {

struct Options {
  std::string layers, out = ".", card, commit = "unknown";
  bool hash_on_host = false, quick = false;
  uint64_t largest = ~uint64_t{0};  // MACs
};

constexpr const char* kUsage =
    "usage: vit_bench --layers FILE.csv --out DIR [--card NAME] [--commit HASH] [--quick]\n"
    "       vit_bench --layers FILE.csv --hash-on-host [--largest MACS]\n"
    "Runs each distinct layer with products of FILE (tilewright list layers WORKLOAD --format csv) in INT8 "
    "on the card and\n"
    "writes the record DIR/vit_int8.json.\n"
    "  --hash-on-host  no card: computes layers by plain loops and prints 'hash name shape'\n"
    "  --largest MACS  leaves out layers with more multiply-accumulates than that\n"
    "  --quick         no joules; such a record is refused under measurements/\n";

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= count) {
        throw UsageError("option " + option + " needs a value");
      }
      return arguments[++i];
    };
    if (option == "--layers") {
      options.layers = value();
    } else if (option == "--out") {
      options.out = value();
    } else if (option == "--card") {
      options.card = value();
    } else if (option == "--commit") {
      options.commit = value();
    } else if (option == "--largest") {
      const std::string text = value();
      if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos) {
        throw UsageError("--largest cannot be '" + text + "'");
      }
      options.largest = std::stoull(text);
    } else if (option == "--quick") {
      options.quick = true;
    } else if (option == "--hash-on-host") {
      options.hash_on_host = true;
    } else {
      throw UsageError("unknown option '" + option + "'\n" + kUsage);
    }
  }
  if (options.layers.empty()) {
    throw UsageError(std::string("--layers is needed\n") + kUsage);
  }
  if (!std::filesystem::is_directory(options.out)) {
    throw UsageError("--out " + options.out + " is not a folder");
  }
  return options;
}

std::vector<NamedLayer> chosen_layers(const Options& options) {
  std::vector<NamedLayer> layers = read_distinct_layers(options.layers);
  std::erase_if(layers, [&](const NamedLayer& layer) { return layer.shape.macs() > options.largest; });
  if (layers.empty()) {
    throw UsageError(options.layers + " has no layer to run");
  }
  return layers;
}

void print_host_hashes(const std::vector<NamedLayer>& layers) {
  for (const NamedLayer& layer : layers) {
    const uint64_t hash = host_hash(layer.shape, host_sums(layer.shape, HostOperands(layer.shape, kSeed)));
    std::printf("%016llx %s\n", static_cast<unsigned long long>(hash), shape_text(layer).c_str());
  }
}

int measure(const Options& options, const std::vector<NamedLayer>& layers) {
  require_hopper();
  int device = 0;
  TW_CUDA(cudaGetDevice(&device));
  Nvml nvml(device);
  Record record(make_header("vit_int8", options.card, options.commit,
                            std::string("vit_bench --layers LAYERS") + (options.quick ? " --quick" : ""),
                            options.quick, nvml));
  int wrong = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    Point point = run_layer(layers[i], nvml, !options.quick && i % 3 == 0);
    wrong += *point.verified ? 0 : 1;
    std::fprintf(stderr, "%-78s %9.2f us %8.2f TMAC/s  %s%s\n", shape_text(layers[i]).c_str(),
                 1e6 * median(point.metrics[0].samples), point.metrics[1].samples[0] * 1e-12,
                 point.hashes.at("outputs").c_str(), *point.verified ? "" : "  WRONG DATA");
    record.add(std::move(point));
  }
  const std::string path = options.out + "/vit_int8.json";
  record.write(path);
  std::printf("%s: %zu points, %d wrong\n", path.c_str(), record.points().size(), wrong);
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tw::gpu::vit

int main(int count, char** arguments) {
  using namespace tw::gpu::vit;
  if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    const Options options = parse(count, arguments);
    const std::vector<NamedLayer> layers = chosen_layers(options);
    if (options.hash_on_host) {
      print_host_hashes(layers);
      return 0;
    }
    return measure(options, layers);
  } catch (const tw::gpu::UsageError& error) {
    std::fprintf(stderr, "vit_bench: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vit_bench: %s\n", error.what());
    return 1;
  }
}

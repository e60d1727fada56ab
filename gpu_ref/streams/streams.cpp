// SPDX-License-Identifier: Apache-2.0
// The suite issue_streams: machine code that tools/make_streams.py wrote, put into the frame and timed on one SM, alone and
// beside wgmma. What a scheduler, its warps' operands and the reuse cache do is seen where no compiler decides about them.
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/bench_main.h"
#include "harness/check.h"
#include "streams/frame.h"

namespace tw::gpu::streams {
namespace {

using nlohmann::json;

constexpr int kTurns = 20;  // of the shorter launch; the longer has three times as many, and the difference is what counts
constexpr int kSharedBytes = (64 + kFrameColumns) * 128 + 1024;
constexpr std::array kGroupMetrics = {"first_cycles", "second_cycles", "third_cycles"};

// Beside the program, where the build put them.
std::filesystem::path built(const char* name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw RunError(path.string() + " is missing: it is built with the program and travels beside it");
  }
  return {std::istreambuf_iterator<char>(stream), {}};
}

// 32 hexadecimal digits, most significant first, into 16 bytes, least significant first.
void write_word(const std::string& digits, char* at, uint64_t high_bits) {
  const uint64_t high = std::stoull(digits.substr(0, 16), nullptr, 16) | high_bits;
  const uint64_t low = std::stoull(digits.substr(16), nullptr, 16);
  std::memcpy(at, &low, 8);
  std::memcpy(at + 8, &high, 8);
}

class Frame {
 public:
  Frame(std::string cubin, json offsets, json waits)
      : cubin_(std::move(cubin)), offsets_(std::move(offsets)), waits_(std::move(waits)) {}

  // With both bodies replaced; a period is repeated.
  std::string with(const json& first, const json& second) const {
    std::string patched = cubin_;
    for (size_t body = 0; body < 2; ++body) {
      const json& words = (body == 0 ? first : second).at("words");
      for (size_t k = 0; k < kFrameInstructions; ++k) {
        const uint64_t waits = k == 0 ? waits_[body].get<uint64_t>() << (116 - 64) : 0;
        write_word(words[k % words.size()], &patched.at(offsets_[body][k].get<size_t>()), waits);
      }
    }
    return patched;
  }

 private:
  std::string cubin_;
  json offsets_, waits_;
};

class Loaded {
 public:
  explicit Loaded(const std::string& cubin) {
    TW_CUDA(cudaLibraryLoadData(&library_, cubin.data(), nullptr, nullptr, 0, nullptr, nullptr, 0));
    TW_CUDA(cudaLibraryGetKernel(&kernel_, library_, "stream_frame"));
    TW_CUDA(cudaFuncSetAttribute(function(), cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes));
  }
  ~Loaded() { cudaLibraryUnload(library_); }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  const void* function() const { return reinterpret_cast<const void*>(kernel_); }

 private:
  cudaLibrary_t library_ = nullptr;
  cudaKernel_t kernel_ = nullptr;
};

struct Buffers {
  DeviceBuffer<float> in{1 << 16}, out{1 << 10};
};

void measure(Bench& bench, const Frame& frame, const json& code, const json& one, const Buffers& buffers) {
  const Loaded loaded(frame.with(code.at(one.at("first").get<std::string>()), code.at(one.at("second").get<std::string>())));
  const int groups = one.at("warps_per_sub_core"), multiplies = one.at("beside") == "none" ? 0 : 1;
  const int one_body = one.at("same").get<bool>() ? 1 : 0;
  const auto launch = [&](int turns) {
    return bench.measure(1, Repeat{}, [&, turns](Stamp* stamps, int) mutable {
      const float* in = buffers.in.get();
      float* out = buffers.out.get();
      int first_multiplies = multiplies, same = one_body;
      std::array<void*, 6> arguments = {&stamps, &in, &out, &turns, &first_multiplies, &same};
      TW_CUDA(cudaLaunchKernel(loaded.function(), dim3(1), dim3(static_cast<unsigned>(128 * (groups + multiplies))), arguments.data(),
                               kSharedBytes, nullptr));
    });
  };
  const auto shorter = launch(kTurns), longer = launch(3 * kTurns);
  std::vector<double> slowest(longer.size(), 0), clocks, products;
  std::vector<Metric> of_groups;
  for (int group = 0; group < groups; ++group) {
    std::vector<double> cycles;
    for (size_t k = 0; k < longer.size(); ++k) {
      cycles.push_back((longer[k].mean_value(group) - shorter[k].mean_value(group)) / (2 * kTurns));
      slowest[k] = std::max(slowest[k], cycles.back());
    }
    of_groups.push_back({kGroupMetrics[static_cast<size_t>(group)], "cycle", cycles});
  }
  for (const Sample& sample : longer) {
    clocks.push_back(sample.sm_clock_hz);
    const uint64_t packed = sample.stamps.at(0).value[3];
    products.push_back(static_cast<double>(packed >> kProductsBits) / static_cast<double>(packed & ((1U << kProductsBits) - 1)));
  }
  const std::string name = one.at("name");
  const bool softmax = name.starts_with("softmax");  // what the kernels issue: for validation only
  Point point;
  point.family = softmax ? "softmax_stream" : "issue_stream";
  point.mechanisms = softmax ? Mechanisms::kCombined : Mechanisms::kOne;
  point.parameters = {{"stream", name},
                      {"warps_per_sub_core", int64_t{groups}},
                      {"beside", one.at("beside").get<std::string>()}};
  point.metrics = {{"turn_cycles", "cycle", slowest}};
  point.metrics.insert(point.metrics.end(), of_groups.begin(), of_groups.end());
  if (multiplies != 0) {
    point.metrics.push_back({"wgmma_cycles", "cycle", products});
  }
  point.sm_clock_hz = median(clocks);
  point.memory_clock_hz = bench.nvml().memory_clock_hz();
  bench.add(std::move(point));
}

void run_issue_streams(Bench& bench) {
  const json streams = json::parse(contents(built("streams.json")));
  const auto frame = [&](const char* file, const char* kind) {
    return Frame(contents(built(file)), streams.at("offsets").at(kind), streams.at("waits").at(kind));
  };
  const Frame shared = frame("frame_ss.cubin", "SS"), registers = frame("frame_rs.cubin", "RS");
  const Buffers buffers;
  TW_CUDA(cudaMemset(buffers.in.get(), 0, buffers.in.bytes()));
  for (const json& one : streams.at("cases")) {
    measure(bench, one.at("beside") == "RS" ? registers : shared, streams.at("code"), one, buffers);
  }
}

}  // namespace
}  // namespace tw::gpu::streams

int main(int count, char** arguments) {
  using namespace tw::gpu;
  constexpr std::array kSuites = {
      Suite{"issue_streams", "machine code written instruction by instruction, alone and beside wgmma", streams::run_issue_streams},
  };
  return bench_main(count, arguments, "stream_bench", kSuites);
}

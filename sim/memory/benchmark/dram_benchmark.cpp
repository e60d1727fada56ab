// SPDX-License-Identifier: Apache-2.0
//
// Achieved bandwidth of a DRAM preset, and the work for instruction counts (docs/dram.md has the commands).
// Every channel is kept saturated: a transaction is pushed as soon as its direction has a credit, which comes
// back in the cycle after the completion.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "arch/load.h"
#include "sim/base/error.h"
#include "sim/memory/dram/event_channel.h"
#include "sim/memory/dram/tick_channel.h"

extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) {
  return 0;
}

namespace tilewright::memory {
namespace {

enum class Pattern { kStream, kRandom };

struct Work {
  Pattern pattern = Pattern::kStream;
  uint32_t bytes = 256;  // of one transaction
  uint32_t write_percent = 0;
  uint64_t transactions = 0;  // per channel
};

// The transactions of one channel, one after the other. Reads and writes stream through regions of their own.
class Source {
 public:
  Source(const arch::DramSpec& spec, const Work& work, uint32_t channel)
      : work_(work),
        random_(channel + 1),
        unit_(spec.channel_interleave.value),
        per_unit_(unit_ / work.bytes),
        stride_(unit_ * spec.channels),
        channel_(channel * unit_),
        units_(AddressMap(spec).capacity() / stride_) {}

  DramTransaction next() {
    const bool write = work_.write_percent != 0 && random_() % 100 < work_.write_percent;
    uint64_t piece = position_[write]++;
    if (work_.pattern == Pattern::kRandom) {
      piece = random_();
    }
    const uint64_t unit = (piece / per_unit_ + (write ? units_ / 2 : 0)) % units_;
    return {0, unit * stride_ + channel_ + piece % per_unit_ * work_.bytes, work_.bytes, write};
  }

 private:
  Work work_;
  std::minstd_rand random_;
  uint64_t unit_, per_unit_, stride_, channel_, units_;
  uint64_t position_[2] = {0, 0};
};

DramStatistics run_event(const arch::DramSpec& spec, const Work& work, uint32_t index) {
  EventDramChannel channel(spec);
  Source source(spec, work, index);
  uint32_t credits[2] = {spec.read_queue, spec.write_queue};
  std::vector<DramCompletion> done;
  std::deque<DramCompletion> coming;  // completions come in order: a channel has one data bus
  uint64_t left = work.transactions;
  DramTransaction next = source.next();
  Cycle now = 0;
  Cycle end = 0;
  while (true) {
    while (!coming.empty() && coming.front().cycle < now) {
      ++credits[coming.front().write];
      coming.pop_front();
    }
    while (left != 0 && credits[next.write] != 0) {
      channel.push(next, now);
      --credits[next.write];
      --left;
      next = source.next();
    }
    done.clear();
    Cycle wake = channel.act(now, done);
    for (const DramCompletion& each : done) {
      coming.push_back(each);
      end = each.cycle + 1;
    }
    if (left != 0 && !coming.empty() && coming.front().cycle + 1 < wake) {
      wake = coming.front().cycle + 1;
    }
    if (wake == kNever) {
      break;
    }
    now = wake;
  }
  channel.finish(end);
  return channel.statistics();
}

DramStatistics run_tick(const arch::DramSpec& spec, const Work& work, uint32_t index) {
  TickDramChannel channel(spec);
  Source source(spec, work, index);
  uint32_t credits[2] = {spec.read_queue, spec.write_queue};
  std::vector<DramCompletion> done;
  uint64_t left = work.transactions;
  DramTransaction next = source.next();
  Cycle now = 0;
  for (; left != 0 || !channel.idle(); ++now) {
    while (left != 0 && credits[next.write] != 0) {
      channel.push(next, now);
      --credits[next.write];
      --left;
      next = source.next();
    }
    done.clear();
    channel.tick(now, done);
    for (const DramCompletion& each : done) {
      ++credits[each.write];
    }
  }
  channel.finish(now);
  return channel.statistics();
}

void report(const arch::DramSpec& spec, const Work& work, const DramStatistics& sum) {
  const uint64_t bursts = sum.read_bursts + sum.write_bursts;
  const double share = static_cast<double>(bursts * spec.burst_cycles) / static_cast<double>(sum.cycles);
  fmt::print("{}: {} {} B, {} % writes: {:.1f} % of {:.1f} GB/s\n", spec.name,
             work.pattern == Pattern::kStream ? "stream" : "random", work.bytes, work.write_percent,
             100 * share, spec.peak_bytes_per_second() / 1e9);
  fmt::print("  {} bursts, {} channel cycles, {} activates, {} refreshes, row hits {:.1f} %\n", bursts,
             sum.cycles, sum.activates, sum.refreshes,
             100.0 * static_cast<double>(sum.row_hits) / static_cast<double>(bursts));
}

int run(int argc, char** argv) {
  CLI::App app{"Achieved bandwidth of a DRAM preset under saturating traffic"};
  std::string preset;
  Work work;
  uint64_t kibibytes = 1024;
  bool tick = false;
  uint32_t channels = 0;
  const std::map<std::string, Pattern> patterns{{"stream", Pattern::kStream}, {"random", Pattern::kRandom}};
  config::Overrides overrides;
  app.add_option("preset", preset, "file of kind dram")->required();
  app.add_option("--pattern", work.pattern, "stream or random")->transform(CLI::CheckedTransformer(patterns));
  app.add_option("--bytes", work.bytes, "of one transaction; divides the channel interleave");
  app.add_option("--writes", work.write_percent, "per cent of the transactions")->check(CLI::Range(0, 100));
  app.add_option("--kibibytes", kibibytes, "per channel");
  app.add_option("--channels", channels, "how many are simulated; 0: all");
  app.add_option("--set", overrides, "key=value over the preset");
  app.add_flag("--tick", tick, "step every cycle");
  CLI11_PARSE(app, argc, argv);
  const arch::DramSpec spec = arch::load_dram(config::find_file(preset), overrides).value;
  if (work.bytes == 0 || spec.channel_interleave.value % work.bytes != 0) {
    throw UserError("--bytes must divide the channel interleave");
  }
  work.transactions = kibibytes * 1024 / work.bytes;
  DramStatistics sum;
  for (uint32_t channel = 0; channel < (channels == 0 ? spec.channels : channels); ++channel) {
    sum += tick ? run_tick(spec, work, channel) : run_event(spec, work, channel);
  }
  report(spec, work, sum);
  return 0;
}

}  // namespace
}  // namespace tilewright::memory

int main(int argc, char** argv) {
  try {
    return tilewright::memory::run(argc, argv);
  } catch (const tilewright::UserError& error) {
    for (const tilewright::Diagnostic& diagnostic : error.diagnostics()) {
      fmt::print(stderr, "{}\n", tilewright::format_diagnostic(diagnostic));
    }
    return static_cast<int>(error.exit_code());
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/gpu/tick/l2.h"

#include <algorithm>
#include <bit>

namespace tilewright::gpu {

TickL2::TickL2(const sc_core::sc_module_name& name, const arch::GpuSpec& spec, const engine::Clock& sm_clock,
               const engine::Clock& l2_clock)
    : sc_core::sc_module(name), spec_(spec), sm_clock_(sm_clock), l2_clock_(l2_clock) {
  for (uint32_t p = 0; p < spec.l2.partitions; ++p) {
    partitions_.push_back({Tags(spec.l2), std::vector<std::deque<Job>>(spec.l2.slices / spec.l2.partitions), {}});
  }
  ports_.resize(spec.gpcs);
}

void TickL2::reset() {
  for (Partition& partition : partitions_) {
    partition.tags.reset();
    partition.slices.assign(partition.slices.size(), {});
    partition.pending.clear();
  }
  requests_.clear();
  fills_.clear();
  responses_.clear();
  ports_.assign(ports_.size(), {});
  open_.clear();
  forwards_.clear();
  returns_.clear();
  counts_ = {};
}

void TickL2::preload(const std::vector<ResidentRange>& ranges) {
  for (const ResidentRange& range : ranges) {
    for (uint64_t line = range.base; line < range.base + range.bytes; line += kLineBytes) {
      const uint32_t home = home_partition(spec_.l2, line);
      for (uint32_t p = 0; p < partitions_.size(); ++p) {
        if (p == home || range.copies) {
          partitions_[p].tags.preload(line, p != home);
        }
      }
    }
  }
}

void TickL2::request(const LineRequest& request, Cycle issued) {
  requests_[sm_clock_.seen_by(l2_clock_, issued + spec_.global_path.request_latency)].push_back(request);
}

void TickL2::step(Cycle now) {
  close_groups();
  send_responses();
  step_ports(now);
  std::vector<Line> fills, forwards;
  if (const auto due = fills_.find(now); due != fills_.end()) {
    fills = due->second;
    fills_.erase(due);
  }
  const auto arrive = [](std::vector<Travelling>& travelling, std::vector<Line>& arrived) {
    std::erase_if(travelling, [&](Travelling& each) {
      const bool here = --each.left == 0;
      if (here) {
        arrived.push_back(each.line);
      }
      return here;
    });
  };
  arrive(returns_, fills);
  arrive(forwards_, forwards);
  finish_jobs(now);
  for (std::vector<Line>* lines : {&fills, &forwards}) {
    std::stable_sort(lines->begin(), lines->end(), [](const Line& a, const Line& b) { return a.line < b.line; });
  }
  for (const Line& fill : fills) {
    take_fill(fill);
  }
  for (const Line& forward : forwards) {
    take_forward(forward);
  }
  if (const auto due = requests_.find(now); due != requests_.end()) {
    std::sort(due->second.begin(), due->second.end(), [](const LineRequest& a, const LineRequest& b) {
      return a.sm != b.sm ? a.sm < b.sm : a.key < b.key;
    });
    for (const LineRequest& request : due->second) {
      take_request(request);
    }
    requests_.erase(due);
  }
  serve();
}

void TickL2::close_groups() {
  std::erase_if(open_, [](const auto& entry) { return --entry.second->open == 0; });
}

// Lines whose time in L2 is over queue at the port of the GPC that asked, in order of the first who asked, once for each TPC
// that has somebody who did.
void TickL2::send_responses() {
  std::vector<Response> due;
  std::erase_if(responses_, [&](Response& response) {
    const bool over = --response.left == 0;
    if (over) {
      due.push_back(response);
    }
    return over;
  });
  std::sort(due.begin(), due.end(), [](const Response& a, const Response& b) {
    const LineRequest &x = a.group->requests.front(), &y = b.group->requests.front();
    return x.sm != y.sm ? x.sm < y.sm : x.key != y.key ? x.key < y.key : x.line < y.line;
  });
  for (const Response& response : due) {
    std::vector<std::vector<LineRequest>> packets;
    for (const LineRequest& request : response.group->requests) {
      const auto same = std::find_if(packets.begin(), packets.end(), [&](const std::vector<LineRequest>& packet) {
        return tpc_of_sm(packet.front().sm) == tpc_of_sm(request.sm);
      });
      (same == packets.end() ? packets.emplace_back() : *same).push_back(request);
    }
    Port& port = ports_[gpc_of_sm(spec_, response.group->requests.front().sm)];
    port.queue.insert(port.queue.end(), packets.begin(), packets.end());
  }
}

void TickL2::step_ports(Cycle now) {
  const uint64_t rate = spec_.l2.gpc_bytes_per_cycle;
  for (Port& port : ports_) {
    port.debt -= std::min(port.debt, rate);
    while (!port.queue.empty() && port.debt < rate) {
      uint32_t sectors = 0;
      for (const LineRequest& request : port.queue.front()) {
        answer_(request, l2_clock_.seen_by(sm_clock_, now) + spec_.global_path.return_latency);
        sectors |= request.sectors;
      }
      port.debt += uint64_t{static_cast<uint32_t>(std::popcount(sectors))} * kSectorBytes;
      port.queue.pop_front();
    }
  }
}

uint64_t TickL2::key_of(const LineRequest& request) const {
  return request.line / kLineBytes * spec_.gpcs + gpc_of_sm(spec_, request.sm);
}

bool TickL2::join(const LineRequest& request) {
  const auto last = open_.find(key_of(request));
  if (last == open_.end() || (request.sectors & ~last->second->sectors) != 0 ||
      last->second->requests.front().sm == request.sm) {
    return false;
  }
  last->second->requests.push_back(request);
  return true;
}

// What slices finished in the cycle before.
void TickL2::finish_jobs(Cycle now) {
  for (uint32_t p = 0; p < partitions_.size(); ++p) {
    for (std::deque<Job>& slice : partitions_[p].slices) {
      if (slice.empty() || slice.front().left > 0) {
        continue;
      }
      const Job job = slice.front();
      slice.pop_front();
      const uint32_t home = home_partition(spec_.l2, job.line);
      switch (job.then) {
        case Job::Then::kRespond:
          responses_.push_back({job.group, spec_.l2.hit_latency});
          break;
        case Job::Then::kReturn:
          returns_.push_back({{job.line, 1 - p, job.sectors}, spec_.l2.hit_latency + spec_.l2.far_latency});
          break;
        case Job::Then::kFetch:
          if (home == p) {
            dram_->read(job.line, p, job.sectors, now);
          } else {
            forwards_.push_back({{job.line, home, job.sectors}, spec_.l2.far_latency});
          }
          break;
        case Job::Then::kNothing:
          break;
      }
    }
  }
}

void TickL2::serve() {
  for (Partition& partition : partitions_) {
    for (std::deque<Job>& slice : partition.slices) {
      if (!slice.empty()) {
        --slice.front().left;
      }
    }
  }
}

// Asks for what is neither held nor on its way.
void TickL2::miss(Partition& partition, uint32_t index, Pending& pending, uint8_t sectors, uint8_t held, Job& job) {
  job.sectors = static_cast<uint8_t>(whole_halves(static_cast<uint8_t>(sectors & ~held)) & ~pending.asked);
  if (job.sectors != 0) {
    pending.asked = static_cast<uint8_t>(pending.asked | job.sectors);
    partition.tags.reserve(job.line, home_partition(spec_.l2, job.line) != index);
    job.then = Job::Then::kFetch;
  }
}

void TickL2::take_request(const LineRequest& request) {
  const uint32_t index = partition_of_sm(spec_, request.sm);
  Partition& partition = partitions_[index];
  std::deque<Job>& slice = partition.slices[slice_of(spec_.l2, request.line)];
  const auto sectors = static_cast<uint32_t>(std::popcount(request.sectors));
  Job job;
  job.line = request.line;
  job.left = service_cycles(spec_.l2, sectors);
  if (request.client == Client::kStore) {
    slice.push_back(job);
    return;
  }
  if (join(request)) {
    counts_.merged_sectors += sectors;
    return;
  }
  counts_.l2_sectors += sectors;
  job.group = std::make_shared<Group>(Group{{request}, request.sectors, job.left + spec_.l2.merge_cycles});
  for (const Job& before : slice) {
    job.group->open += before.left;
  }
  open_[key_of(request)] = job.group;
  const uint8_t held = partition.tags.look_up(request.line);
  if ((request.sectors & ~held) == 0) {
    job.then = Job::Then::kRespond;
    slice.push_back(job);
    return;
  }
  Pending& pending = partition.pending[request.line];
  const bool asks = (request.sectors & ~held & ~pending.asked) != 0;
  pending.waiting.push_back({job.group, asks});
  if (asks) {
    miss(partition, index, pending, request.sectors, held, job);
    slice.push_back(job);
  }
}

void TickL2::take_forward(const Line& forward) {
  Partition& partition = partitions_[forward.partition];
  ++counts_.l2_far_lines;
  Job job;
  job.line = forward.line;
  job.left = service_cycles(spec_.l2, static_cast<uint32_t>(std::popcount(forward.sectors)));
  const uint8_t held = partition.tags.look_up(forward.line);
  if ((forward.sectors & ~held) == 0) {
    job.then = Job::Then::kReturn;
    job.sectors = forward.sectors;
  } else {
    Pending& pending = partition.pending[forward.line];
    pending.forwarded = static_cast<uint8_t>(pending.forwarded | forward.sectors);
    miss(partition, forward.partition, pending, forward.sectors, held, job);
  }
  partition.slices[slice_of(spec_.l2, forward.line)].push_back(job);
}

void TickL2::take_fill(const Line& fill) {
  Partition& partition = partitions_[fill.partition];
  const auto found = partition.pending.find(fill.line);
  TILEWRIGHT_CHECK(found != partition.pending.end(), "L2 was given a line that nobody asked for");
  Pending& pending = found->second;
  pending.asked = static_cast<uint8_t>(pending.asked & ~fill.sectors);
  partition.tags.fill(fill.line, fill.sectors, pending.asked == 0);
  std::erase_if(pending.waiting, [&](const Waiting& waiting) {
    if ((waiting.group->sectors & pending.asked) != 0) {
      return false;
    }
    if (waiting.served) {
      responses_.push_back({waiting.group, spec_.l2.hit_latency});
    } else {
      Job job;
      job.then = Job::Then::kRespond;
      job.line = fill.line;
      job.group = waiting.group;
      job.left = service_cycles(spec_.l2, static_cast<uint32_t>(std::popcount(waiting.group->sectors)));
      partition.slices[slice_of(spec_.l2, fill.line)].push_back(job);
    }
    return true;
  });
  if (pending.forwarded != 0 && (pending.forwarded & pending.asked) == 0) {
    returns_.push_back({{fill.line, 1 - fill.partition, pending.forwarded}, spec_.l2.hit_latency + spec_.l2.far_latency});
    pending.forwarded = 0;
  }
  if (pending.asked == 0) {
    partition.pending.erase(found);
  }
}

void TickL2::collect(GpuCounts& counts) const {
  counts.l2_sectors += counts_.l2_sectors;
  counts.merged_sectors += counts_.merged_sectors;
  counts.l2_far_lines += counts_.l2_far_lines;
}

}  // namespace tilewright::gpu

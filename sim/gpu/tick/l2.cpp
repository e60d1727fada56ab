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
  number_ = 0;
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

uint8_t TickL2::Response::sectors() const {
  uint8_t all = 0;
  for (const LineRequest& request : requests) {
    all = static_cast<uint8_t>(all | request.sectors);
  }
  return all;
}

// Lines whose time in L2 is over queue at the ports of the GPCs that asked, in order of the first who asked.
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
    const LineRequest &x = a.requests.front(), &y = b.requests.front();
    return x.sm != y.sm ? x.sm < y.sm : x.key != y.key ? x.key < y.key : x.line < y.line;
  });
  for (const Response& response : due) {
    for (uint32_t gpc = 0; gpc < ports_.size(); ++gpc) {
      Response part = response;
      std::erase_if(part.requests, [&](const LineRequest& request) { return gpc_of_sm(spec_, request.sm) != gpc; });
      if (!part.requests.empty()) {
        const bool copy = std::all_of(part.requests.begin(), part.requests.end(),
                                      [](const LineRequest& request) { return request.client == Client::kCopy; });
        const auto sectors = static_cast<uint32_t>(std::popcount(part.sectors()));
        ports_[gpc].queue.push_back({part.requests, port_units(spec_.l2, sectors, copy)});
      }
    }
  }
}

void TickL2::step_ports(Cycle now) {
  const uint64_t rate = port_units_per_cycle(spec_.l2);
  for (Port& port : ports_) {
    port.debt -= std::min(port.debt, rate);
    while (!port.queue.empty() && port.debt < rate) {
      for (const LineRequest& request : port.queue.front().requests) {
        answer_(request, l2_clock_.seen_by(sm_clock_, now) + spec_.global_path.return_latency);
      }
      port.debt += port.queue.front().units;
      port.queue.pop_front();
    }
  }
}

// The first that a request can join: it waits for its slice, is being served, or was served less than `merge_cycles` ago.
std::vector<LineRequest>* TickL2::answer_to_join(Partition& partition, uint32_t index, const LineRequest& request) {
  std::vector<LineRequest>* found = nullptr;
  uint64_t number = UINT64_MAX;
  for (Job& job : partition.slices[slice_of(spec_.l2, request.line)]) {
    if (job.then == Job::Then::kRespond && job.request.line == request.line && job.number < number &&
        (request.sectors & ~job.request.sectors) == 0) {
      found = &job.joined;
      number = job.number;
    }
  }
  for (Response& response : responses_) {
    if (response.partition == index && response.requests.front().line == request.line && response.number < number &&
        spec_.l2.hit_latency - response.left < spec_.l2.merge_cycles && (request.sectors & ~response.sectors()) == 0) {
      found = &response.requests;
      number = response.number;
    }
  }
  return found;
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
      const uint32_t home = home_partition(spec_.l2, job.request.line);
      switch (job.then) {
        case Job::Then::kRespond:
          responses_.push_back({{job.request}, p, spec_.l2.hit_latency, job.number});
          responses_.back().requests.insert(responses_.back().requests.end(), job.joined.begin(), job.joined.end());
          break;
        case Job::Then::kReturn:
          returns_.push_back({{job.request.line, 1 - p, job.sectors}, spec_.l2.hit_latency + spec_.l2.far_latency});
          break;
        case Job::Then::kFetch:
          if (home == p) {
            dram_->read(job.request.line, p, job.sectors, now);
          } else {
            forwards_.push_back({{job.request.line, home, job.sectors}, spec_.l2.far_latency});
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
    partition.tags.reserve(job.request.line, home_partition(spec_.l2, job.request.line) != index);
    job.then = Job::Then::kFetch;
  }
}

void TickL2::take_request(const LineRequest& request) {
  const uint32_t index = partition_of_sm(spec_, request.sm);
  Partition& partition = partitions_[index];
  const auto sectors = static_cast<uint32_t>(std::popcount(request.sectors));
  Job job;
  job.request = request;
  job.left = service_cycles(spec_.l2, sectors);
  job.number = number_++;
  if (request.client != Client::kStore) {
    if (std::vector<LineRequest>* const answer = answer_to_join(partition, index, request)) {
      answer->push_back(request);
      counts_.merged_sectors += sectors;
      return;
    }
    const uint8_t held = partition.tags.look_up(request.line);
    if ((request.sectors & ~held) == 0) {
      job.then = Job::Then::kRespond;
    } else {
      Pending& pending = partition.pending[request.line];
      pending.waiting.push_back(request);
      if ((request.sectors & ~held & ~pending.asked) == 0) {
        counts_.merged_sectors += sectors;
        return;
      }
      miss(partition, index, pending, request.sectors, held, job);
    }
    counts_.l2_sectors += sectors;
  }
  partition.slices[slice_of(spec_.l2, request.line)].push_back(job);
}

void TickL2::take_forward(const Line& forward) {
  Partition& partition = partitions_[forward.partition];
  ++counts_.l2_far_lines;
  Job job;
  job.request.line = forward.line;
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
  Response response{{}, fill.partition, spec_.l2.hit_latency, number_++};
  std::erase_if(pending.waiting, [&](const LineRequest& request) {
    if ((request.sectors & pending.asked) != 0) {
      return false;
    }
    response.requests.push_back(request);
    return true;
  });
  if (!response.requests.empty()) {
    responses_.push_back(response);
  }
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

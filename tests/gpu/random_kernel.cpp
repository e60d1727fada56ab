// SPDX-License-Identifier: Apache-2.0
#include "tests/gpu/random_kernel.h"

#include <algorithm>
#include <random>

namespace tilewright::gpu::testing {
namespace {

class Generator {
 public:
  Generator(uint64_t seed, Pressure pressure) : random_(seed), pressure_(pressure) {}

  Case make() {
    make_machine();
    make_kernel();
    return std::move(case_);
  }

 private:
  uint32_t between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(random_() % (uint64_t{high} - low + 1));
  }
  template <typename T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + between(0, static_cast<uint32_t>(choices.size()) - 1));
  }
  bool chance(uint32_t percent) { return between(1, 100) <= percent; }

  void make_machine();
  void make_kernel();
  void add_ring();
  void add_solo();
  void add_ctas();

  void math(WarpProgram& program);
  void private_work(WarpProgram& program, uint32_t most);
  void access(WarpProgram& program);
  uint32_t fill(WarpProgram& program, uint8_t full);
  void add_program(WarpProgram program, uint32_t warps, Role role, bool warpgroup);
  void push(WarpProgram& program, Op op) {
    if (chance(10)) {
      op.waits = static_cast<uint8_t>(between(1, (1U << kScoreboards) - 1));
    }
    op.yields = chance(20);
    if (chance(70)) {
      const auto reads = [&] { return static_cast<uint8_t>(between(0, 3)); };
      op.operands = {reads(), reads(), reads(), reads()};
    }
    if (op.kind == OpKind::kWait && chance(30)) {
      op.looked = static_cast<uint8_t>(between(1, 80));
    }
    if (op.kind == OpKind::kArrive && chance(30)) {
      op.reads = static_cast<uint8_t>(between(1, kScoreboards));
    }
    program.ops.push_back(op);
  }
  static Op op(OpKind kind, uint32_t count = 1) {
    Op made;
    made.kind = kind;
    made.count = count;
    return made;
  }

  std::mt19937_64 random_;
  Pressure pressure_;
  Case case_;
  uint32_t tiles_ = 1;
};

void Generator::make_machine() {
  arch::GpuSpec& spec = case_.spec;
  spec = small_gpu();
  spec.sm_count = one_of({1U, 2U, 3U, 3U, 5U});
  spec.gpcs = between(1, 3);
  spec.unified_capacity = Bytes{(229 + one_of<uint64_t>({0, 1, 27})) * 1024};
  spec.sm_clock = Hertz{one_of<uint64_t>({1'755'000'000, 1'980'000'000, 1'000'000'000})};
  spec.l2.clock = Hertz{one_of<uint64_t>({1'400'000'000, 1'755'000'000, 1'000'000'000})};
  const auto vary = [&](arch::InstructionSpec& instruction) {
    const uint32_t interval = between(1, 9);
    instruction = {interval, 16 * interval + between(0, 100), between(2, 30), chance(40) ? between(1, 40) : 0, chance(30) ? between(1, 3) : 0, chance(30) ? between(1, 9) : 0};
  };
  for (auto* instruction : {&spec.sub_core.ffma, &spec.sub_core.fmul, &spec.sub_core.fmnmx, &spec.sub_core.ex2,
                            &spec.sub_core.f2fp, &spec.sub_core.imad, &spec.sub_core.shfl, &spec.sub_core.lop3,
                            &spec.sub_core.other, &spec.sub_core.control, &spec.sub_core.special}) {
    vary(*instruction);
  }
  arch::RegisterFileSpec& file = spec.sub_core.register_file;
  file.lookahead_cycles = between(1, 5);
  file.slot_cycles = between(1, 6);
  file.slot_open_cycles = between(1, file.slot_cycles);
  file.slot_reads = between(1, 3);
  spec.sub_core.branch_cycles = between(1, 14);
  spec.shared_memory.load_latency = between(1, 30);
  spec.shared_memory.dispatch_cycles = between(0, 4);
  spec.synchronisation.arrive_latency = between(1, 30);
  spec.synchronisation.copy_arrive_latency = between(1, 80);
  spec.synchronisation.wake_cycles = between(2, 40);
  spec.synchronisation.wait_cycles = between(1, 50);
  spec.synchronisation.wait_look_cycles = between(0, spec.synchronisation.wait_cycles);
  spec.synchronisation.named_arrive_latency = between(0, 25);
  spec.synchronisation.named_cycles_per_warp = between(1, 5);
  spec.synchronisation.fence_cycles_per_warp = between(2, 8);
  spec.synchronisation.fence_access_cycles = between(0, 25);
  spec.matrix.bank_cycles_left = between(0, 4);
  spec.copy.pipe_cycles = between(0, 3);
  spec.copy.outstanding_lines = one_of({32U, 40U, 64U, 512U});
  spec.copy.complete_latency = between(1, 12);
  spec.tma.box_latency = between(1, 40);
  spec.tma.line_sixteenths = one_of({16U, 19U, 37U});
  spec.matrix.drain_cycles = between(1, 30);
  spec.matrix.chain_cycles = between(0, 20);
  spec.matrix.chain_window_cycles = between(0, 40);
  spec.matrix.start_shared_cycles = between(1, 20);
  spec.matrix.in_flight = between(1, 8);
  spec.matrix.issue_cycles = between(0, 20);
  spec.matrix.takeover_cycles = between(0, 60);
  spec.matrix.a_wavefronts = pressure_ == Pressure::kBanks ? 30 : 16;
  spec.global_path.request_latency = between(1, 60);
  spec.global_path.return_latency = between(8, 80);
  spec.global_path.tma_line_sixteenths = one_of({16U, 18U, 50U});
  spec.l2.partitions = between(1, 2);
  const bool memory = pressure_ == Pressure::kMemory;
  spec.l2.slices = spec.l2.partitions * (memory ? between(1, 2) : between(1, 8));
  spec.l2.slice_bytes_per_cycle = one_of({32U, 64U});
  spec.l2.ways = one_of({2U, 4U});
  spec.l2.capacity = Bytes{uint64_t{spec.l2.partitions} * spec.l2.ways * 128 * (memory ? between(2, 40) : 4000)};
  spec.l2.hit_latency = between(1, 40);
  spec.l2.merge_cycles = chance(50) ? 0 : between(0, spec.l2.hit_latency);
  spec.l2.gpc_bytes_per_cycle = one_of({24U, 90U, 630U});
  spec.l2.far_latency = between(1, 60);
  spec.l2.memory_latency = between(1, 60);
  spec.dram.read_queue = one_of({2U, 32U});
  spec.launch.cta_interval_cycles = between(0, 3);
  spec.launch.cta_gap_cycles = between(4000, 4100);  // arrivals of the CTA before have landed
  spec.gather_engine.present = chance(40);
  spec.gather_engine.row_sixteenths = one_of({8U, 32U, 70U});
}

void Generator::math(WarpProgram& program) {
  Op made = op(OpKind::kMath, between(1, 40));
  made.math = static_cast<MathKind>(between(0, static_cast<uint32_t>(MathKind::kCount) - 1));
  if (made.math == MathKind::kShfl) {
    made.kind = OpKind::kShuffle;
    made.count = 1;
  }
  made.spacing = static_cast<uint16_t>(chance(70) ? 1 : between(1, 6));
  made.dependent = chance(30);
  if (chance(30)) {
    made.stall = static_cast<uint8_t>(between(0, 15));
    made.sets = static_cast<uint8_t>(chance(50) ? between(0, kScoreboards) : 0);
    made.reads = static_cast<uint8_t>(chance(30) && made.kind == OpKind::kMath ? between(0, kScoreboards) : 0);
  }
  push(program, made);
}

void Generator::access(WarpProgram& program) {
  Op made = op(one_of({OpKind::kSharedLoad, OpKind::kSharedStore, OpKind::kGlobalLoad, OpKind::kGlobalStore}));
  made.words = static_cast<uint8_t>(one_of({1, 2, 4}));
  made.wavefronts = static_cast<uint8_t>(one_of({1, 2, 8, 32}));
  made.dependent = chance(50);
  made.stream = static_cast<uint8_t>(between(0, 1));
  made.pieces = static_cast<uint16_t>(between(1, 4));
  made.bytes = one_of({32U, 64U, 128U, 256U, 512U});
  push(program, made);
}

void Generator::private_work(WarpProgram& program, uint32_t most) {
  for (uint32_t n = between(0, most); n > 0; --n) {
    const uint32_t kind = between(0, 9);
    if (kind < 5) {
      math(program);
    } else if (kind < 7) {
      access(program);
    } else if (kind == 7) {
      push(program, op(OpKind::kDelay, between(1, 40)));
    } else if (kind == 8) {
      push(program, op(OpKind::kFence));
    } else {
      push(program, op(OpKind::kStamp, between(0, 7)));
    }
  }
}

void Generator::add_program(WarpProgram program, uint32_t warps, Role role, bool warpgroup) {
  Kernel& kernel = case_.kernel;
  push(program, op(OpKind::kExit));
  finish(program);
  kernel.programs.push_back(std::move(program));
  for (uint32_t w = 0; w < warps; ++w) {
    WarpRole made;
    made.program = static_cast<uint32_t>(kernel.programs.size() - 1);
    made.role = role;
    made.warpgroup = warpgroup ? static_cast<uint8_t>(kernel.shape.warpgroups) : kNone;
    made.stream_start = {w * 3, w, w * 2, 0, 0, 0};
    kernel.shape.warps.push_back(made);
  }
  kernel.shape.warpgroups += warpgroup ? 1 : 0;
}

// One stage of a ring by one of the ways that Hopper has, and the one that it has not. Returns the arrivals it takes.
uint32_t Generator::fill(WarpProgram& program, uint8_t full) {
  const uint32_t way = between(0, case_.spec.gather_engine.present ? 2 : 1);
  const uint32_t copies = between(1, 6);
  const auto at_cursor = [&](Op made) {
    made.cursor = 0;
    made.barrier = full;
    return made;
  };
  if (way == 0) {
    for (uint32_t c = 0; c < copies; ++c) {
      Op made = op(OpKind::kCopy);
      made.stream = 2;
      made.pieces = static_cast<uint16_t>(one_of({1, 2, 4}));
      made.bytes = 512U / made.pieces;
      made.wavefronts = static_cast<uint8_t>(one_of({1, 1, 8}));
      push(program, made);
    }
    push(program, at_cursor(op(OpKind::kCopyArrive)));
    return kWarpLanes;
  }
  Op made = op(way == 1 ? OpKind::kTma : OpKind::kGather);
  made.tensor = chance(50);
  made.stream = 2;
  made.pieces = static_cast<uint16_t>(one_of({1, 4, 16, 40}));
  made.bytes = one_of({64U, 128U, 256U});
  made.pitch = 512;
  Op expect = op(OpKind::kExpect);
  expect.bytes = made.pieces * made.bytes * copies;
  push(program, at_cursor(expect));
  for (uint32_t c = 0; c < copies; ++c) {
    push(program, at_cursor(made));
  }
  return 1;
}

void Generator::add_ring() {
  Kernel& kernel = case_.kernel;
  const auto full = static_cast<uint8_t>(kernel.shape.barrier_counts.size());
  const uint32_t stages = between(1, 3), groups = between(1, 2);
  const auto empty = static_cast<uint8_t>(full + stages);
  const auto wait = [&](uint8_t barrier, uint8_t lag) {
    Op made = op(OpKind::kWait);
    made.cursor = 0;
    made.barrier = barrier;
    made.lag = lag;
    return made;
  };
  Op advance = op(OpKind::kAdvance);
  advance.cursor = 0;
  Op loop = op(OpKind::kLoop);
  loop.parameter = 0;

  WarpProgram producer{"producer", {}, {static_cast<uint8_t>(stages)}};
  push(producer, loop);
  push(producer, wait(empty, 1));
  private_work(producer, 2);
  const uint32_t arrivals = fill(producer, full);
  push(producer, advance);
  push(producer, op(OpKind::kEndLoop));
  push(producer, op(OpKind::kLoadWait, 0));
  const uint32_t producers = arrivals == 1 ? 1 : between(1, 2);
  add_program(producer, producers, Role::kProducer, false);
  kernel.shape.barrier_counts.insert(kernel.shape.barrier_counts.end(), stages, arrivals * producers);
  kernel.shape.barrier_counts.insert(kernel.shape.barrier_counts.end(), stages, 4 * groups);

  const bool turns = groups == 2 && chance(50);
  const auto first_named = static_cast<uint8_t>(kernel.shape.named_barriers);
  kernel.shape.named_barriers += turns ? 2 : 0;
  for (uint32_t g = 0; g < groups; ++g) {
    WarpProgram consumer{"consumer", {}, {static_cast<uint8_t>(stages)}};
    const auto turn = [&](OpKind kind, uint32_t of) {
      Op made = op(kind, 8);
      made.barrier = static_cast<uint8_t>(first_named + of);
      push(consumer, made);
    };
    if (turns && g == 1) {
      turn(OpKind::kNamedArrive, 0);
    }
    push(consumer, loop);
    push(consumer, wait(full, 0));
    if (turns) {
      turn(OpKind::kNamedSync, g);
    }
    const uint32_t batches = between(1, 2);
    for (uint32_t b = 0; b < batches; ++b) {
      Op matrix = op(OpKind::kMatrix, between(1, 5));
      matrix.columns = static_cast<uint16_t>(8 * between(1, 32));
      matrix.from_registers = chance(50);
      if (chance(30)) {  // a commit group in two parts
        matrix.commits = false;
        push(consumer, matrix);
        math(consumer);
        matrix.commits = true;
      }
      push(consumer, matrix);
    }
    if (turns) {
      turn(OpKind::kNamedArrive, 1 - g);
    }
    push(consumer, op(OpKind::kMatrixWait, between(0, batches)));
    private_work(consumer, 4);
    push(consumer, op(OpKind::kMatrixWait, 0));
    Op arrive = op(OpKind::kArrive);
    arrive.cursor = 0;
    arrive.barrier = empty;
    push(consumer, arrive);
    push(consumer, advance);
    push(consumer, op(OpKind::kEndLoop));
    if (turns && g == 0) {
      turn(OpKind::kNamedSync, 0);  // takes the turn that the other passed last
    }
    push(consumer, op(OpKind::kLoadWait, 0));
    add_program(consumer, 4, Role::kConsumer, true);
  }
}

void Generator::add_solo() {
  WarpProgram solo{"solo", {}, {}};
  private_work(solo, 3);
  push(solo, op(OpKind::kLoop, between(1, 5)));
  private_work(solo, 4);
  if (chance(60)) {
    for (uint32_t c = between(1, 6); c > 0; --c) {
      Op copy = op(OpKind::kCopy);
      copy.stream = 2;
      copy.pieces = static_cast<uint16_t>(between(1, 4));
      copy.bytes = 128;
      push(solo, copy);
      if (chance(60)) {
        push(solo, op(OpKind::kCopyCommit));
      }
    }
    push(solo, op(OpKind::kCopyCommit));
    push(solo, op(OpKind::kCopyWait, between(0, 3)));
  }
  push(solo, op(OpKind::kEndLoop));
  private_work(solo, 3);
  push(solo, op(OpKind::kCopyCommit));
  push(solo, op(OpKind::kCopyWait, 0));
  push(solo, op(OpKind::kLoadWait, 0));
  add_program(solo, between(1, 5), Role::kConsumer, false);
}

void Generator::add_ctas() {
  Kernel& kernel = case_.kernel;
  case_.tables.emplace_back(between(20, 400));
  for (uint32_t& index : case_.tables.back()) {
    index = between(0, pressure_ == Pressure::kMemory ? 4000 : 300);
  }
  const std::vector<uint32_t>& table = case_.tables.back();
  const bool together = chance(40);  // all CTAs read the same lines
  const uint32_t first[] = {between(0, 9), between(0, 99), between(0, 99)}, size = between(4, 60);
  for (uint32_t n = between(1, 7); n > 0; --n) {
    CtaWork work;
    work.parameters = {between(0, 12), between(1, 3), 0, 0, 0, 0};
    work.streams[0] = {0, 512, nullptr, together ? size : between(4, 60), together ? first[0] : between(0, 9)};
    work.streams[1] = {1 << 20, 256, table.data(), table.size(), together ? first[1] : between(0, 99)};
    work.streams[2] = {2 << 20, 256, table.data(), table.size(), together ? first[2] : between(0, 99)};
    kernel.ctas.push_back(work);
  }
}

void Generator::make_kernel() {
  Kernel& kernel = case_.kernel;
  kernel.name = "random";
  kernel.shape.registers_per_thread = 32;
  kernel.shape.shared_bytes = one_of({20U, 60U, 100U, 200U}) * 1024;
  const uint32_t rings = between(0, 2);
  for (uint32_t r = 0; r < rings; ++r) {
    add_ring();
  }
  if (rings == 0 || chance(50)) {
    add_solo();
  }
  add_ctas();
  kernel.shape.progress_barrier = kernel.shape.barrier_counts.empty() ? kNone : 0;
  if (chance(50)) {
    kernel.resident.push_back({2 << 20, between(1, 300) * 128, chance(50)});
  }
}

}  // namespace

arch::GpuSpec small_gpu() {
  arch::GpuSpec spec;
  spec.name = "small";
  spec.description = "for tests";
  spec.sm_clock = Hertz{1'755'000'000};
  spec.sm_count = 2;
  spec.shared_capacity = Bytes{228 * 1024};
  spec.shared_reserved = Bytes{1024};
  spec.l2.clock = Hertz{1'600'000'000};
  spec.l2.slices = 4;
  spec.l2.capacity = Bytes{1 << 20};
  spec.memory_stacks = 1;
  arch::DramSpec& dram = spec.dram;
  dram.name = "small HBM";
  dram.command_clock = Hertz{1'300'000'000};
  dram.channels = 2;
  dram.rows = 1024;
  dram.row_bytes = Bytes{1024};
  dram.burst_bytes = Bytes{32};
  dram.channel_interleave = Bytes{256};
  dram.bank_group_interleave = 8;
  dram.separate_row_bus = true;
  dram.read_latency = 20;
  dram.write_latency = 7;
  dram.t_rcd = dram.t_rp = 20;
  dram.t_ras = 39;
  dram.t_ccd_short = 2;
  dram.t_ccd_long = 4;
  dram.t_rrd_short = dram.t_rrd_long = 7;
  dram.t_faw = 20;
  dram.t_rtp = 5;
  dram.t_wr = 18;
  dram.t_wtr_short = 7;
  dram.t_wtr_long = 9;
  dram.t_rtw = 17;
  dram.t_refi = 5070;
  dram.t_rfc = 455;
  return spec;
}

Case random_case(uint64_t seed, Pressure pressure) { return Generator(seed, pressure).make(); }

}  // namespace tilewright::gpu::testing

// SPDX-License-Identifier: Apache-2.0
#include "arch/load_gpu.h"

#include <fmt/format.h>

namespace tilewright::arch {

using config::Checker;

namespace {

// Every number of a machine file must be written; most are small counts of cycles.
template <typename Spec>
struct Keys {
  config::Schema<Spec>& schema;
  config::Field& cycles(uint32_t Spec::*member, const char* key, const char* doc, double minimum = 0) {
    return schema.field(member, key, doc).required().range(minimum, 65536).unit("cycles");
  }
  config::Field& count(uint32_t Spec::*member, const char* key, const char* doc, double maximum = 65536) {
    return schema.field(member, key, doc).required().range(1, maximum);
  }
  config::Field& joules(double Spec::*member, const char* key, const char* doc) {
    return schema.field(member, key, doc).required().range(0, 1e-6).unit("J");
  }
};

void check_l2(const L2Spec& l2, Checker& check) {
  if (l2.slices % l2.partitions != 0) {
    check.error("slices", fmt::format("must be a multiple of 'partitions' ({}), is {}", l2.partitions, l2.slices));
  }
  if (l2.merge_cycles > l2.hit_latency) {
    check.error("merge_cycles", fmt::format("must be at most 'hit_latency' ({}), is {}", l2.hit_latency, l2.merge_cycles));
  }
  const uint64_t row = uint64_t{l2.partitions} * l2.ways * 128;
  if (l2.capacity.value % row != 0) {
    check.error("capacity", fmt::format("must be a multiple of 'partitions' x 'ways' x 128 B ({} B), is {} B", row,
                                        l2.capacity.value));
  }
}

void check_shared(const SharedMemorySpec& shared, Checker& check) {
  if (shared.banks * shared.bank_bytes != 128) {
    check.error("banks", fmt::format("times 'bank_bytes' must be 128 B, one line, is {} B", shared.banks * shared.bank_bytes));
  }
}

void check_register_file(const RegisterFileSpec& file, Checker& check) {
  if (file.slot_open_cycles > file.slot_cycles) {
    check.error("slot_open_cycles", fmt::format("must be at most 'slot_cycles' ({}), is {}", file.slot_cycles, file.slot_open_cycles));
  }
}

void check_gpu(const GpuSpec& gpu, Checker& check) {
  const SynchronisationSpec& synchronisation = gpu.synchronisation;
  if (synchronisation.wait_look_cycles > synchronisation.wait_cycles) {
    check.error("synchronisation.wait_look_cycles", fmt::format("must be at most 'synchronisation.wait_cycles' ({}), is {}",
                                                                synchronisation.wait_cycles, synchronisation.wait_look_cycles));
  }
  if (gpu.unified_capacity.value <= gpu.shared_capacity.value) {
    check.error("unified_capacity", fmt::format("must be above 'shared_capacity' ({} B), is {} B", gpu.shared_capacity.value,
                                                gpu.unified_capacity.value));
  }
  if (gpu.global_path.return_latency > gpu.launch.cta_gap_cycles) {
    check.error("launch.cta_gap_cycles",
                fmt::format("must be at least 'global_path.return_latency' ({}), is {}", gpu.global_path.return_latency,
                            gpu.launch.cta_gap_cycles));
  }
  if (gpu.dram.channel_interleave.value % 128 != 0) {
    check.error("dram.channel_interleave", fmt::format("must be a multiple of a line (128 B), is {} B",
                                                       gpu.dram.channel_interleave.value));
  }
}

}  // namespace

void describe(config::Schema<InstructionSpec>& schema) {
  using I = InstructionSpec;
  Keys<I> keys{schema};
  schema.name("instruction", "how long an instruction of a warp holds its pipe");
  keys.cycles(&I::interval, "interval", "between two instructions in the pipe", 1);
  keys.count(&I::beside_matrix_sixteenths, "beside_matrix_sixteenths", "likewise while the matrix unit runs")
      .unit("cycles/16");
  keys.cycles(&I::latency, "latency", "issue to first use", 1);
  schema.field(&I::latency_beside_matrix, "latency_beside_matrix", "likewise while the matrix unit runs; as latency unless given")
      .range(0, 1024)
      .unit("cycles");
  schema.field(&I::queue, "queue", "instructions that may wait for the pipe without holding up their warps; 0 unless given").range(0, 64);
  schema.field(&I::crowded_cycles, "crowded_cycles",
               "later is the result when the pipe took another instruction less than latency before; 0 unless given")
      .range(0, 1024)
      .unit("cycles");
}

void describe(config::Schema<RegisterFileSpec>& schema) {
  using R = RegisterFileSpec;
  Keys<R> keys{schema};
  schema.name("register_file", "banks of the vector registers");
  keys.cycles(&R::lookahead_cycles, "lookahead_cycles", "in which an instruction's operands have to be read", 1);
  keys.cycles(&R::slot_cycles, "slot_cycles", "from one instruction of a bank to the next while the matrix unit runs", 1);
  keys.cycles(&R::slot_open_cycles, "slot_open_cycles", "of them in which it may begin", 1);
  keys.count(&R::slot_reads, "slot_reads", "operands of a bank that it reads there; one with more takes two slots", 3);
  schema.check(check_register_file);
}

void describe(config::Schema<SubCoreSpec>& schema) {
  using S = SubCoreSpec;
  Keys<S> keys{schema};
  schema.name("sub_core", "a scheduler, its register file and math pipes");
  keys.count(&S::count, "count", "schedulers of an SM", 4).power_of_two();
  const auto instruction = [&](InstructionSpec S::*member, const char* key, const char* doc) {
    schema.field(member, key, doc).required();
  };
  instruction(&S::ffma, "ffma", "fused multiply-add, FMA pipe");
  instruction(&S::fmul, "fmul", "multiply or add, FMA pipe");
  instruction(&S::imad, "imad", "integer multiply-add, FMA pipe");
  instruction(&S::fmnmx, "fmnmx", "maximum, ALU pipe");
  instruction(&S::f2fp, "f2fp", "two floats to a pair of bf16, ALU pipe");
  instruction(&S::lop3, "lop3", "logic and integer add, ALU pipe");
  instruction(&S::ex2, "ex2", "power of two, MUFU");
  instruction(&S::shfl, "shfl", "shuffle, LSU dispatch port");
  instruction(&S::other, "other", "uniform datapath");
  instruction(&S::control, "control", "branches, moves between register files, predicates: little but an issue slot");
  instruction(&S::special, "special", "reading a special register");
  schema.field(&S::register_file, "register_file", "banks of the vector registers").required();
  keys.cycles(&S::branch_cycles, "branch_cycles", "a taken branch until its warp issues again");
  keys.count(&S::near_instructions, "near_instructions", "of a loop that fits the instruction cache next to a scheduler");
  keys.cycles(&S::far_branch_cycles, "far_branch_cycles", "a taken branch in a longer loop", 1);
  keys.cycles(&S::far_loop_cycles, "far_loop_cycles", "beyond branch_cycles, the branch back of a longer loop");
  keys.cycles(&S::clock_cycles, "clock_cycles", "reading the clock until its warp issues again");
}

void describe(config::Schema<SharedMemorySpec>& schema) {
  using S = SharedMemorySpec;
  Keys<S> keys{schema};
  schema.name("shared_memory", "banks and the LSU's way to them");
  keys.count(&S::banks, "banks", "served side by side", 128).power_of_two();
  keys.count(&S::bank_bytes, "bank_bytes", "of a bank in a cycle", 16).power_of_two();
  keys.cycles(&S::dispatch_cycles, "dispatch_cycles", "of the sub-core's dispatch port for one access");
  keys.cycles(&S::dispatch_cycles_per_word, "dispatch_cycles_per_word", "and as many for each word that a lane moves", 1);
  keys.cycles(&S::load_latency, "load_latency", "last wavefront to first use", 1);
  keys.count(&S::load_bytes_per_cycle, "load_bytes_per_cycle", "back to the registers").unit("B/cycle");
  schema.check(check_shared);
}

void describe(config::Schema<SynchronisationSpec>& schema) {
  using S = SynchronisationSpec;
  Keys<S> keys{schema};
  schema.name("synchronisation", "mbarriers, named barriers, fences");
  keys.cycles(&S::arrive_dispatch_cycles, "arrive_dispatch_cycles", "of the dispatch port for an arrival", 1);
  keys.cycles(&S::arrive_wavefronts, "arrive_wavefronts", "of shared memory for an arrival", 1);
  keys.cycles(&S::arrive_latency, "arrive_latency", "last wavefront to the barrier's update", 1);
  keys.cycles(&S::copy_arrive_latency, "copy_arrive_latency", "of an arrival that follows copies, until it reaches the banks", 1);
  keys.cycles(&S::wait_cycles, "wait_cycles", "try_wait on a finished phase", 1);
  keys.cycles(&S::wait_look_cycles, "wait_look_cycles", "try_wait to its look at the barrier");
  keys.cycles(&S::wake_cycles, "wake_cycles", "end of a phase to its waiting warps", 1);
  keys.cycles(&S::named_cycles_per_warp, "named_cycles_per_warp", "of the named-barrier unit for each warp", 1);
  keys.cycles(&S::named_arrive_latency, "named_arrive_latency", "bar.arrive counts so much later than bar.sync");
  keys.cycles(&S::named_latency, "named_latency", "last arrival to release", 1);
  keys.cycles(&S::fence_cycles_per_warp, "fence_cycles_per_warp", "fence.proxy.async, one warp at a time", 1);
  keys.cycles(&S::fence_latency, "fence_latency", "beyond that", 1);
  keys.cycles(&S::fence_access_cycles, "fence_access_cycles", "beyond that, behind an access to shared memory or a barrier");
}

void describe(config::Schema<CopySpec>& schema) {
  using C = CopySpec;
  Keys<C> keys{schema};
  schema.name("copy", "cp.async");
  keys.cycles(&C::dispatch_cycles, "dispatch_cycles", "of the dispatch port for one instruction", 1);
  keys.cycles(&C::pipe_cycles, "pipe_cycles", "of the SM's way to shared memory for one instruction");
  keys.cycles(&C::group_cycles, "group_cycles", "commit_group, or wait_group with nothing to wait for", 1);
  keys.count(&C::outstanding_lines, "outstanding_lines", "lines of 128 B on their way to an SM");
  keys.cycles(&C::complete_latency, "complete_latency", "data written to its warp knowing", 1);
}

void describe(config::Schema<TmaSpec>& schema) {
  using T = TmaSpec;
  Keys<T> keys{schema};
  schema.name("tma", "the tensor memory unit");
  keys.cycles(&T::bulk_box_cycles, "bulk_box_cycles", "of the unit for one bulk copy", 1);
  keys.cycles(&T::tensor_box_cycles, "tensor_box_cycles", "of the unit for one tensor box", 1);
  keys.cycles(&T::box_latency, "box_latency", "issue to the first request", 1);
  keys.count(&T::line_sixteenths, "line_sixteenths", "sixteenths of a cycle between the requests of a box").range(16, 4096);
  keys.cycles(&T::complete_latency, "complete_latency", "last bytes written to the barrier's update", 1);
}

void describe(config::Schema<MatrixSpec>& schema) {
  using M = MatrixSpec;
  Keys<M> keys{schema};
  schema.name("matrix", "wgmma m64nNk16 on 16-bit operands");
  keys.count(&M::columns_per_cycle, "columns_per_cycle", "N that it advances in a cycle", 64);
  keys.cycles(&M::a_wavefronts, "a_wavefronts", "of A, from shared memory", 1);
  keys.count(&M::columns_per_wavefront, "columns_per_wavefront", "of B", 64);
  keys.cycles(&M::bank_cycles_left, "bank_cycles_left", "of an instruction's at least, to loads, stores and shuffles");
  keys.cycles(&M::minimum_cycles, "minimum_cycles", "of an instruction, however narrow", 1);
  keys.cycles(&M::start_shared_cycles, "start_shared_cycles", "issue to start, A from shared memory", 1);
  keys.cycles(&M::start_register_cycles, "start_register_cycles", "issue to start, A from registers", 1);
  keys.cycles(&M::chain_cycles, "chain_cycles", "between a batch's first instruction and its second, on a unit that was idle");
  keys.cycles(&M::chain_window_cycles, "chain_window_cycles", "taken so long after the first, the second need not wait");
  keys.cycles(&M::drain_cycles, "drain_cycles", "end of an instruction to those who wait for it", 1);
  keys.cycles(&M::issue_cycles, "issue_cycles", "from one instruction of a batch to the next");
  keys.cycles(&M::takeover_cycles, "takeover_cycles",
              "a warpgroup that pauses so long between its instructions gives way to one that waits");
  keys.count(&M::in_flight, "in_flight", "instructions running or accepted", 64);
}

void describe(config::Schema<GlobalPathSpec>& schema) {
  using G = GlobalPathSpec;
  Keys<G> keys{schema};
  schema.name("global_path", "between an SM and L2");
  keys.cycles(&G::request_latency, "request_latency", "SM to slice", 1);
  keys.cycles(&G::return_latency, "return_latency", "slice to the SM's port", 8);
  const auto line = [&](uint32_t G::*member, const char* key, const char* doc) {
    keys.count(member, key, doc).range(16, 4096);
  };
  line(&G::copy_line_sixteenths, "copy_line_sixteenths", "sixteenths of a cycle of the SM's port for a line of cp.async");
  line(&G::tma_line_sixteenths, "tma_line_sixteenths", "likewise for a line of a box");
  line(&G::load_line_sixteenths, "load_line_sixteenths", "likewise for a line of a load");
  keys.cycles(&G::load_latency, "load_latency", "port to the first use of a load", 1);
  keys.cycles(&G::l1_hit_latency, "l1_hit_latency", "issue to the first use of a load that finds its line in L1", 1);
}

void describe(config::Schema<L2Spec>& schema) {
  using L = L2Spec;
  Keys<L> keys{schema};
  schema.name("l2", "the second-level cache");
  schema.field(&L::clock, "clock", "of the slices and what connects them").required().range(1e8, 10e9);
  keys.count(&L::partitions, "partitions", "each with copies of its own", 2);
  keys.count(&L::slices, "slices", "over all partitions", 1024);
  keys.count(&L::slice_bytes_per_cycle, "slice_bytes_per_cycle", "of one slice", 128).power_of_two().range(32, 128).unit("B/cycle");
  schema.field(&L::capacity, "capacity", "over all partitions").required().range(4096, double(1U << 30));
  keys.count(&L::ways, "ways", "lines of a set", 64);
  keys.cycles(&L::hit_latency, "hit_latency", "L2 cycles from a slice's service to the data", 1);
  keys.cycles(&L::merge_cycles, "merge_cycles", "L2 cycles from a line's service in which requests for it still join");
  keys.count(&L::gpc_bytes_per_cycle, "gpc_bytes_per_cycle", "to a GPC, L2 cycles").unit("B/cycle");
  keys.cycles(&L::far_latency, "far_latency", "L2 cycles between partitions, one way", 1);
  keys.cycles(&L::memory_latency, "memory_latency", "L2 cycles of a miss beyond the DRAM's own", 1);
  schema.check(check_l2);
}

void describe(config::Schema<LaunchSpec>& schema) {
  using L = LaunchSpec;
  Keys<L> keys{schema};
  schema.name("launch", "starting kernels and CTAs");
  keys.cycles(&L::launch_cycles, "launch_cycles", "kernel start to the first CTA");
  keys.cycles(&L::cta_interval_cycles, "cta_interval_cycles", "between the CTAs of the first wave");
  keys.cycles(&L::cta_gap_cycles, "cta_gap_cycles", "end of a CTA to the next in its place", 1);
}

void describe(config::Schema<GatherEngineSpec>& schema) {
  using G = GatherEngineSpec;
  Keys<G> keys{schema};
  schema.name("gather_engine", "asynchronous gather load in hardware");
  schema.field(&G::present, "present", "false on every GPU that exists").required();
  keys.count(&G::rows_per_request, "rows_per_request", "list entries handed over by one instruction", 1024);
  keys.cycles(&G::request_cycles, "request_cycles", "of the engine for one request", 1);
  keys.count(&G::row_sixteenths, "row_sixteenths", "sixteenths of a cycle between rows").range(1, 65536);
  keys.cycles(&G::request_latency, "request_latency", "issue to the first row's request", 1);
}

void describe(config::Schema<GpuEnergySpec>& schema) {
  using E = GpuEnergySpec;
  Keys<E> keys{schema};
  schema.name("gpu_energy", "joules per action, and power at rest");
  keys.joules(&E::math_j, "math_j", "a thread's operation in the FMA or ALU pipe");
  keys.joules(&E::ex2_j, "ex2_j", "a thread's EX2");
  keys.joules(&E::matrix_flop_j, "matrix_flop_j", "a floating-point operation of the matrix unit");
  keys.joules(&E::shared_byte_j, "shared_byte_j", "a byte through shared memory's banks");
  keys.joules(&E::l2_byte_j, "l2_byte_j", "a byte from L2 to an SM");
  keys.joules(&E::dram_byte_j, "dram_byte_j", "a byte from DRAM, beyond its way through L2");
  keys.joules(&E::issue_j, "issue_j", "an issued warp instruction, beyond the above");
  schema.field(&E::static_w, "static_w", "the board at rest").required().range(0, 2000).unit("W");
  schema.field(&E::clock, "clock", "of the SMs, at which the joules on chip hold").range(1e8, 10e9);
  schema.field(&E::clock_exponent, "clock_exponent", "power of the SM clock that they follow").range(0, 4);
}

void describe(config::Schema<GpuSpec>& schema) {
  using G = GpuSpec;
  Keys<G> keys{schema};
  schema.kind("gpu", "a GPU: its SMs' shared-memory path, L2 and HBM");
  schema.demand_sources();
  schema.field(&G::name, "name", "shown in reports").required().non_empty();
  schema.field(&G::description, "description", "one sentence").required().non_empty();
  schema.field(&G::sm_clock, "sm_clock", "to simulate at").required().range(1e8, 10e9);
  keys.count(&G::sm_count, "sm_count", "streaming multiprocessors", 192);
  keys.count(&G::gpcs, "gpcs", "that share the TPCs evenly", 32);
  keys.count(&G::maximum_warps, "maximum_warps", "resident in an SM", 64);
  keys.count(&G::maximum_ctas, "maximum_ctas", "resident in an SM", 32);
  keys.count(&G::registers, "registers", "of 32 bits, of an SM", 1 << 20);
  schema.field(&G::shared_capacity, "shared_capacity", "of an SM").required().range(1024, 1 << 24);
  schema.field(&G::shared_reserved, "shared_reserved", "of every CTA").required().range(0, 1 << 16);
  schema.field(&G::unified_capacity, "unified_capacity", "shared memory and L1 of an SM").required().range(1024, 1 << 24);
  schema.field(&G::sub_core, "sub_core", "schedulers and math pipes").required();
  schema.field(&G::shared_memory, "shared_memory", "banks and the way to them").required();
  schema.field(&G::synchronisation, "synchronisation", "barriers and fences").required();
  schema.field(&G::copy, "copy", "cp.async").required();
  schema.field(&G::tma, "tma", "bulk and tensor copies").required();
  schema.field(&G::matrix, "matrix", "wgmma").required();
  schema.field(&G::global_path, "global_path", "between an SM and L2").required();
  schema.field(&G::l2, "l2", "the second-level cache").required();
  keys.count(&G::memory_stacks, "memory_stacks", "HBM stacks", 16);
  schema.field(&G::dram, "dram", "one stack: a file of kind 'dram', or its keys").required().reference();
  schema.field(&G::launch, "launch", "starting kernels and CTAs").required();
  schema.field(&G::gather_engine, "gather_engine", "hardware gather, absent on what exists").required();
  schema.field(&G::energy, "energy", "joules per action").required();
  schema.check(check_gpu);
}

config::Resolved<GpuSpec> load_gpu(const std::filesystem::path& path, const config::Overrides& overrides) {
  return config::load<GpuSpec>(path, overrides);
}

}  // namespace tilewright::arch

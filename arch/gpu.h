// SPDX-License-Identifier: Apache-2.0
//
// What a GPU of the Hopper kind is, as far as the path through an SM's shared memory goes (docs/gpu.md). Plain values; the
// YAML keys are the field names; machine files live in configs/arch (kind: gpu).
//
//   warps -> 4 sub-cores -> math pipes, LSU, TMA unit, matrix unit -> shared memory (one wavefront a cycle)
//   SM -> request path -> L2 slices (two partitions) -> HBM stacks -> return path -> SM port
//
// Cycles are SM cycles unless the name says otherwise. Left out: instruction caches, L1 hits, translation.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "arch/dram.h"
#include "sim/base/units.h"

namespace tilewright::arch {

struct InstructionSpec {
  uint32_t interval = 1;                     // cycles for which one instruction of a warp holds its pipe, ...
  uint32_t beside_matrix_sixteenths = 16;    // ... and sixteenths of a cycle while the matrix unit runs
  uint32_t latency = 4;                      // issue to the first use of the result, ...
  uint32_t latency_beside_matrix = 0;        // ... and while the matrix unit runs; 0: the same
  uint32_t queue = 0;           // instructions that may wait for the pipe without holding up their warps
  uint32_t crowded_cycles = 0;  // later is its result when its pipe took another instruction less than `latency` before
};

// The vector registers lie in two banks, even and odd, each read once a cycle.
struct RegisterFileSpec {
  uint32_t lookahead_cycles = 3;  // an instruction is held, and its scheduler with it, until its operands can be read within so many
  uint32_t slot_cycles = 4;       // while the matrix unit runs, a bank serves one instruction in so many cycles, ...
  uint32_t slot_open_cycles = 2;  // ... which must begin in the first so many of them, ...
  uint32_t slot_reads = 2;        // ... and this many operands of it; one with more begins with a slot and takes two
};

struct SubCoreSpec {
  uint32_t count = 4;  // schedulers of an SM; warp w belongs to sub-core w mod count
  InstructionSpec ffma, fmul, imad;    // share the FMA pipe
  InstructionSpec fmnmx, f2fp, lop3;   // share the ALU pipe
  InstructionSpec ex2;                 // the MUFU
  InstructionSpec shfl;                // through the LSU's dispatch port, as every access to shared memory
  InstructionSpec other;               // on the uniform datapath
  InstructionSpec control;             // branches, moves between register files, predicates: an issue slot, little else
  InstructionSpec special;             // reading a special register or a constant that is not in the fast cache
  RegisterFileSpec register_file;
  uint32_t branch_cycles = 11;         // a taken branch, until its warp issues again
  uint32_t near_instructions = 350;    // that the instruction cache next to a scheduler holds; in a longer loop ...
  uint32_t far_branch_cycles = 26;     // ... a taken branch, ...
  uint32_t far_loop_cycles = 12;       // ... and beyond branch_cycles the branch back
  uint32_t clock_cycles = 13;          // reading the clock, likewise
};

struct SharedMemorySpec {
  uint32_t banks = 32;
  uint32_t bank_bytes = 4;              // a cycle serves one wavefront: one word of every bank
  uint32_t dispatch_cycles = 2;         // of a sub-core's dispatch port for one access, ...
  uint32_t dispatch_cycles_per_word = 2;  // ... and as many more for each 4-byte word a lane moves
  uint32_t load_latency = 22;           // last wavefront to first use
  uint32_t load_bytes_per_cycle = 256;  // back to the registers, which a broadcast meets before the banks
};

struct SynchronisationSpec {
  uint32_t arrive_dispatch_cycles = 6;
  uint32_t arrive_wavefronts = 2;
  uint32_t arrive_latency = 2;        // last wavefront to the barrier's update
  uint32_t copy_arrive_latency = 46;   // cp.async.mbarrier.arrive.noinc until it reaches the banks as an arrival
  uint32_t wait_cycles = 43;           // try_wait on a phase that is finished, or is within `wait_look_cycles`
  uint32_t wait_look_cycles = 20;      // try_wait to its look at the barrier; a later end has to wake the warp
  uint32_t wake_cycles = 67;           // phase complete to its waiting warps
  uint32_t named_cycles_per_warp = 2;  // the barrier unit takes one warp at a time
  uint32_t named_arrive_latency = 20;  // bar.arrive counts so much later than bar.sync
  uint32_t named_latency = 12;         // last arrival taken to release
  uint32_t fence_cycles_per_warp = 6;  // fence.proxy.async, one warp of the SM at a time
  uint32_t fence_latency = 3;
  uint32_t fence_access_cycles = 21;   // more, if its warp accessed shared memory or a barrier since its last fence
};

struct CopySpec {  // cp.async, one instruction of a warp: up to 512 bytes
  uint32_t dispatch_cycles = 4;
  uint32_t pipe_cycles = 2;        // of the SM's one way to shared memory, which loads, stores, shuffles and fences take too
  uint32_t group_cycles = 4;       // commit_group, wait_group with nothing to wait for
  uint32_t outstanding_lines = 512;  // of an SM
  uint32_t complete_latency = 10;  // data written to the warp's knowledge of it
};

struct TmaSpec {
  uint32_t bulk_box_cycles = 20;    // of the unit for one bulk copy, however small
  uint32_t tensor_box_cycles = 16;  // likewise for a tensor box
  uint32_t box_latency = 40;        // issue to the first request
  uint32_t line_sixteenths = 19;    // sixteenths of a cycle between the requests of a box
  uint32_t complete_latency = 10;   // last bytes written to the barrier's update
};

struct MatrixSpec {  // wgmma m64nNk16, 16-bit operands
  uint32_t columns_per_cycle = 2;        // N it advances in a cycle: 64 x 16 x 2 FMA
  uint32_t a_wavefronts = 16;            // of A, when it comes from shared memory
  uint32_t columns_per_wavefront = 4;    // of B
  uint32_t bank_cycles_left = 2;         // of an instruction's at least, to loads, stores and shuffles
  uint32_t minimum_cycles = 13;
  uint32_t start_shared_cycles = 15;     // batch issued to first instruction started, A from shared memory
  uint32_t start_register_cycles = 6;    // likewise, A from registers
  uint32_t chain_cycles = 15;            // first instruction of a batch to the second, beyond its own time, where the unit was idle ...
  uint32_t chain_window_cycles = 20;     // ... and the second is taken sooner than this after the first
  uint32_t drain_cycles = 30;            // last instruction ended to its waiting warps
  uint32_t issue_cycles = 10;            // from one instruction of a batch to the next
  uint32_t takeover_cycles = 20;         // a warpgroup that pauses so long between instructions loses the unit to one that waits
  uint32_t in_flight = 7;                // running and waiting; a warp cannot issue beyond
};

struct GlobalPathSpec {
  uint32_t request_latency = 80;      // SM to the L2 slice
  uint32_t return_latency = 100;      // L2 slice to the SM's port; also how far an SM is simulated ahead
  uint32_t copy_line_sixteenths = 16; // of the SM's port for a line of 128 bytes
  uint32_t tma_line_sixteenths = 18;
  uint32_t load_line_sixteenths = 22;
  uint32_t load_latency = 20;         // port to first use
  uint32_t l1_hit_latency = 43;       // issue to first use of what L1 has; programs say where that is, L1 itself is not modelled
};

struct L2Spec {
  Hertz clock;
  uint32_t partitions = 2;
  uint32_t slices = 96;                // over all partitions
  uint32_t slice_bytes_per_cycle = 64; // L2 cycles
  Bytes capacity;                      // over all partitions
  uint32_t ways = 16;
  uint32_t hit_latency = 40;           // L2 cycles
  uint32_t merge_cycles = 0;           // L2 cycles from a slice's service of a line in which requests of the same GPC still join
  uint32_t gpc_bytes_per_cycle = 630;  // L2 cycles, of the crossbar's port to a GPC
  uint32_t far_latency = 70;           // L2 cycles, one way between partitions
  uint32_t memory_latency = 100;       // L2 cycles, a miss beyond what the DRAM itself takes
};

struct LaunchSpec {
  uint32_t launch_cycles = 1000;  // kernel start to its first CTA
  uint32_t cta_interval_cycles = 1;  // between the CTAs of the first wave
  uint32_t cta_gap_cycles = 462;  // end of a CTA to the start of the next in its place
};

// FG-Attn's asynchronous gather load as hardware; no machine that exists has one.
struct GatherEngineSpec {
  bool present = false;
  uint32_t rows_per_request = 64;     // list entries one instruction hands over
  uint32_t request_cycles = 16;       // of the engine, however few rows
  uint32_t row_sixteenths = 32;       // sixteenths of a cycle between rows
  uint32_t request_latency = 60;      // index fetch included
};

// Joules of one action at the clock and voltage of the measurement, and the power of doing nothing.
struct GpuEnergySpec {
  double math_j = 0;            // a thread's FMA-pipe or ALU operation
  double ex2_j = 0;             // a thread's EX2
  double matrix_flop_j = 0;     // random data
  double shared_byte_j = 0;
  double l2_byte_j = 0;         // L2 to shared memory
  double dram_byte_j = 0;       // beyond the L2's share
  double issue_j = 0;           // an issued warp instruction beyond the above
  double static_w = 0;
  // What happens on chip beside the matrix unit costs (SM clock / clock)^clock_exponent as much: the voltage follows the clock.
  Hertz clock{1'570'000'000};
  double clock_exponent = 0;
  double at(Hertz sm_clock) const {  // that factor
    return std::pow(double(sm_clock.value) / double(clock.value), clock_exponent);
  }
};

struct GpuSpec {
  std::string name;
  std::string description;
  Hertz sm_clock;
  uint32_t sm_count = 132;
  uint32_t gpcs = 8;      // TPC t, that is SMs 2t and 2t + 1, is in GPC t mod gpcs; GPC g is in L2 partition g mod partitions
  uint32_t maximum_warps = 64;
  uint32_t maximum_ctas = 32;
  uint32_t registers = 65536;
  Bytes shared_capacity;
  Bytes shared_reserved;  // of every CTA
  Bytes unified_capacity = Bytes{256 * 1024};  // shared memory and L1, whose rest holds the lines that loads wait for
  SubCoreSpec sub_core;
  SharedMemorySpec shared_memory;
  SynchronisationSpec synchronisation;
  CopySpec copy;
  TmaSpec tma;
  MatrixSpec matrix;
  GlobalPathSpec global_path;
  L2Spec l2;
  uint32_t memory_stacks = 5;
  DramSpec dram;  // one stack
  LaunchSpec launch;
  GatherEngineSpec gather_engine;
  GpuEnergySpec energy;

  double flop_per_cycle() const { return 2.0 * 64 * 16 * matrix.columns_per_cycle * sm_count; }
};

}  // namespace tilewright::arch

// SPDX-License-Identifier: Apache-2.0
// What waiting and signalling cost: mbarriers, named barriers, fences.
#include "micro/device_data.h"
#include "micro/ptx.cuh"
#include "micro/suites.h"

namespace tw::gpu {
namespace {

constexpr int kOperations = 256;
constexpr int kUnroll = 16;

enum class Operation : uint8_t {
  kArriveThread,     // one thread arrives, again and again, on a barrier that never completes
  kArriveWarp,       // all lanes of one warp arrive
  kTryWaitDone,      // asks for a phase that is over, and waits for the answer
  kExpectAndWait,    // arrive with 0 expected bytes completes the phase; then wait for it
  kFenceProxyAsync,  // with nothing to order
  kFenceAfterStore,  // behind one shared-memory store
  kSyncthreads,
  kSyncwarp,
  kCpAsyncArriveNoinc,  // no copies outstanding; the form without .noinc is merged by the compiler when
                        // repeated
  kCommitGroup,
  kWaitGroupEmpty,
};

struct OperationName {
  Operation operation;
  const char* name;
};

template <Operation kOperation>
__device__ __forceinline__ void operate(uint32_t barrier, uint32_t scratch, int turn) {
  if constexpr (kOperation == Operation::kArriveThread || kOperation == Operation::kArriveWarp) {
    mbarrier_arrive(barrier);
  } else if constexpr (kOperation == Operation::kTryWaitDone) {
    mbarrier_wait(barrier, 1);
  } else if constexpr (kOperation == Operation::kExpectAndWait) {
    mbarrier_arrive_expect(barrier, 0);
    mbarrier_wait(barrier, turn & 1);
  } else if constexpr (kOperation == Operation::kFenceProxyAsync) {
    fence_proxy_async();
  } else if constexpr (kOperation == Operation::kFenceAfterStore) {
    asm volatile("st.volatile.shared.u32 [%0], %1;" ::"r"(scratch), "r"(turn) : "memory");
    fence_proxy_async();
  } else if constexpr (kOperation == Operation::kSyncthreads) {
    asm volatile("bar.sync 0;" ::: "memory");
  } else if constexpr (kOperation == Operation::kSyncwarp) {
    asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
  } else if constexpr (kOperation == Operation::kCpAsyncArriveNoinc) {
    cp_async_arrive_noinc(barrier);
  } else if constexpr (kOperation == Operation::kCommitGroup) {
    cp_async_commit();
  } else {
    cp_async_wait<0>();
  }
}

template <Operation kOperation>
__global__ void operation_kernel(Stamp* stamps, uint32_t arrivals) {
  __shared__ alignas(8) uint64_t barrier;
  __shared__ uint32_t scratch[1024];
  const uint32_t address = shared_address(&barrier), own = shared_address(&scratch[threadIdx.x]);
  if (threadIdx.x == 0) {
    mbarrier_init(address, arrivals);
    mbarrier_init_fence();
    stamps[0].errors = 0;
  }
  __syncthreads();
  const uint64_t begin = clock_now();
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
  }
  for (int i = 0; i < kOperations / kUnroll; ++i) {
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) {
      operate<kOperation>(address, own, j);
    }
  }
  const uint64_t end = clock_now();
  if (threadIdx.x == 0) {
    stamp_end(stamps);
    stamps[0].value[0] = end - begin;
  }
}

template <Operation kOperation>
void measure_operation(Bench& bench, const char* name, int threads, uint32_t arrivals) {
  const Repeat repeat{.repeats = 7};
  const auto samples = bench.measure(
      1, repeat, [&](Stamp* stamps, int) { operation_kernel<kOperation><<<1, threads>>>(stamps, arrivals); });
  bench.add("synchronisation_operation", Mechanisms::kOne,
            {{"operation", std::string(name)}, {"threads", int64_t{threads}}}, samples, repeat,
            {{"cycles_per_operation", "cycle", [](const Sample& s) { return s.cycles / kOperations; }}});
}

enum class Handover : uint8_t { kMbarrier, kCpAsyncNoinc, kCpAsync, kNamed };

// Two groups of threads play ball: the first signals, the second waits and signals back.
template <Handover kHandover>
__global__ void handover_kernel(Stamp* stamps, int rounds) {
  __shared__ alignas(8) uint64_t barriers[2];
  const uint32_t to = shared_address(&barriers[0]), back = shared_address(&barriers[1]);
  const int group = blockDim.x / 2;
  const bool first = static_cast<int>(threadIdx.x) < group;
  if (threadIdx.x == 0) {
    // The form of cp.async's arrival without .noinc adds one pending arrival and takes it away again, so the
    // ordinary arrival that follows it is the one that counts.
    mbarrier_init(to, group);
    mbarrier_init(back, group);
    mbarrier_init_fence();
    stamps[0].errors = 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    stamp_begin(stamps);
  }
  for (int i = 0; i < rounds; ++i) {
    if constexpr (kHandover == Handover::kNamed) {
      first ? named_arrive(1, blockDim.x) : named_sync(1, blockDim.x);
      first ? named_sync(2, blockDim.x) : named_arrive(2, blockDim.x);
    } else {
      const uint32_t own = first ? to : back, other = first ? back : to;
      if (!first) {
        mbarrier_wait(other, i & 1);
      }
      if constexpr (kHandover == Handover::kCpAsyncNoinc) {
        cp_async_arrive_noinc(own);
      } else {
        if constexpr (kHandover == Handover::kCpAsync) {
          cp_async_arrive(own);
        }
        mbarrier_arrive(own);
      }
      if (first) {
        mbarrier_wait(other, i & 1);
      }
    }
  }
  if (threadIdx.x == 0) {
    stamp_end(stamps);
  }
}

template <Handover kHandover>
void measure_handover(Bench& bench, const char* name) {
  for (const int group : {32, 128, 256}) {
    const int rounds = 256;
    const Repeat repeat{.repeats = 7};
    const auto samples = bench.measure(
        1, repeat, [&](Stamp* stamps, int) { handover_kernel<kHandover><<<1, 2 * group>>>(stamps, rounds); });
    bench.add("handover", Mechanisms::kOne,
              {{"by", std::string(name)}, {"arrivals_per_phase", int64_t{group}}}, samples, repeat,
              {{"cycles_per_round_trip", "cycle", [=](const Sample& s) { return s.cycles / rounds; }}});
  }
}

// How long try_wait sleeps on a phase that does not complete.
__global__ void failed_wait_kernel(Stamp* stamps) {
  __shared__ alignas(8) uint64_t barrier;
  mbarrier_init(shared_address(&barrier), 1);
  stamps[0].errors = 0;
  stamp_begin(stamps);
  const bool done = mbarrier_try_wait(shared_address(&barrier), 0);
  wait_for(done ? 1 : 0);
  stamp_end(stamps);
  stamps[0].errors = done ? 1 : 0;
}

}  // namespace

void run_synchronisation(Bench& bench) {
  constexpr uint32_t kNever = (1u << 20) - 1;
  measure_operation<Operation::kArriveThread>(bench, "mbarrier_arrive", 1, kNever);
  measure_operation<Operation::kArriveWarp>(bench, "mbarrier_arrive", 32, kNever);
  measure_operation<Operation::kArriveWarp>(bench, "mbarrier_arrive", 128, kNever);
  measure_operation<Operation::kArriveWarp>(bench, "mbarrier_arrive", 256, kNever);
  measure_operation<Operation::kTryWaitDone>(bench, "mbarrier_try_wait_done", 1, kNever);
  measure_operation<Operation::kTryWaitDone>(bench, "mbarrier_try_wait_done", 128, kNever);
  measure_operation<Operation::kExpectAndWait>(bench, "mbarrier_expect_and_wait", 1, 1);
  measure_operation<Operation::kFenceProxyAsync>(bench, "fence_proxy_async", 32, 1);
  measure_operation<Operation::kFenceProxyAsync>(bench, "fence_proxy_async", 128, 1);
  measure_operation<Operation::kFenceProxyAsync>(bench, "fence_proxy_async", 512, 1);
  measure_operation<Operation::kFenceAfterStore>(bench, "store_and_fence_proxy_async", 128, 1);
  for (const int threads : {32, 64, 128, 256, 512, 1024}) {
    measure_operation<Operation::kSyncthreads>(bench, "bar_sync", threads, 1);
  }
  measure_operation<Operation::kSyncwarp>(bench, "bar_warp_sync", 32, 1);
  measure_operation<Operation::kCpAsyncArriveNoinc>(bench, "cp_async_arrive_noinc", 32, kNever);
  measure_operation<Operation::kCpAsyncArriveNoinc>(bench, "cp_async_arrive_noinc", 128, kNever);
  measure_operation<Operation::kCommitGroup>(bench, "cp_async_commit_group", 32, 1);
  measure_operation<Operation::kWaitGroupEmpty>(bench, "cp_async_wait_group_empty", 32, 1);
  measure_handover<Handover::kMbarrier>(bench, "mbarrier");
  measure_handover<Handover::kCpAsyncNoinc>(bench, "cp_async_arrive_noinc");
  measure_handover<Handover::kCpAsync>(bench, "cp_async_arrive_and_arrive");
  measure_handover<Handover::kNamed>(bench, "named_barrier");
  const Repeat repeat{.repeats = 7, .verifies = true};
  const auto samples =
      bench.measure(1, repeat, [](Stamp* stamps, int) { failed_wait_kernel<<<1, 1>>>(stamps); });
  bench.add("failed_try_wait", Mechanisms::kOne, {{"threads", int64_t{1}}}, samples, repeat,
            {{"suspended_cycles", "cycle", [](const Sample& s) { return s.cycles; }}});
}

}  // namespace tw::gpu

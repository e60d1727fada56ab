// SPDX-License-Identifier: Apache-2.0
// The kernel: one producer warpgroup and query_tile / 64 consumer warpgroups.
#pragma once

#include "attention/consumer.cuh"
#include "attention/kernel.h"
#include "attention/producer.cuh"

namespace tw::gpu {

template <typename P>
__device__ __forceinline__ void initialise_barriers(const Places<P>& places) {
  constexpr uint32_t kFull = P::kSource == Source::kGathered ? 128 : 1;
  constexpr uint32_t kEmpty = 4 * P::kConsumerWarpgroups * P::kClusterSize;
  for (int buffer = 0; buffer < Layout<P>::kQueryBuffers; ++buffer) {
    mbarrier_init(places.query_full(buffer), 1);
    mbarrier_init(places.query_empty(buffer), P::kConsumerWarpgroups);
  }
  for (int stage = 0; stage < P::kStages; ++stage) {
    mbarrier_init(places.key_full(stage), kFull);
    mbarrier_init(places.value_full(stage), kFull);
    mbarrier_init(places.key_empty(stage), kEmpty);
    mbarrier_init(places.value_empty(stage), kEmpty);
  }
  mbarrier_init_fence();
}

__device__ __forceinline__ void begin_stamp(const Arguments& arguments) {
  if (arguments.stamps != nullptr) {
    stamp_begin(arguments.stamps);
    arguments.stamps[blockIdx.x].errors = 0;
  }
}

__device__ __forceinline__ void finish_stamp(const Arguments& arguments, const Done& done) {
  if (arguments.stamps != nullptr) {
    stamp_end(arguments.stamps);
    arguments.stamps[blockIdx.x].value[kItemsDone] = done.items;
    arguments.stamps[blockIdx.x].value[kTilesDone] = done.tiles;
  }
}

template <typename P>
__global__ void __launch_bounds__(Layout<P>::kThreads, Layout<P>::kCtasPerSm)
    attention_kernel(const __grid_constant__ Arguments arguments) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const Places<P> places(shared);
  if (threadIdx.x == 0) {
    begin_stamp(arguments);
    initialise_barriers(places);
    load_queries(arguments, blockIdx.x, 0, places);
  }
  if constexpr (P::kClusterSize > 1) {
    cluster_sync();
  } else {
    __syncthreads();
  }
  if (threadIdx.x < 128) {
    give_registers<P::kProducerRegisters>();
    if (P::kSource == Source::kGathered || threadIdx.x == 0) {
      produce(arguments, places);
    }
  } else {
    take_registers<P::kConsumerRegisters>();
    const Done done = consume(arguments, places, static_cast<int>(threadIdx.x) / 128 - 1);
    if (threadIdx.x == 128) {
      finish_stamp(arguments, done);
    }
  }
  if constexpr (P::kClusterSize > 1) {
    __syncwarp();
    cluster_sync();  // a CTA that has gone can neither be copied to nor arrived at
  }
}

template <typename P>
Kernel kernel_of() {
  using L = Layout<P>;
  return {P::kName,
          P::kSource,
          P::kOverlap,
          P::kHeadSize,
          P::kQueryTile,
          P::kKeyTile,
          P::kKeyBlock,
          P::kStages,
          P::kConsumerWarpgroups,
          P::kClusterSize,
          L::kThreads,
          L::kCtasPerSm,
          L::kSharedBytes,
          reinterpret_cast<const void*>(&attention_kernel<P>)};
}

}  // namespace tw::gpu

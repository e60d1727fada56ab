// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "micro/ptx.cuh"

// Tensor copies of the three-dimensional arrays [head][token][column], and arrivals in another CTA.
namespace tw::gpu {

__device__ __forceinline__ void tensor_load3(uint32_t destination, const void* map, int column, int row,
                                             int head, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], "
      "[%5];" ::"r"(destination),
      "l"(map), "r"(column), "r"(row), "r"(head), "r"(barrier)
      : "memory");
}

__device__ __forceinline__ void tensor_load3_multicast(uint32_t destination, const void* map, int column,
                                                       int row, int head, uint32_t barrier,
                                                       uint16_t cta_mask) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%2, %3, %4}], [%5], %6;" ::"r"(destination),
      "l"(map), "r"(column), "r"(row), "r"(head), "r"(barrier), "h"(cta_mask)
      : "memory");
}

__device__ __forceinline__ void tensor_store3(const void* map, uint32_t source, int column, int row,
                                              int head) {
  asm volatile("cp.async.bulk.tensor.3d.global.shared::cta.bulk_group [%0, {%1, %2, %3}], [%4];" ::"l"(map),
               "r"(column), "r"(row), "r"(head), "r"(source)
               : "memory");
}
__device__ __forceinline__ void bulk_commit() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// Until the sources may be overwritten; the writes may still be on their way.
__device__ __forceinline__ void bulk_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
}

// Arrives at the barrier that lies at the same place in CTA `rank` of the cluster.
__device__ __forceinline__ void mbarrier_arrive_remote(uint32_t barrier, uint32_t rank) {
  asm volatile(
      "{.reg .b32 remote; mapa.shared::cluster.u32 remote, %0, %1; "
      "mbarrier.arrive.shared::cluster.b64 _, [remote];}" ::"r"(barrier),
      "r"(rank)
      : "memory");
}

__device__ __forceinline__ void prefetch_tensor_map(const void* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

template <int kRegisters>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace tw::gpu

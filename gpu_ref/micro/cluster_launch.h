// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include "harness/check.h"

namespace tw::gpu {

// A launch whose cluster size is chosen at run time; more than eight CTAs need the kernel's consent.
template <typename... Arguments>
class ClusterLaunch {
 public:
  using Kernel = void (*)(Arguments...);
  ClusterLaunch(Kernel kernel, int cluster, int threads, size_t shared) : kernel_(kernel) {
    TW_CUDA(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                 cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
    TW_CUDA(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)));
    attribute_.id = cudaLaunchAttributeClusterDimension;
    attribute_.val.clusterDim.x = static_cast<unsigned>(cluster);
    attribute_.val.clusterDim.y = attribute_.val.clusterDim.z = 1;
    config_.gridDim = dim3(static_cast<unsigned>(cluster));
    config_.blockDim = dim3(static_cast<unsigned>(threads));
    config_.dynamicSmemBytes = shared;
    config_.attrs = &attribute_;
    config_.numAttrs = 1;
  }
  ClusterLaunch(const ClusterLaunch&) = delete;
  ClusterLaunch& operator=(const ClusterLaunch&) = delete;

  // How many such clusters the card holds at once; 0 for a size that it refuses.
  int maximum_clusters() {
    int clusters = 0;
    if (cudaOccupancyMaxActiveClusters(&clusters, reinterpret_cast<const void*>(kernel_), &config_) !=
        cudaSuccess) {
      cudaGetLastError();  // clears the refusal, which is an answer here
      return 0;
    }
    return clusters;
  }
  void operator()(int ctas, Arguments... arguments) { TW_CUDA(attempt(ctas, arguments...)); }
  cudaError_t attempt(int ctas, Arguments... arguments) {
    config_.gridDim = dim3(static_cast<unsigned>(ctas));
    return cudaLaunchKernelEx(&config_, kernel_, arguments...);
  }

 private:
  Kernel kernel_;
  cudaLaunchAttribute attribute_{};
  cudaLaunchConfig_t config_{};
};

template <typename... Arguments>
ClusterLaunch(void (*)(Arguments...), int, int, size_t) -> ClusterLaunch<Arguments...>;

}  // namespace tw::gpu

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace tw::gpu {

// The user's fault: an unknown option, a missing folder, a card that cannot run the suite. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The run's fault: a CUDA call failed, or a kernel moved wrong data. Exit code 1.
struct RunError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check_cuda(cudaError_t status, const char* expression, const char* file, int line) {
  if (status == cudaSuccess) {
    return;
  }
  throw RunError(std::string(file) + ":" + std::to_string(line) + ": " + expression +
                 " failed: " + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ")");
}

}  // namespace tw::gpu

#define TW_CUDA(expression) ::tw::gpu::check_cuda((expression), #expression, __FILE__, __LINE__)

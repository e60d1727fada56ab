// SPDX-License-Identifier: Apache-2.0
//
// For tests only: faults seeded into EventDramChannel, one per resource, to show that the comparison with
// TickDramChannel notices each.
#pragma once

#include <cstdint>

namespace tilewright::memory {

enum class Mutation : uint8_t {
  kNone,
  kForgetFourActivateWindow,
  kActivateLongAsShort,
  kColumnLongAsShort,
  kIgnoreReadToWrite,
  kForgetWriteToRead,
  kWriteToReadLongAsShort,
  kForgetWriteRecovery,
  kForgetReadToPrecharge,
  kRefreshOneLate,
  kRowOpenAfterRefresh,
  kYoungestFirst,
  kWatermarkOneLate,
  kIgnoreSharedCommandBus,
  kForgetIdleRefreshes,
  kRunPastRefresh,  // a run of column commands in closed form does not end where a refresh falls due
  kRunPastOpening,  // or where a newly opened bank joins in
  kRunPastRow,      // or where a row command could open one
  kRunPastArrival,  // or where a transaction arrives that may change it
  kCount
};

}  // namespace tilewright::memory

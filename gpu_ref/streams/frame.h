// SPDX-License-Identifier: Apache-2.0
// Sizes that the frame, the program that runs it and the simulator's benchmark agree on (tools/make_streams.py knows them too).
#pragma once

namespace tw::gpu::streams {

inline constexpr int kFrameInstructions = 240;
inline constexpr int kFrameRegisters = 80;
inline constexpr int kFrameColumns = 128;  // of the products beside
inline constexpr int kFrameBatch = 32;
inline constexpr int kProductsBits = 20;  // of a stamp's value; above them is the time that so many products took

}  // namespace tw::gpu::streams

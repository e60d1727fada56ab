// SPDX-License-Identifier: Apache-2.0
//
// From the PE's terms back to the layer's, for runs that compute values: swapped and depthwise layers are
// turned round; flattened ones keep their one row of pixels.
#pragma once

#include "mappers/lower/plan.h"

namespace tilewright::mappers {

// `lanes` and the output `rows` x `columns` are those of the normal form.
WorkCoordinates work_coordinates(const Plan& plan, uint32_t group, Range lanes, Range rows, Range columns,
                                 const ReductionChunk& reduction);

// What a chunk must hold for the work: weights of its channels, or the pixels its taps reach (padding
// included).
ChunkCoordinates chunk_coordinates(const Plan& plan, TileRole role, const WorkCoordinates& work);

}  // namespace tilewright::mappers

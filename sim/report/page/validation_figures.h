// SPDX-License-Identifier: Apache-2.0
//
// The figures of a validation: simulated against measured, and errors against what the points vary over.
#pragma once

#include <string>
#include <vector>

#include "sim/base/validation_record.h"
#include "sim/report/page/markup.h"

namespace tilewright::report {

using PointList = std::vector<const ValidationPoint*>;

// One panel a unit, families told apart by shape and colour; bands of 10 and 25 %.
std::string correlation_figure(const ValidationRecord& record);

// One panel for each parameter that takes at least two values in the family. Empty where there is none.
std::string error_figure(const std::string& family, const PointList& points);

// A marker that is filled for validation and an outline for calibration. Series differ in shape, colour or
// both.
void draw_point(Svg& svg, const ValidationPoint& point, std::size_t series, double x, double y,
                const std::string& tooltip);
std::string series_legend(const std::vector<std::string>& names);

// Points in the order of their first family or metric and so on: the distinct values of a member.
std::vector<std::string> distinct(const PointList& points, std::string ValidationPoint::*member);

}  // namespace tilewright::report

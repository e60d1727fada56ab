// SPDX-License-Identifier: Apache-2.0
//
// Sets of designs compared in several objectives at once, and why one is worth looking at. Every value here is "smaller is
// better": whoever maximises passes the negative.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tilewright::explore {

using Values = std::vector<double>;  // one per objective

// At least as good in all and better in one.
bool dominates(const Values& a, const Values& b);

// Indices of those that nobody dominates, in rising order; of equal ones all stay. Exact: after sorting, every candidate is
// compared with the front so far.
std::vector<std::size_t> pareto_front(const std::vector<Values>& points);

// Deb et al. 2002: fronts[0] is the Pareto front, fronts[1] that of the rest, and so on.
std::vector<std::vector<std::size_t>> non_dominated_sort(const std::vector<Values>& points);
// Per member of `front`, how far its neighbours are, each objective scaled to the front's extent; ends are infinite.
std::vector<double> crowding_distances(const std::vector<Values>& points, const std::vector<std::size_t>& front);

// Why a point is on the front: objectives in which nobody is better, and what is gained and paid against the nearest other
// point of the front (nearest with each objective scaled to the front's extent).
struct FrontReason {
  std::vector<std::size_t> best_in;
  std::size_t neighbour = 0;           // index in `points`; the point itself where it is alone
  std::vector<std::size_t> gains, pays;  // objectives, against the neighbour
};
FrontReason reason_on_front(const std::vector<Values>& points, const std::vector<std::size_t>& front, std::size_t point);

// Spearman's coefficient: Pearson's of the ranks, ties sharing their mean rank. NaN for fewer than two points or no spread.
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace tilewright::explore

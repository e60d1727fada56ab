// SPDX-License-Identifier: Apache-2.0
#include "mappers/search/moves.h"
#include "mappers/search/strategy.h"

namespace tilewright::mappers {
namespace {

class RandomSearch final : public SearchStrategy {
 public:
  RandomSearch(const Mapspace& space, uint64_t seed) : space_(space), random_(seed) {}

  bool next(Mapping& mapping) override {
    mapping = space_.mapping_of(random_point(space_, random_));
    return true;
  }
  void report(const Mapping&, const Evaluation*) override {}

 private:
  const Mapspace& space_;
  Random random_;
};

}  // namespace

std::unique_ptr<SearchStrategy> make_random_search(const Mapspace& space, uint64_t seed) {
  return std::make_unique<RandomSearch>(space, seed);
}

}  // namespace tilewright::mappers

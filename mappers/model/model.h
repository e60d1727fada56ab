// SPDX-License-Identifier: Apache-2.0
//
// One mapping, evaluated in closed form: every mapping-determined count (sim/base/activity.h), exactly as the simulator
// will count it; a lower bound on its cycles; and the energy of both.
//
//   LayerModel model(layer, spec, residency, energy_rates(spec, table));
//   Evaluation result;
//   if (model.evaluate(mapping, result)) { result.cycles, result.energy_j, result.counts ... }
//   else { model.refusal() says what does not fit }
//
// Exact: all actions but dram_activate and dram_refresh, which are timing-determined and left at zero. Energy is of
// these counts, and of leakage and standby power over the bound's cycles, so it is a lower bound as well.
//
// Cycles: docs/mapper.md derives every term. No machine of this spec is faster; where compute is at least 1.25 times
// every other term and the layer is large, the simulator is mostly at most 5 % slower (docs/mapper.md, "How near").
//
// Cost: halves of a mapping (lanes, pixels) are worked out once and kept; combining two takes about a microsecond.
// Counts cannot wrap round: the constructor refuses layers whose largest product could leave 64 bits.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "mappers/model/energy_rates.h"
#include "mappers/model/parts.h"

namespace tilewright::mappers {

// What a bound on the cycles is made of: the resource that is busy so long, its share of start-up and end included.
enum class Term : uint8_t {
  kCompute,
  kRowLinks,
  kCollectLinks,
  kOutputPort,
  kBanks,
  kLoadDma,
  kStoreDma,
  kDram,
  kInputSlots,   // tiles held in the global buffer from the first byte loaded to the last byte sent
  kWeightSlots,
  kOutputSlots,
  kFirstWalk,    // tiles that are kept must all be loaded before the second walk over them
  kCount
};
inline constexpr std::size_t kTermCount = static_cast<std::size_t>(Term::kCount);
std::string_view name(Term term);
using Terms = std::array<double, kTermCount>;

struct Evaluation {
  double cycles = 0;  // the largest term: a lower bound
  // Expected beside the bound: cycles in which the busiest PE waits because a buffer's new contents cannot arrive while it
  // works on the old. An estimate; zero where every buffer holds the next while it uses the last.
  double waits = 0;
  // Expected too: units that are nearly equally busy delay each other. A high norm of the terms, slots left out, instead of
  // their maximum.
  double contention = 0;
  double energy_j = 0;  // a lower bound too: of the counts and of `cycles`
  uint64_t steps = 0;   // of all PEs: what a simulation takes grows with it
  std::array<uint64_t, kActionCount> counts{};
  Terms terms{};

  double expected_cycles() const { return cycles + waits + contention; }
  // Leakage and standby power go on while it waits.
  double expected_energy_j(const EnergyRates& rates) const {
    return energy_j + rates.per_cycle * (expected_cycles() - cycles);
  }
  double edp() const { return expected_cycles() * energy_j; }  // joule-cycles
  Term limiter() const;
  Activity activity() const;
};

// A mapping in halves that are known already.
struct Halves {
  const Form* form = nullptr;
  const ReductionCut* cut = nullptr;
  const LanePart* lanes = nullptr;
  const PixelPart* pixels = nullptr;
  const Geometry* geometry[2] = {};  // [lane parts adjacent]
  Split split;
  bool bypass = false;  // weights go past the global buffer
  Traffic stream;  // DRAM traffic of the stream's operand, moved once
};
// What is left to choose.
struct Choice {
  arch::Dataflow dataflow = arch::Dataflow::kOsLws;
  LoopOrder pe_order = LoopOrder::kWeightsOuter;
  LoopOrder tile_order = LoopOrder::kWeightsOuter;
  uint32_t input_slots = 2, weight_slots = 2, output_slots = 2;
};

class LayerModel {
 public:
  // Layers of the PE array only. Throws UserError where counts could leave 64 bits. Keeps a reference to the spec.
  LayerModel(const workloads::Layer& layer, const arch::AcceleratorSpec& spec, const Residency& residency,
             const EnergyRates& rates);
  ~LayerModel();
  LayerModel(LayerModel&&) noexcept;

  // False where the mapping is not legal: refusal() then names what it needs too much of ("pe.weight_buffer", ...).
  bool evaluate(const Mapping& mapping, Evaluation& result);
  const std::string& refusal() const { return refusal_; }

  // The two steps of evaluate(). `mapping` is brought into the form that lowering gives it (sizes clipped).
  bool prepare(Mapping& mapping, Halves& halves);
  bool combine(const Halves& halves, const Choice& choice, Evaluation& result);

  const workloads::Layer& layer() const { return layer_; }
  const arch::AcceleratorSpec& spec() const { return spec_; }
  const Residency& residency() const { return residency_; }
  const EnergyRates& rates() const { return rates_; }
  const Form& form(Packing packing, bool swap);
  // The parts of prepare(), for searches that go through many pairs. The mapping's sizes are clipped already.
  const ReductionCut& reduction(const Form& form, const Mapping& mapping);
  const LanePart& lane_part(const Form& form, const Mapping& mapping);
  const PixelPart& pixel_part(const Form& form, const ReductionCut& cut, const Mapping& mapping);

  // What no choice can go below with these halves (their geometry and stream traffic are not needed).
  struct Floor {
    double cycles = 0, energy_j = 0;
    double expected = 0;  // of Evaluation::expected_cycles
    Terms terms{};
  };
  Floor floor_of(const Halves& halves, bool energy = true) const;
  // Raises `expected` by what units that are nearly equally busy make of each other.
  static void add_contention(Floor& floor);
  // What no slots can go below under these loop orders; closer, expected waits included, at the cost of an evaluation.
  // `keeps`: the tiles of the inner loop all stay. None where no slots fit.
  std::optional<Floor> floor_of_order(const Halves& halves, const Choice& choice, bool keeps, bool energy = true) const;
  // The dataflow that costs least energy; nothing else depends on it.
  arch::Dataflow best_dataflow(const Halves& halves, const std::vector<arch::Dataflow>& dataflows) const;
  // The same for all halves of a split whose lanes have at least `channel_tiles` and whose kernels at least `vectors`.
  Floor floor_of_split(const Form& form, const Split& split, uint64_t vectors) const;

 private:
  struct Caches;
  struct Work;  // what combine() adds up for the time bound

  bool refuse(std::string_view what);
  void refuse_overflow() const;
  bool admit(const Halves& halves);
  const AxisCut& axis(const Form& form, const ReductionCut& cut, AxisKind kind, uint32_t tile, uint32_t block);
  Traffic stream_traffic(const Form& form, const PixelPart& pixels, const Mapping& mapping);
  void find_geometry(Halves& halves);

  struct Ends {  // of a layer: before anything of a kind can happen, and after the last of it; cycles
    double fill = 0, link_fill = 0, tail = 0, store = 0, latency = 0;
    double lane_first = 0, stream_first = 0;  // bytes of the first tiles
    double batches = 1, last_groups = 1;
  };
  struct Expected {
    double waits = 0;     // of PEs for their buffers, and for tiles of classes with one slot
    double at_least = 0;  // cycles that the memory takes, however well all else overlaps
  };

  void choose_scopes(const Halves& halves, const Choice& choice, Work& work) const;
  void size_tiles(const Halves& halves, Work& work) const;
  bool allocate(const Halves& halves, const Choice& choice, Work& work);
  bool allocate_most(const Halves& halves, bool keeps, Work& work) const;
  void count_sends(const Halves& halves, Work& work) const;
  void count_memory(const Halves& halves, const Choice& choice, Work& work) const;
  void count_actions(const Halves& halves, const Choice& choice, const Work& work, Evaluation& result) const;
  struct LeastTraffic {  // every tile moved once, or every chunk fetched once
    Traffic lane, stream, written;
  };
  struct LeastSends {
    double lane = 0, stream = 0;  // bytes, every chunk once
  };
  LeastTraffic least_traffic(const Halves& halves) const;
  LeastSends least_sends(const Halves& halves) const;
  Traffic fetched_once(const Halves& halves) const;
  double first_lane_bytes(const Halves& halves) const;
  void floor_time(const Halves& halves, const LeastTraffic& traffic, const LeastSends& sends, Floor& floor) const;
  double floor_energy(const Halves& halves, const LeastTraffic& traffic, const LeastSends& sends, double cycles) const;
  double dataflow_energy(const Halves& halves, arch::Dataflow dataflow) const;
  double load_time(double bytes) const { return bytes > 0 ? first_latency_ + bytes / memory_rate_ : 0; }
  Ends ends_of(const Halves& halves) const;
  void bound_array(const Halves& halves, const Ends& ends, Terms& terms) const;
  void bound_memory(const Halves& halves, const Ends& ends, const Traffic& read, const Traffic& written,
                    Terms& terms) const;
  static double contention_of(const Terms& terms, double cycles);
  Expected bound_time(const Halves& halves, const Work& work, Evaluation& result) const;
  void bound_slots(const Halves& halves, const Work& work, Evaluation& result) const;
  double first_walk(const Halves& halves, const Work& work, double latency, double tail, double& expected) const;
  double store_time(const Halves& halves, double lanes, double pixels, double groups) const;
  double last_two_stores(const Halves& halves, const Work& work, const Ends& ends) const;
  double first_sends(const Halves& halves, const Work& work, const Ends& ends) const;
  double expect_waits(const Halves& halves, const Work& work) const;

  workloads::Layer layer_;
  const arch::AcceleratorSpec& spec_;
  Residency residency_;
  EnergyRates rates_;
  TensorPlaces places_;
  TrafficCounter traffic_;
  bool input_resident_, weights_resident_, output_resident_;
  // Of the DRAM's peak, beside refresh and turnarounds (docs/dram.md); for expectations, not for bounds.
  static constexpr double kAchieved = 0.92;
  double core_per_dram_ = 1, cycles_per_burst_ = 0, memory_rate_ = 0, first_latency_ = 0;
  std::string refusal_;
  std::unique_ptr<Caches> caches_;
};

}  // namespace tilewright::mappers

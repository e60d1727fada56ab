#include <fmt/format.h>
#include <charconv>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include "arch/load_gpu.h"
#include "sim/gpu/programs/builder.h"
#include "sim/gpu/programs/tile_code.h"
#include "sim/gpu/simulator.h"
extern "C" int sc_main(int, char**);
extern "C" int sc_main(int, char**) { return 0; }
using namespace tilewright;
using namespace tilewright::gpu;
struct I { std::string op; uint32_t stall; uint8_t sets = 0, reads = 0, waits = 0; bool y = false; };
static uint32_t number_after(std::string_view o, int dots) { for (; dots > 0; --dots) o.remove_prefix(o.find('.') + 1); uint32_t n = 0; std::from_chars(o.data(), o.data() + o.size(), n); return n; }
static void body(ProgramBuilder& p, const std::vector<I>& list) {
  size_t look = SIZE_MAX; uint8_t board = 0;
  for (size_t i = 0; i + 1 < list.size(); ++i) {
    const I& x = list[i]; const std::string& o = x.op;
    if (o.starts_with("HGMMA")) { p.matrix(number_after(o, 1), 1, o.find(".RS") != std::string::npos); p.commits(o.ends_with(".last")); }
    else if (o.starts_with("WARPGROUP.DEPBAR")) p.matrix_wait(number_after(o, 2));
    else if (o.starts_with("SYNCS.PHASECHK")) { look = i; board = x.sets; p.instruction(MathKind::kControl, x.stall, 0, 0, x.waits, x.y); continue; }
    else if (o.starts_with("SYNCS.ARRIVE")) { p.arrive(1, 1); p.tells_when_read(x.reads); }
    else if (look != SIZE_MAX && o == "BRA" && (x.waits >> (board - 1) & 1)) { uint32_t looked = 0; for (size_t k = look; k < i; ++k) looked += list[k].stall; p.wait(0, kNone, 1); p.looked(std::min(looked, 255u)); look = SIZE_MAX; p.delay(x.stall); continue; }
    else if (o == "FENCE") p.fence();
    else if (o == "LDS" || o == "MEMBAR") continue;
    else if (o == "BRA.taken") p.delay(list.size() > 350 ? 26 : 11);
    else { p.instruction(attention::kind_of(o), x.stall, x.sets, x.reads, x.waits, x.y); continue; }
    p.wait_for_scoreboards(x.waits); p.yields(x.y);
  }
  if (list.size() > 350) p.delay(12);
}
int main(int, char** a) {
  arch::GpuSpec machine = arch::load_gpu(a[1]).value;
  machine.sm_count = 1;
  std::ifstream f(a[2]);
  auto all = nlohmann::json::parse(f);
  std::map<std::string, std::array<double, 4>> sums;
  static const char* names[] = {"S", "W", "O", "B", "R", "M"};
  for (auto& point : all["points"]) {
    const std::string key = point[0]; const int wg = point[1]; const double measured = point[2];
    std::vector<I> list;
    for (auto& t : all["code"][key]) {
      std::istringstream q(t.get<std::string>()); I x; std::string y; q >> x.op >> x.stall;
      while (q >> y) { if (y == "y") x.y = true; else if (y[0] == 's') x.sets = y[1] - '0' + 1; else if (y[0] == 'r') x.reads = y[1] - '0' + 1; else for (size_t k = 1; k < y.size(); ++k) x.waits |= 1 << (y[k] - '0'); }
      list.push_back(x);
    }
    double total[2]; std::string offs;
    for (int z = 0; z < 2; ++z) {
      Kernel kernel;
      ProgramBuilder p("x");
      p.loop(z ? 66 : 2); body(p, list); p.end_loop(); p.stamp(1);
      WarpProgram program = p.take();
      kernel.shape.registers_per_thread = 32;
      kernel.shape.barrier_counts = {1, 1000000};
      static const int off = getenv("OFF") ? atoi(getenv("OFF")) : 0;
      for (int g = 0; g < wg; ++g) { ProgramBuilder q("x"); q.delay(1 + off * g); q.loop(z ? 66 : 2); body(q, list); q.end_loop(); q.stamp(1 + g); add_warpgroup(kernel, q.take()); }
      kernel.ctas.push_back({});
      GpuSimulator sim(machine, Fidelity::kEvent);
      const auto cta = sim.run(kernel).ctas[0]; total[z] = 0; for (int g = 0; g < wg; ++g) total[z] = std::max(total[z], double(cta.stamps[1 + g])); offs = fmt::format("{} {}", int64_t(cta.stamps[2] - cta.stamps[1]), wg > 2 ? int64_t(cta.stamps[3] - cta.stamps[1]) : 0);
    }
    const double cycles = (total[1] - total[0]) / 64;
    const int what = std::stoi(key.substr(key.rfind('|') + 1));
    std::string label;
    for (int k = 0; k < 6; ++k) if (what >> k & 1) label += names[k];
    if (a[3]) fmt::print("{:26} {:7} wg{} card {:8.1f} sim {:8.1f} {:+7.1f} {:+6.1f} % off {}\n", key, label, wg, measured, cycles, cycles - measured, 100 * (cycles / measured - 1), offs);
    const bool weighs = what & 2, multiplies = what & 5;
    auto& sum = sums[fmt::format("wg{} {}", wg, weighs && multiplies ? "both" : weighs ? "weigh" : "multiply")];
    const double e = 100 * (cycles / measured - 1);
    sum[0] += 1; sum[1] += e; sum[2] += std::abs(e); sum[3] = std::max(sum[3], std::abs(e));
  }
  for (auto& [k, v] : sums) fmt::print("{}: n {} bias {:.1f} abs {:.1f} worst {:.1f}; ", k, v[0], v[1] / v[0], v[2] / v[0], v[3]);
  fmt::print("\n");
}

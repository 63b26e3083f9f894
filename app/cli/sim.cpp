// :sim, a whole cluster in one thread under a seed: the shipped code over disks, clocks and a network that
// are not real.
#include <charconv>
#include <chrono>
#include <ostream>

#include "actors/sim/run.hpp"
#include "app/cli/catalog.hpp"

namespace muster::cli {
namespace {

constexpr uint64_t kMostSeeds = 1'000'000;
constexpr int kViolated = 4;

/// The number after a flag, `fallback` without one. Error: `usage` naming the flag and its limits.
Result<uint64_t> number(const Call& call, std::string_view flag, uint64_t fallback, uint64_t least,
                        uint64_t most) {
  if (!call.has(flag)) return fallback;
  const auto text = call.text(flag);
  uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return usage_error("--" + std::string{flag} + ": '" + text + "' is no number from " +
                       std::to_string(least) + " to " + std::to_string(most));
  return value;
}

Json to_json(const sim::Outcome& done) {
  Json json = {{"seed", done.seed},
               {"held", done.violation.empty()},
               {"digest", done.digest},
               {"state", done.state},
               {"virtual_seconds", static_cast<double>(done.virtual_ms) / 1000},
               {"lines", done.lines},
               {"acknowledged", done.acknowledged},
               {"reads", done.reads},
               {"terms", done.leaders},
               {"faults", done.faults}};
  if (!done.violation.empty()) {
    json["violation"] = done.violation;
    json["history"] = done.history;
  }
  return json;
}

void print(std::ostream& out, const sim::Outcome& done) {
  out << "seed " << done.seed << ": " << done.virtual_ms / 1000 << " s, " << done.faults << " faults, "
      << done.leaders << " terms, " << done.lines << " lines, " << done.acknowledged << " acknowledged, "
      << done.reads << " reads, digest " << done.digest << '\n';
  if (done.violation.empty()) return;
  for (const auto& line : done.history) out << "  " << line << '\n';
  out << "seed " << done.seed << " fails " << done.violation << '\n';
}

void print_sum(std::ostream& out, const Json& sum) {
  out << sum["seeds"] << " seeds, " << sum["failed"] << " failed; " << sum["seeds_per_second"].get<double>()
      << " seeds/s, " << sum["virtual_seconds_per_second"].get<double>() << " virtual seconds a second\n";
}

Outcome run(Call& call) {
  const auto first = number(call, "seed", 1, 0, UINT64_MAX / 2);
  const auto nodes = number(call, "nodes", 3, 1, sim::kMostNodes);
  const auto minutes = number(call, "minutes", 1, 1, sim::kMostMinutes);
  const auto seeds = number(call, "seeds", 1, 1, kMostSeeds);
  for (const auto* value : {&first, &nodes, &minutes, &seeds})
    if (!*value) return value->error();

  const auto begin = std::chrono::steady_clock::now();
  Json rows = Json::array();
  uint64_t failed = 0, virtual_ms = 0;
  for (auto seed = *first; seed < *first + *seeds; seed++) {
    const auto done = sim::run({.seed = seed,
                                .nodes = static_cast<unsigned>(*nodes),
                                .faults_ms = *minutes * 60'000,
                                .planted = {},
                                .rules = {}});
    failed += done.violation.empty() ? 0 : 1;
    virtual_ms += done.virtual_ms;
    if (call.json)
      rows.push_back(to_json(done));
    else
      print(call.io.out, done);
  }
  const auto seconds =
    std::max(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 1e-9);
  const Json sum = {{"seeds", *seeds},
                    {"failed", failed},
                    {"seconds", seconds},
                    {"seeds_per_second", static_cast<double>(*seeds) / seconds},
                    {"virtual_seconds_per_second", static_cast<double>(virtual_ms) / 1000 / seconds},
                    {"runs", rows}};
  if (call.json)
    print_json(call, sum);
  else
    print_sum(call.io.out, sum);
  return failed == 0 ? 0 : kViolated;
}

}  // namespace

Verb sim_verb() {
  return {.name = ":sim",
          .summary = "Run whole clusters under faults in virtual time; nothing outside is touched",
          .example = "muster :sim --seed 7 --nodes 3 --minutes 2\nmuster :sim --seeds 100 --json",
          .run = run,
          .flags = {{"seed", "S", "The first seed; the same seed is the same run (default 1)"},
                    {"nodes", "N", "Voters at first; two more machines come and go (default 3, at most 9)"},
                    {"minutes", "M", "Virtual minutes of faults, before peace returns (default 1)"},
                    {"seeds", "COUNT", "How many seeds, one after the other (default 1)"}}};
}

}  // namespace muster::cli

// How long views of the past take: random seqs of a log that tests/bench/make_log.cpp made.
#include <random>

#include "actors/world.hpp"
#include "events/log/chain.hpp"
#include "events/log/rocks_disk.hpp"
#include "tests/bench/measure.hpp"

/// --data DIR --rounds N.
int main(int argc, char** argv) {
  using namespace muster;
  const bench::Arguments arguments{argc, argv};
  const auto disk = log::open_rocks_disk(arguments.text("data") + "/log", log::Access::read_only);
  if (!disk) bench::give_up(disk.error().detail);
  const auto head = log::read_head(**disk).seq;
  std::mt19937_64 random{7};
  bench::Latencies took;
  for (int i = 0; i < arguments.whole("rounds", 200); i++) {
    const auto seq = 1 + random() % head;
    const auto from = bench::now();
    const auto views = views_at(**disk, seq);
    if (!views) bench::give_up(views.error().detail);
    took.add(bench::now() - from);
  }
  bench::Figures{}.add("p50_us", took.at(0.5)).add("p99_us", took.at(0.99)).add("max_us", took.at(1)).print();
}

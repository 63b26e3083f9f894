// How long a tree of scripts takes to be read: for the first time, and again when nothing changed.
#include "adapters/job_files.hpp"
#include "tests/bench/measure.hpp"

/// --root DIR --rounds N.
int main(int argc, char** argv) {
  using namespace muster;
  const bench::Arguments arguments{argc, argv};
  JobFiles files(arguments.text("root"));
  size_t jobs = 0;
  const auto read = [&] {
    const auto from = bench::now();
    const auto listing = files.read();
    if (!listing) bench::give_up(listing.error().detail);
    jobs = (*listing)->tree.jobs().size();
    return bench::now() - from;
  };
  const double cold = read();
  bench::Latencies again;
  for (int i = 0; i < arguments.whole("rounds", 9); i++) again.add(read());
  bench::Figures{}
    .add("jobs", static_cast<double>(jobs))
    .add("cold_ms", cold * 1e3)
    .add("again_ms", again.at(0.5) / 1e3)
    .print();
}

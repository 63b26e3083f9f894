// Durations that were counted elsewhere, as a histogram of Prometheus.
#pragma once

#include <vector>

#include <prometheus/histogram.h>

namespace muster::http {

/// Adds to `histogram` what was counted since the last look, which is in `shown`. `Counts` are those of
/// Durations with the histogram's bounds.
template <class Counts>
void show_durations(prometheus::Histogram& histogram, const Counts& now, Counts& shown) {
  std::vector<double> more(now.buckets.size());
  for (size_t bucket = 0; bucket < more.size(); bucket++)
    more[bucket] = static_cast<double>(now.buckets[bucket] - shown.buckets[bucket]);
  histogram.ObserveMultiple(more, now.sum - shown.sum);
  shown = now;
}

}  // namespace muster::http

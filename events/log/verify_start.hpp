// Where a file of lines may start, gathered while its lines pass (docs/log_format.md, "Where a file starts").
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace muster::log {

class Starts {
public:
  /// Every well-formed line passes here in order. `dropped` is the last seq that it says was dropped, 0 when
  /// it says nothing of the kind; `first` the seq of the file's first line.
  void see(uint64_t seq, uint64_t dropped, uint64_t first) {
    if (seqs_.size() < kJudges) seqs_.push_back(seq);
    if (dropped == 0 || dropped >= seq) return;
    if (dropped + 1 == first) named_ = true;
    if (seqs_.size() < kJudges)
      early_.push_back(dropped + 1);
    else if (dropped < middle())
      best_ = std::max(best_, dropped + 1);
  }
  /// Whether the first line's seq is one where a file may start.
  [[nodiscard]] bool is_first(uint64_t first) const { return named_ && first <= middle(); }
  /// S of the rules: the greatest start.
  [[nodiscard]] uint64_t greatest() const {
    uint64_t found = best_;
    for (const auto start : early_)
      if (start <= middle()) found = std::max(found, start);
    return found;
  }

private:
  static constexpr size_t kJudges = 3;

  [[nodiscard]] uint64_t middle() const {
    auto sorted = seqs_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

  std::vector<uint64_t> seqs_;   ///< Of the first well-formed lines.
  std::vector<uint64_t> early_;  ///< Starts that were seen before the middle was known.
  uint64_t best_ = 1;
  bool named_ = false;
};

}  // namespace muster::log

// Nearest words by optimal string alignment.
#include "base/nearest.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace muster {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_back(b.size() + 1), back(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) back[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      row[j] = std::min({back[j] + 1, row[j - 1] + 1, back[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
    two_back.swap(back);
    back.swap(row);
  }
  return back[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known) {
  // A stranger's word may be of any length, and the distance costs its square.
  constexpr size_t kLongest = 64;
  if (word.size() > kLongest) return std::nullopt;
  std::optional<std::string_view> best;
  size_t fewest = 0;
  for (const auto candidate : known) {
    const size_t edits = edit_distance(word, candidate);
    if (edits * 2 <= std::max(word.size(), candidate.size()) && (!best || edits < fewest)) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto found = nearest(word, known);
  return found ? "; did you mean '" + std::string{*found} + "'?" : std::string{};
}

}  // namespace muster

// Matching words, not characters.
#include "adapters/topic.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace muster {
namespace {

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> all;
  for (size_t dot = 0; dot != std::string_view::npos;) {
    dot = text.find('.');
    all.push_back(text.substr(0, dot));
    if (dot != std::string_view::npos) text.remove_prefix(dot + 1);
  }
  return all;
}

}  // namespace

/// Going back to the last `#` alone is enough: what an earlier one could take, the last one can take too.
bool topic_matches(std::string_view pattern, std::string_view topic) {
  const auto want = words(pattern);
  const auto have = words(topic);
  constexpr size_t kNone = SIZE_MAX;
  size_t w = 0;
  size_t h = 0;
  size_t hash = kNone;  // Where the last '#' stands, and up to which word it reaches.
  size_t reach = 0;
  while (h < have.size()) {
    if (w < want.size() && want[w] == "#") {
      hash = w++;
      reach = h;
    } else if (w < want.size() && (want[w] == "*" || want[w] == have[h])) {
      w++;
      h++;
    } else if (hash != kNone) {
      w = hash + 1;
      h = ++reach;
    } else {
      return false;
    }
  }
  while (w < want.size() && want[w] == "#") w++;
  return w == want.size();
}

}  // namespace muster

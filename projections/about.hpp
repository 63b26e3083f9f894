// What every view says of itself.
#pragma once

#include <cstdint>

#include "events/fields.hpp"

namespace muster {

struct About {
  uint64_t changed = 0;  ///< The seq of the last record that changed the view: its ETag.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("changed", self.changed);
  }
};

/// Erases the first rows of `map` until it holds at most `limit`. Keys that grow with time: the oldest go.
template <class Map, class Key>
void keep_last(Map& map, size_t limit, Key lowest) {
  while (map.size() > limit) {
    Key first = lowest;
    map.each_from(lowest, [&](const Key& key, const auto&) {
      first = key;
      return false;
    });
    map.erase(first);
  }
}

}  // namespace muster

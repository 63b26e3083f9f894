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
template <class Map>
void keep_last(Map& map, size_t limit) {
  while (map.size() > limit) map.erase_first();
}

}  // namespace muster

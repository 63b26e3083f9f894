// Sources by name: GET /sources.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::sources {

struct View {
  static constexpr std::string_view name = "sources";
  static constexpr int version = 1;

  About about;
  PagedMap<std::string, Shared<Added>> sources;  ///< As added, with what they were pinned to since.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("sources", self.sources);
  }
};

}  // namespace muster::sources

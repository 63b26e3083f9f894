// Templates and the profile in use, and the plan that each node was last given.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::plans {

struct View {
  static constexpr std::string_view name = "plans";
  static constexpr int version = 1;

  /// A template file or the profile. After a failed read the last good content stays, with the error.
  struct Source {
    std::string generation;  ///< Empty: never read well.
    RawJson content;         ///< A template's apps, or the profile's document.
    Time loaded_at{};
    bool ok = false;  ///< The last read was good.
    std::string error;
    Time error_at{};
    uint64_t seq = 0;
    bool operator==(const Source&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("generation", self.generation);
      visit("content", self.content);
      visit("loaded_at", self.loaded_at);
      visit("ok", self.ok);
      visit("error", self.error);
      visit("error_at", self.error_at);
      visit("seq", self.seq);
    }
  };
  struct Given {
    Shared<Issued> plan;
    Time at{};
    uint64_t seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("plan", self.plan);
      visit("at", self.at);
      visit("seq", self.seq);
    }
  };

  About about;
  Shared<Source> profile;
  PagedMap<std::string, Shared<Source>> templates;  ///< By file name.
  PagedMap<std::string, Given> issued;              ///< By node id.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("profile", self.profile);
    visit("templates", self.templates);
    visit("issued", self.issued);
  }
};

}  // namespace muster::plans

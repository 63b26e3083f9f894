// Which secrets are sealed, where and until when; their values are nowhere near.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "projections/about.hpp"

namespace muster::secrets {

struct View {
  static constexpr std::string_view name = "secrets";
  static constexpr int version = 1;

  struct Row {
    std::string secret;  ///< The id under which its holder has sealed it.
    std::string holder;  ///< A node.
    Time created_at{}, expires_at{};
    uint64_t seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("secret", self.secret);
      visit("holder", self.holder);
      visit("created_at", self.created_at);
      visit("expires_at", self.expires_at);
      visit("seq", self.seq);
    }
  };

  About about;
  PagedMap<std::string, Row> secrets;  ///< By name.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("secrets", self.secrets);
  }
};

}  // namespace muster::secrets

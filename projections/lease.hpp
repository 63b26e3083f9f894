// Who leads, since when, and who did before: GET /v1/leader.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "projections/about.hpp"

namespace muster::lease {

struct View {
  static constexpr std::string_view name = "lease";
  static constexpr int version = 1;
  static constexpr size_t kMaxHistory = 64;

  struct Holder {
    std::string node, url;  ///< Empty: nobody holds the lease.
    uint64_t epoch = 0;     ///< Never falls, whoever holds it.
    Time granted_at{};
    uint64_t since = 0;  ///< The seq of the grant.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("node", self.node);
      visit("url", self.url);
      visit("epoch", self.epoch);
      visit("granted_at", self.granted_at);
      visit("since", self.since);
    }
  };
  struct Grant {
    std::string node, url;
    Time granted_at{}, ended_at{};  ///< ended_at is left out while it holds.
    uint64_t seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("node", self.node);
      visit("url", self.url);
      visit("granted_at", self.granted_at);
      visit("ended_at", self.ended_at);
      visit("seq", self.seq);
    }
  };

  About about;
  Holder holder;
  PagedMap<uint64_t, Grant> history;  ///< By epoch: the last kMaxHistory grants.

  [[nodiscard]] bool held() const { return !holder.node.empty(); }

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("holder", self.holder);
    visit("history", self.history);
  }

private:
  void end(Time at);
};

}  // namespace muster::lease

// Claims that are open, and those that closed within a day: what a watcher waits for.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "projections/about.hpp"

namespace muster::claims {

struct View {
  static constexpr std::string_view name = "claims";
  static constexpr int version = 1;
  static constexpr Millis kKeepClosed = std::chrono::hours(24);  ///< In log time.
  static constexpr size_t kMaxClosed = 100'000;
  static constexpr size_t kTrimAtOnce = 64;

  struct Row {
    std::string state;  ///< "open", "fulfilled" or "expired".
    Time opened_at{}, expires_at{}, closed_at{};
    std::string node;  ///< Who fulfilled it, when they said so.
    RawJson info;
    uint64_t seq = 0;  ///< Of its last change.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("state", self.state);
      visit("opened_at", self.opened_at);
      visit("expires_at", self.expires_at);
      visit("closed_at", self.closed_at);
      visit("node", self.node);
      visit("info", self.info);
      visit("seq", self.seq);
    }
  };
  struct Closed {
    std::string claim;
    Time at{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("claim", self.claim);
      visit("at", self.at);
    }
  };
  struct Counts {
    uint64_t open = 0;
    Time next_trim{};  ///< When the oldest closed claim goes; left out when there is none.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("open", self.open);
      visit("next_trim", self.next_trim);
    }
  };

  About about;
  Counts counts;
  PagedMap<std::string, Row> claims;  ///< By claim id.
  PagedMap<uint64_t, Closed> closed;  ///< By the seq that closed them: the order in which they go.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("counts", self.counts);
    visit("claims", self.claims);
    visit("closed", self.closed);
  }

private:
  void open(const Opened& event, const Record& record);
  void close(const std::string& id, const Record& record, std::string_view state, const Fulfilled* how);
  void trim(const Record& record);
};

}  // namespace muster::claims

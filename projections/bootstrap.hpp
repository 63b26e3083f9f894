// What each node last reported of each component, what it is about to write, what was added, and what is
// paused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::bootstrap {

struct View {
  static constexpr std::string_view name = "bootstrap";
  static constexpr int version = 3;

  struct Row {
    Shared<Reported> report;
    Time at{};
    uint64_t seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("report", self.report);
      visit("at", self.at);
      visit("seq", self.seq);
    }
  };

  /// Until it is told what came of it.
  struct Intent {
    Shared<Intended> intended;
    Time at{};
    uint64_t seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("intended", self.intended);
      visit("at", self.at);
      visit("seq", self.seq);
    }
  };
  struct Pause {
    std::string by, reason;
    Time at{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("by", self.by);
      visit("reason", self.reason);
      visit("at", self.at);
    }
  };
  struct AddedThing {
    std::string component, owner;  ///< The node, or "server/" and the server's mark.
    Thing thing;
    uint64_t seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("component", self.component);
      visit("owner", self.owner);
      visit("thing", self.thing);
      visit("seq", self.seq);
    }
  };

  About about;
  PagedMap<std::string, Row> reports;     ///< By key(node, component).
  PagedMap<std::string, Intent> intents;  ///< Likewise.
  PagedMap<std::string, Pause> paused;    ///< By component.
  PagedMap<std::string, AddedThing> added;
  /// Things that are remembered; what is added beyond that is never offered to be taken away.
  static constexpr size_t kMaxAdded = 100'000;

  /// Ids have no control characters, so that a newline parts them.
  [[nodiscard]] static std::string key(std::string_view node, std::string_view component);
  /// Calls visit(row) for each component that the node reported, in the order of their names.
  template <class Visit>
  void each_of(std::string_view node, Visit&& visit) const {
    const auto prefix = key(node, "");
    reports.each_from(prefix, [&](const std::string& at, const Row& row) {
      if (!at.starts_with(prefix)) return false;
      visit(row);
      return true;
    });
  }

  /// What `node` may take away of a component: on the server with the mark `endpoint` what anybody added, and
  /// without one what it added in itself.
  [[nodiscard]] std::vector<Thing> added_by(std::string_view node, std::string_view component,
                                            std::string_view endpoint) const;

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("reports", self.reports);
    visit("intents", self.intents);
    visit("paused", self.paused);
    visit("added", self.added);
  }
};

}  // namespace muster::bootstrap

// Which nodes there are, what they run and whether they are heard: GET /v1/nodes.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::nodes {

struct View {
  static constexpr std::string_view name = "nodes";
  static constexpr int version = 1;

  struct Row {
    Shared<Registered> record;  ///< As it last registered.
    Shared<Changed> report;     ///< Its last heartbeat that told something new: role, services, versions.
    bool heard = false;         ///< A heartbeat came since the registration.
    bool silent = false;
    Time registered_at{};
    Time last_heard{};  ///< The last time that an event proves it was alive.
    uint64_t seq = 0;   ///< Of its last change.

    /// "registered", "healthy" or "stale".
    [[nodiscard]] std::string_view status() const;
    /// What it registered with, overridden by what its heartbeats say.
    [[nodiscard]] StringMap versions() const;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("record", self.record);
      visit("report", self.report);
      visit("heard", self.heard);
      visit("silent", self.silent);
      visit("registered_at", self.registered_at);
      visit("last_heard", self.last_heard);
      visit("seq", self.seq);
    }
  };
  struct Counts {
    uint64_t registered = 0, healthy = 0, stale = 0;
    uint64_t forgotten = 0;  ///< Taken off the list since the log began.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("registered", self.registered);
      visit("healthy", self.healthy);
      visit("stale", self.stale);
      visit("forgotten", self.forgotten);
    }
  };

  About about;
  Counts counts;
  PagedMap<std::string, Row, 16> nodes;  ///< By node id.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("counts", self.counts);
    visit("nodes", self.nodes);
  }

private:
  template <class Change>
  void update(const std::string& node, const Record& record, Change&& change);
  void count(const Row& row, uint64_t by);
};

}  // namespace muster::nodes

// Who did what: counts for each actor, and the last thousand records without their data.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::audit {

struct View {
  static constexpr std::string_view name = "audit";
  static constexpr int version = 1;
  static constexpr size_t kMaxActors = 10'000;  ///< Actors beyond are counted under "(others)".
  static constexpr size_t kMaxRows = 1'000;

  struct Actor {
    uint64_t count = 0, first_seq = 0, last_seq = 0;
    Time first_time{}, last_time{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("count", self.count);
      visit("first_seq", self.first_seq);
      visit("last_seq", self.last_seq);
      visit("first_time", self.first_time);
      visit("last_time", self.last_time);
    }
  };
  struct Row {
    Time time{};
    std::string actor, type, stream, request, node;
    std::optional<int64_t> cause;  ///< As in the line: a seq, or a negative offset from this one.
    bool operator==(const Row&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("time", self.time);
      visit("actor", self.actor);
      visit("type", self.type);
      visit("stream", self.stream);
      visit("request", self.request);
      visit("node", self.node);
      visit("cause", self.cause);
    }
  };

  About about;  ///< Every record changes this view.
  PagedMap<std::string, Actor> actors;
  PagedMap<uint64_t, Shared<Row>, 32> rows;  ///< By seq: the last kMaxRows.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("actors", self.actors);
    visit("rows", self.rows);
  }
};

}  // namespace muster::audit

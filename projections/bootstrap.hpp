// What each node last reported of each component: GET /v1/bootstrap/status.
#pragma once

#include <string>
#include <string_view>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::bootstrap {

struct View {
  static constexpr std::string_view name = "bootstrap";
  static constexpr int version = 1;

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

  About about;
  PagedMap<std::string, Row> reports;  ///< By key(node, component).

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

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("reports", self.reports);
  }
};

}  // namespace muster::bootstrap

// Runs as replies show them (jobs contract, section 9).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/rows.hpp"

namespace muster::http {

/// Writes runs of one set of views: the queue is gone through once, when somebody waits.
class RunShower {
public:
  RunShower(const runs::View& view, const runs::Limits& limits) : view_(view), limits_(limits) {}

  /// `status` stands for the row's own, when it is given; `oldest` is the first entry that its journal still
  /// has, 0: none, nothing: nobody looked.
  void append(std::string& out, const std::string& id, const runs::View::Row& row, std::string status = "",
              std::optional<uint64_t> oldest = {});

private:
  struct Place {
    uint64_t position = 0;
    std::string reason;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("position", self.position);
      visit("reason", self.reason);
    }
  };
  struct Shown;
  std::optional<Place> place_of(const std::string& id, const runs::View::Row& row);

  const runs::View& view_;
  const runs::Limits& limits_;
  std::vector<runs::Waiting> waiting_;
  bool looked_ = false;
};

/// ?page and ?per_page. Error: `pagination.invalid`.
struct Pages {
  uint64_t skip = 0, limit = 0;
};
Result<Pages> pages_of(const Request& request);

}  // namespace muster::http

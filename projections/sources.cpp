// Folding sources.
#include "projections/sources.hpp"

namespace muster::sources {

void View::fold(const Record& record) {
  match(record.event)(
    [&](const Added& e) {
      about.changed = record.seq;
      sources[e.name] = record.shared(e);
    },
    [&](const Pinned& e) {
      auto* shared = sources.edit(e.name);
      if (!shared) return;
      about.changed = record.seq;
      auto& source = shared->edit();
      if (!e.resolved_ref.empty()) source.resolved_ref = e.resolved_ref;
      if (!e.resolved_commit.empty()) source.resolved_commit = e.resolved_commit;
      if (!e.digest.empty()) source.digest = e.digest;
    },
    [&](const Removed& e) {
      if (sources.erase(e.name)) about.changed = record.seq;
    },
    [](const auto&) {});
}

}  // namespace muster::sources

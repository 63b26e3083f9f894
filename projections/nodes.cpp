// Folding what happens to nodes.
#include "projections/nodes.hpp"

#include <algorithm>

namespace muster::nodes {

std::string_view View::Row::status() const {
  if (silent) return "stale";
  return heard ? "healthy" : "registered";
}

StringMap View::Row::versions() const {
  auto merged = record->versions;
  for (const auto& [software, said] : report->versions) merged.insert_or_assign(software, said);
  return merged;
}

void View::count(const Row& row, uint64_t by) {
  (row.silent ? counts.stale : row.heard ? counts.healthy : counts.registered) += by;
}

template <class Change>
void View::update(const std::string& node, const Record& record, Change&& change) {
  auto* row = nodes.edit(node);
  if (!row) return;         // Nothing is said of a node that never registered.
  count(*row, UINT64_MAX);  // Adding the largest number takes one away.
  change(*row);
  count(*row, 1);
  row->seq = about.changed = record.seq;
}

void View::fold(const Record& record) {
  const auto now = record.envelope.time;
  match(record.event)(
    [&](const Registered& e) {
      auto& row = nodes[e.node];
      if (row.seq != 0) count(row, UINT64_MAX);
      row = Row{record.shared(e), {}, false, false, now, now, record.seq};
      count(row, 1);
      about.changed = record.seq;
    },
    [&](const Changed& e) {
      update(e.node, record, [&](Row& row) {
        row.report = record.shared(e);
        row.heard = true;
        row.last_heard = now;
      });
    },
    [&](const Silent& e) {
      update(e.node, record, [&](Row& row) {
        row.silent = true;
        row.last_heard = std::max(row.last_heard, e.last_seen);
      });
    },
    [&](const Returned& e) {
      update(e.node, record, [&](Row& row) {
        row.silent = false;
        row.last_heard = now;
      });
    },
    [&](const Forgotten& e) {
      const auto* row = nodes.find(e.node);
      if (!row) return;
      count(*row, UINT64_MAX);
      nodes.erase(e.node);
      counts.forgotten++;
      about.changed = record.seq;
    },
    [](const auto&) {});
}

}  // namespace muster::nodes

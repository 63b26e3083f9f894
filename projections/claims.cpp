// Folding claims.
#include "projections/claims.hpp"

namespace muster::claims {

void View::open(const Opened& event, const Record& record) {
  auto& row = claims[event.claim];
  if (row.state != "open") counts.open++;
  row = {"open", record.envelope.time, event.expires_at, {}, "", {}, record.seq};
  about.changed = record.seq;
}

void View::close(const std::string& id, const Record& record, std::string_view state, const Fulfilled* how) {
  const auto* known = claims.find(id);
  if (!known || known->state != "open") return;
  auto& row = claims[id];
  row.state = state;
  row.closed_at = record.envelope.time;
  row.seq = about.changed = record.seq;
  if (how) {
    row.node = how->node;
    row.info = how->info;
  }
  counts.open--;
  if (closed.empty()) counts.next_trim = record.envelope.time + kKeepClosed;
  closed[record.seq] = {id, record.envelope.time};
}

void View::trim(const Record& record) {
  for (size_t i = 0; i < kTrimAtOnce && !closed.empty(); i++) {
    if (record.envelope.time < counts.next_trim && closed.size() <= kMaxClosed) return;
    const auto [seq, oldest] = *closed.first();
    closed.erase_first();
    counts.next_trim = closed.empty() ? Time{} : closed.first()->second.at + kKeepClosed;
    const auto* row = claims.find(oldest.claim);
    if (row && row->seq == seq) claims.erase(oldest.claim);  // Else the id was opened anew.
    about.changed = record.seq;
  }
}

void View::fold(const Record& record) {
  match(record.event)([&](const Opened& e) { open(e, record); },
                      [&](const Fulfilled& e) { close(e.claim, record, "fulfilled", &e); },
                      [&](const Expired& e) { close(e.claim, record, "expired", nullptr); },
                      [](const auto&) {});
  trim(record);
}

}  // namespace muster::claims

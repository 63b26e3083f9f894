// Folding every record into the audit.
#include "projections/audit.hpp"

namespace muster::audit {

void View::fold(const Record& record) {
  const auto& envelope = record.envelope;
  const bool fits = actors.size() < kMaxActors || actors.contains(envelope.actor);
  auto& actor = actors[fits ? envelope.actor : "(others)"];
  if (actor.count++ == 0) {
    actor.first_seq = record.seq;
    actor.first_time = envelope.time;
  }
  actor.last_seq = record.seq;
  actor.last_time = envelope.time;

  // The row that goes lends its memory to the new one, unless a copy of the view still shows it.
  Shared<Row> slot;
  if (rows.size() >= kMaxRows) {
    slot = rows.first()->second;
    rows.erase_first();
  }
  auto& row = slot.edit();
  row.time = envelope.time;
  row.actor = envelope.actor;
  row.type = record.type;
  row.stream = record.stream;
  row.request = envelope.request;
  row.node = envelope.node;
  row.cause = envelope.cause;
  rows[record.seq] = std::move(slot);
  about.changed = record.seq;
}

}  // namespace muster::audit

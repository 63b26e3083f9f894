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

  rows[record.seq] = Row{envelope.time,    envelope.actor, record.type,   record.stream,
                         envelope.request, envelope.node,  envelope.cause};
  keep_last(rows, kMaxRows, uint64_t{0});
  about.changed = record.seq;
}

}  // namespace muster::audit

// Folding API tokens.
#include "projections/tokens.hpp"

namespace muster::tokens {

const View::Row* View::usable(const std::string& hash, Time now) const {
  const auto* id = by_hash.find(hash);
  const auto* row = id ? tokens.find(id->token) : nullptr;
  if (!row || (row->expires_at != Time{} && row->expires_at <= now)) return nullptr;
  return row;
}

void View::create(const Created& event, const Record& record) {
  auto& row = tokens[event.token];
  if (!row.hash.empty()) by_hash.erase(row.hash);
  row =
    Row{event.name, event.hash, event.scopes, record.envelope.time, record.envelope.actor, event.expires_at,
        false,      {}};
  by_hash[event.hash] = {event.token};
  about.changed = record.seq;
}

void View::revoke(const Revoked& event, const Record& record) {
  const auto* known = tokens.find(event.token);
  if (!known || known->revoked) return;
  auto& row = tokens[event.token];
  by_hash.erase(row.hash);
  row.revoked = true;
  row.revoked_at = record.envelope.time;
  about.changed = record.seq;

  revoked[record.seq] = {event.token};
  if (revoked.size() <= kMaxRevoked) return;
  const auto oldest = revoked.first()->second.token;
  revoked.erase_first();
  const auto* gone = tokens.find(oldest);
  if (gone && gone->revoked) tokens.erase(oldest);
}

void View::fold(const Record& record) {
  match(record.event)([&](const Created& e) { create(e, record); },
                      [&](const Revoked& e) { revoke(e, record); }, [](const auto&) {});
}

}  // namespace muster::tokens

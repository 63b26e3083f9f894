// Folding the names of secrets.
#include "projections/secrets.hpp"

namespace muster::secrets {

void View::fold(const Record& record) {
  match(record.event)(
    [&](const Sealed& e) {
      secrets[e.name] = {e.secret, e.holder, record.envelope.time, e.expires_at, record.seq};
      about.changed = record.seq;
    },
    [&](const Removed& e) {
      const auto* known = secrets.find(e.name);
      if (!known || known->secret != e.secret) return;  // Another one has its name by now.
      secrets.erase(e.name);
      about.changed = record.seq;
    },
    [](const auto&) {});
}

}  // namespace muster::secrets

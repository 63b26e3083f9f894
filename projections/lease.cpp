// Folding grants of the lease.
#include "projections/lease.hpp"

namespace muster::lease {

void View::end(Time at) {
  if (auto* grant = history.edit(holder.epoch)) grant->ended_at = at;
  holder = {"", "", holder.epoch, {}, 0};
}

void View::fold(const Record& record) {
  const auto now = record.envelope.time;
  match(record.event)(
    [&](const Granted& e) {
      if (held()) end(now);
      holder = {e.node, e.url, e.epoch, now, record.seq};
      history[e.epoch] = {e.node, e.url, now, {}, record.seq};
      keep_last(history, kMaxHistory);
      about.changed = record.seq;
    },
    [&](const Moved& e) {
      holder.url = e.url;
      if (auto* grant = history.edit(holder.epoch)) grant->url = e.url;
      about.changed = record.seq;
    },
    [&](const Lapsed&) {
      end(now);
      about.changed = record.seq;
    },
    [&](const cluster::Restored& e) {
      if (held()) end(now);
      holder.epoch = e.epoch;
      about.changed = record.seq;
    },
    [&](const cluster::Recovered& e) {
      if (held()) end(now);
      holder.epoch = e.epoch;
      about.changed = record.seq;
    },
    [](const auto&) {});
}

}  // namespace muster::lease

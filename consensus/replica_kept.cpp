// What entries leave beside lines, replies kept under idempotency keys, for who gets lines instead of
// entries.
#include "consensus/replica_impl.hpp"

namespace muster::consensus {
namespace {

constexpr uint64_t kPatienceMs = 500;  // Without progress; then another peer is asked.

}  // namespace

/// Who applied the entries of the snapshot itself has it.
bool Replica::Impl::has_kept() const {
  return !wanted || !rules.whole_lines || !rules.whole_replies || fetching.kept_all ||
         machine.head().index >= wanted->index;
}

/// Pages follow each other by key, so that another peer can go on where one stopped.
KeptFetch Replica::Impl::missing_kept() const {
  return {fetching.kept_until, std::min(wanted_since, wanted->head.seq), wanted->head.seq};
}

void Replica::Impl::ask_for_kept() {
  outside.send(fetching.peer, encode_kept_fetch(missing_kept()));
}

/// Who waits for a snapshot itself does not have all of it.
void Replica::Impl::serve_kept(MemberId to, const KeptFetch& fetch) {
  if (installing || stored_seq() < fetch.until) return;
  Kept kept{fetch, {}, true, {}};
  const auto page = machine.kept_page(fetch, kMaxKeptPage, kept.last, kept.end);
  kept.page = page;
  auto frame = encode_kept(kept);
  if (frame.size() <= kMaxFrame) outside.send(to, std::move(frame));
}

void Replica::Impl::hear_kept(MemberId from, std::string_view frame) {
  const auto kept = decode_kept(frame);
  if (!kept || !installing || !wanted || broken || !has_lines() || has_kept()) return;
  const auto asked = missing_kept();
  log::Batch batch;
  if (kept->asked != asked || !machine.take_kept(asked, kept->page, kept->last, kept->end, batch)) return;
  if (auto written = disk.write(batch, false); !written) return fail(written.error()), settle();
  fetching.kept_until = kept->last;
  fetching.kept_all = kept->end;
  fetching.peer = from;
  fetching.anew_at_ms = outside.now_ms() + kPatienceMs;
  if (!whole()) return ask_for_kept();
  finish_install();
  settle();
}

}  // namespace muster::consensus

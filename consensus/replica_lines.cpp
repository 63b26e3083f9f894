// A snapshot is stored and acknowledged only when its lines are here and fit the chain (rule 10).
#include "consensus/replica_impl.hpp"
#include "consensus/wire.hpp"

namespace muster::consensus {
namespace {

constexpr unsigned kFetchEveryMs = 100;
constexpr size_t kFrameHead = 64;

/// At most `count` lines and at most `bytes` bytes, cut behind a newline.
std::string_view first_lines(std::string_view lines, uint64_t count, size_t bytes) {
  size_t end = 0;
  for (; count > 0; count--) {
    const auto newline = lines.find('\n', end);
    if (newline == std::string_view::npos || newline >= bytes) break;
    end = newline + 1;
  }
  return lines.substr(0, end);
}

}  // namespace

bool Replica::Impl::whole() const {
  return !wanted || !rules.whole_lines || machine.head().seq >= wanted->head.seq;
}

void Replica::Impl::ask_for_lines(MemberId peer) {
  fetch_at_ms = outside.now_ms() + kFetchEveryMs;
  outside.send(peer, encode_fetch(machine.head().seq + 1));
}

void Replica::Impl::serve_lines(MemberId to, uint64_t seq) {
  if (machine.head().seq < seq) return;
  const auto lines = machine.lines_from(seq);
  const auto cut = first_lines(lines, UINT64_MAX, kMaxFrame - kFrameHead);
  if (!cut.empty()) outside.send(to, encode_lines(seq, cut));
}

void Replica::Impl::take_lines(MemberId from, std::string_view frame) {
  const auto sent = decode_lines(frame);
  if (!sent || !installing || !wanted || whole() || broken) return;
  const auto head = machine.head();
  if (sent->from != head.seq + 1) return;
  // No further than the snapshot: what follows comes with its entries, and would come twice.
  const auto lines = first_lines(sent->lines, wanted->head.seq - head.seq, kMaxFrame);
  if (lines.empty()) return;
  log::Batch batch;
  if (!machine.take_lines(lines, batch)) return machine.reload();  // They do not fit: ask another.
  if (auto written = disk.write(batch, false); !written) {
    fail(written.error());
    return settle();
  }
  if (!whole()) return ask_for_lines(from);
  finish_install();
  settle();
}

/// The lines are here: store the snapshot for libraft, or, after a restart, start from it.
void Replica::Impl::finish_install() {
  const auto snapshot = *std::exchange(wanted, std::nullopt);
  const auto head = machine.head();
  if (rules.whole_lines && head.seq == snapshot.head.seq && head.hash != snapshot.head.hash) {
    fail({"log.corrupt", "line " + std::to_string(head.seq) + " differs from the leader's"});
    return;
  }
  Write write;
  put_snapshot(write.batch, snapshot);
  erase_entries(write.batch, 0, UINT64_MAX);
  erase_wanted(write.batch);
  if (running) {
    marks.clear();
    first_index = snapshot.index + 1;
    write.done = [this, done = std::move(installed)](bool stopped) { done(stopped); };
    installed = nullptr;
    installing = false;
    return queue_write(std::move(write));
  }
  installing = false;
  if (auto written = disk.write(write.batch, true); !written) return fail(written.error());
  if (auto opened = open(); !opened) fail(opened.error());
}

}  // namespace muster::consensus

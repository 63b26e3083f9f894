// A snapshot is stored and acknowledged only when its lines are here and fit the chain (rule 10).
#include "consensus/replica_impl.hpp"

namespace muster::consensus {
namespace {

constexpr uint64_t kPatienceMs = 500;  // Without progress; then another peer is asked.
constexpr size_t kRanges = 4;          // Asked for at once, each about as large as a frame.
constexpr size_t kMaxEarly = 16;       // Frames that are kept until their turn comes.
constexpr int kFramesAnAnswer = 4;
constexpr size_t kFrameHead = 64;
constexpr uint64_t kMaxRange = 65'536;  // Lines.

/// At most `count` lines and at most `bytes` bytes, cut behind a newline. Tells how many in `count`.
std::string_view first_lines(std::string_view lines, uint64_t& count, size_t bytes) {
  size_t end = 0;
  uint64_t taken = 0;
  for (; taken < count; taken++) {
    const auto newline = lines.find('\n', end);
    if (newline == std::string_view::npos || newline >= bytes) break;
    end = newline + 1;
  }
  count = taken;
  return lines.substr(0, end);
}

}  // namespace

bool Replica::Impl::has_lines() const {
  return !wanted || !rules.whole_lines || machine.head().seq >= wanted->head.seq;
}

bool Replica::Impl::whole() const {
  return has_lines() && has_copies() && has_kept();
}

/// Asks another peer for what is missing; what is here already stays.
void Replica::Impl::fetch_anew() {
  std::vector<MemberId> peers;
  for (const auto& member : wanted->members)
    if (member.id != self && member.role != Role::spare) peers.push_back(member.id);
  if (peers.empty()) return;
  if (has_lines()) fetching.copy_tries++;
  fetching.copy.reset();
  fetching.peer = peers[size_t(outside.random(0, int(peers.size())))];
  fetching.next = machine.head().seq + 1;
  fetching.ends.clear();
  fetching.early.clear();
  fetching.asked_bytes = fetching.bytes.size();
  fetching.anew_at_ms = outside.now_ms() + kPatienceMs;
  ask();
}

/// What comes beside lines is asked for once these are here.
void Replica::Impl::ask() {
  if (!has_lines()) return ask_for_lines();
  has_copies() ? ask_for_kept() : ask_for_copy();
}

/// Several ranges are under way, so that neither the network nor a disk waits for the other.
void Replica::Impl::ask_for_lines() {
  const auto until = wanted->head.seq;
  const auto type = outside.knows_rows(fetching.peer) ? kRowsFetchFrame : kFetchFrame;
  while (fetching.ends.size() < kRanges && fetching.next <= until) {
    const auto below = std::min(fetching.next + fetching.at_once, until + 1);
    outside.send(fetching.peer, encode_fetch({fetching.next, below, until}, type));
    fetching.ends.push_back(fetching.next = below);
  }
}

/// Whether the lines were dropped; then what stands for them is told of.
bool Replica::Impl::tell_start(MemberId to, const Fetch& fetch) {
  const auto start = machine.log_start(fetch.until);
  if (!start || fetch.from >= start->oldest) return false;
  outside.send(to, encode_start(*start));
  if (start->size == 0 || start->oldest > fetch.until + 1) offer_snapshot(to, start->oldest);
  return true;
}

void Replica::Impl::serve_lines(MemberId to, const Fetch& fetch) {
  if (tell_start(to, fetch)) return;
  const auto head = machine.head().seq;
  if (head < fetch.from) return;
  const auto below = std::min({fetch.below, head + 1, fetch.from + kMaxRange});
  auto at = fetch.from;
  for (int frames = 0; at < below && frames < kFramesAnAnswer; frames++) {
    const auto lines = machine.lines_from(at);
    auto count = below - at;
    const auto cut = first_lines(lines, count, kMaxFrame - kFrameHead);
    if (cut.empty()) return;
    outside.send(to, encode_lines(at, cut));
    at += count;
  }
}

/// A row that does not fit into a frame goes as lines, which do.
void Replica::Impl::serve_rows(MemberId to, const Fetch& fetch) {
  if (tell_start(to, fetch)) return;
  const auto below = std::min({fetch.below, machine.head().seq + 1, fetch.from + kMaxRange});
  auto at = fetch.from;
  for (int frames = 0; at < below && frames < kFramesAnAnswer; frames++) {
    uint64_t last = 0;
    const auto rows = machine.rows_from(at, kMaxFrame - kFrameHead, last);
    if (rows.size() > kMaxFrame - kFrameHead || last < at) return serve_lines(to, {at, below, fetch.until});
    outside.send(to, encode_lines(at, rows, kRowsFrame));
    at = last + 1;
  }
}

void Replica::Impl::hear_lines(MemberId from, std::string frame) {
  const auto sent = decode_lines(frame);
  if (!sent || !installing || !wanted || has_lines() || broken) return;
  const auto first = sent->from;
  if (first > machine.head().seq + 1) {  // Those before it are on their way, or lost.
    if (fetching.early.size() < kMaxEarly) fetching.early.emplace(first, std::move(frame));
    return;
  }
  bool more = take_lines(frame);
  for (auto next = fetching.early.begin(); more && !has_lines() && next != fetching.early.end();) {
    if (next->first > machine.head().seq + 1) break;
    more = take_lines(next->second);
    next = fetching.early.erase(next);
  }
  if (broken) return settle();
  if (!more) return;
  fetching.peer = from;
  fetching.anew_at_ms = outside.now_ms() + kPatienceMs;
  while (!fetching.ends.empty() && fetching.ends.front() <= machine.head().seq + 1) fetching.ends.pop_front();
  if (!whole()) return ask();
  finish_install();
  settle();
}

/// False when the frame brought nothing on.
bool Replica::Impl::take_lines(std::string_view frame) {
  const auto sent = decode_lines(frame);
  const auto before = machine.head().seq, until = wanted->head.seq;
  if (!sent || sent->from > before + 1) return false;
  // No further than the snapshot: what follows comes with its entries, and would come twice.
  auto text = sent->lines;
  log::Batch batch;
  bool fits = false;
  if (type_of(frame) == kRowsFrame) {
    fits = machine.take_rows(text, until, batch);
  } else {
    auto count = until - before;
    text = first_lines(text, count, kMaxFrame);
    if (text.empty() || sent->from != before + 1) return false;
    fits = machine.take_lines(text, batch);
  }
  if (!fits) return machine.reload(), false;  // Ask another.
  const auto count = machine.head().seq - before;
  if (count == 0) return false;
  if (auto written = disk.write(batch, false); !written) return fail(written.error()), false;
  fetching.at_once = std::max<uint64_t>(1, (kMaxFrame - kFrameHead) / (text.size() / count + 1));
  return true;
}

/// The lines are here: store the snapshot for libraft, or, after a restart, start from it.
void Replica::Impl::finish_install() {
  const auto snapshot = *std::exchange(wanted, std::nullopt);
  const auto head = machine.head();
  fetching = {};
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
    write.done = [this, done = std::move(installed)](bool stopped) {
      if (!stopped) (void)reading([this] { machine.installed(); });
      done(stopped);
    };
    installed = nullptr;
    installing = false;
    return queue_write(std::move(write));
  }
  installing = false;
  if (auto written = disk.write(write.batch, true); !written) return fail(written.error());
  machine.installed();
  if (auto opened = open(); !opened) fail(opened.error());
}

/// The others have dropped lines beyond the snapshot that is waited for: a later one takes its place, without
/// libraft, which would wait for this one. A snapshot holds what is committed, whoever sends it.
bool Replica::Impl::supersede(MemberId from, std::string_view frame) {
  raft_message message{};
  if (!decode(frame, from, "unknown", message)) return false;
  if (message.type != RAFT_IO_INSTALL_SNAPSHOT) return discard(message), false;
  const auto& sent = message.install_snapshot;
  Reader descriptor{view(sent.data)};
  StoredSnapshot later{sent.last_index, sent.last_term, sent.conf_index, read_head(descriptor),
                       members_of(sent.conf)};
  const bool newer = later.index > wanted->index;
  discard(message);
  if (!newer) return false;
  stop();
  log::Batch batch;
  put_wanted(batch, later, wanted_since);
  if (auto written = disk.write(batch, true); !written) return fail(written.error()), true;
  if (auto opened = open(); !opened) fail(opened.error());
  return true;
}

/// The last snapshot, moved on over the entries whose lines were made since: what is committed, as of the
/// last line. The one that is stored may be older than lines that were dropped.
std::optional<StoredSnapshot> Replica::Impl::snapshot_of_lines() const {
  auto stored = load_snapshot(disk);
  const auto head = machine.head();
  const auto from = stored ? stored->index : 0;
  // While lines are fetched the head is of those, and not of the entries that are here.
  if (!running || installing || early != 0 || head.index <= from || !mark(head.index)) return stored;
  StoredSnapshot moved = stored.value_or(StoredSnapshot{});
  for (auto index = from + 1; index <= head.index; index++) {
    const auto* at = mark(index);
    if (!at)
      return stored;  // A newer snapshot is about to be written, and these entries were cut off for it.
    if (at->type != RAFT_CHANGE) continue;
    const auto entry = load_entry(disk, index);
    const auto members = entry ? decode_configuration(entry->body) : std::nullopt;
    if (!members) return stored;
    moved.configuration_index = index;
    moved.members = *members;
  }
  if (moved.members.empty()) return stored;
  moved.index = head.index;
  moved.term = mark(head.index)->term;
  moved.head = head;
  return moved;
}

/// Also without a leader: whoever waits for a snapshot has no vote until it is whole, and may be needed.
void Replica::Impl::offer_snapshot(MemberId to, uint64_t oldest) {
  const auto stored = snapshot_of_lines();
  if (!stored || stored->head.seq + 1 < oldest) return;
  std::string head;
  Writer writer{head};
  write_head(writer, stored->head);
  raft_message message{};
  message.type = RAFT_IO_INSTALL_SNAPSHOT;
  auto& offer = message.install_snapshot;
  offer.term = std::max(last_term, stored->term);
  offer.last_index = stored->index;
  offer.last_term = stored->term;
  offer.conf_index = stored->configuration_index;
  if (!fill(&offer.conf, stored->members)) return;
  offer.data = copy(head);
  outside.send(to, static_cast<char>(kOfferFrame) + encode(message));
  discard(message);
}

/// A leader sends its snapshot again only to who turns entries away.
void Replica::Impl::ask_for_later(MemberId from, std::string_view frame) {
  raft_message message{};
  if (!decode(frame, from, "unknown", message)) return;
  raft_message answer{};
  answer.type = RAFT_IO_APPEND_ENTRIES_RESULT;
  answer.append_entries_result = {message.append_entries.term, message.append_entries.prev_log_index, 0};
  const bool stale = message.append_entries.term < last_term;
  discard(message);
  if (!stale) outside.send(from, encode(answer));
}

}  // namespace muster::consensus

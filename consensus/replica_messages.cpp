// What a replica hears: ticks, frames from members, and changes of membership.
#include <algorithm>

#include "consensus/replica_impl.hpp"
#include "consensus/wire.hpp"

namespace muster::consensus {
namespace {

// While a write is in flight messages wait (rule 1); what does not fit is lost, as on any network.
constexpr size_t kMaxInboxFrames = 1024;
constexpr size_t kMaxInboxBytes = 8 << 20;

}  // namespace

void Replica::Impl::tick() {
  if (broken) return;
  if (restart_at_tick) {
    if (auto opened = open(); !opened) fail(opened.error());
    return settle();
  }
  if (installing && wanted && !whole() && outside.now_ms() >= fetching.anew_at_ms) fetch_anew();
  if (!running || gated()) return;
  on_tick(&io);
  settle();
}

void Replica::Impl::receive(MemberId from, std::string frame) {
  if (heard.size() < kMaxMembers || heard.contains(from)) heard[from] = outside.now_ms();
  switch (type_of(frame)) {
    case kFetchFrame:
      if (const auto fetch = decode_fetch(frame)) serve_lines(from, *fetch);
      return;
    case kLinesFrame:
    case kRowsFrame:
      return hear_lines(from, std::move(frame));
    case kRowsFetchFrame:
      if (const auto fetch = decode_fetch(frame)) serve_rows(from, *fetch);
      return;
    case kCopyFetchFrame:
      if (const auto at = decode_copy_fetch(frame)) serve_copy(from, *at);
      return;
    case kCopyFrame:
      return hear_copy(from, frame);
    case kStartFrame:
      return hear_start(from, frame);
    case kPieceFetchFrame:
      if (const auto fetch = decode_piece_fetch(frame)) serve_piece(from, *fetch);
      return;
    case kPieceFrame:
      return hear_piece(from, frame);
    case kKeptFetchFrame:
      if (const auto fetch = decode_kept_fetch(frame)) serve_kept(from, *fetch);
      return;
    case kKeptFrame:
      return hear_kept(from, frame);
    case RAFT_IO_APPEND_ENTRIES:
      if (installing && wanted && fetching.too_new && !broken) return ask_for_later(from, frame);
      break;
    case kOfferFrame:
      if (installing && wanted && fetching.too_new && !broken)
        if (supersede(from, std::string_view{frame}.substr(1))) settle();
      return;
    case RAFT_IO_INSTALL_SNAPSHOT:
      if (installing && wanted && fetching.too_new && !broken && supersede(from, frame)) return settle();
      break;
    default:
      break;
  }
  if (!running || broken || frame.size() > kMaxFrame || inbox.size() >= kMaxInboxFrames ||
      inbox_bytes + frame.size() > kMaxInboxBytes)
    return;
  inbox_bytes += frame.size();
  inbox.emplace_back(from, std::move(frame));
  settle();
}

/// Hands waiting messages to libraft, but none while a write is in flight (rule 1).
void Replica::Impl::drain() {
  while (!inbox.empty() && running && !broken && !gated() && !reopen_soon && !is(RAFT_UNAVAILABLE)) {
    const auto [from, frame] = std::move(inbox.front());
    inbox.pop_front();
    inbox_bytes -= frame.size();
    std::string sender = "unknown";
    for (unsigned i = 0; i < lib.configuration.n; i++)
      if (lib.configuration.servers[i].id == from) sender = lib.configuration.servers[i].address;
    raft_message message{};
    if (!decode(frame, from, sender.c_str(), message)) continue;
    if (message.type == RAFT_IO_APPEND_ENTRIES) drop_known(message.append_entries);
    if (message.type == RAFT_IO_APPEND_ENTRIES)
      if (auto opened = reopen_before(message.append_entries); !opened) fail(opened.error());
    if (broken || !running) return discard(message);
    hand_over(message);
    correct_progress();
    write_applied();
    if (running && !broken && !is(RAFT_UNAVAILABLE)) take_or_leave_office();
  }
}

/// Rule 13: whose configuration names a voter is for the candidate to know, and it asks nobody else. So a
/// member that is none yet by its own log is one while libraft weighs the request: log, term and earlier vote
/// count as for any other. One whose log does not
/// name it at all stays silent: its disk may have been replaced, and its votes with it.
void Replica::Impl::hand_over(raft_message& message) {
  raft_server* lent = nullptr;
  const bool asked = message.type == RAFT_IO_REQUEST_VOTE;
  pre_vote = asked && message.request_vote.pre_vote;
  if (asked && rules.lent_votes && is(RAFT_FOLLOWER))
    for (unsigned i = 0; i < lib.configuration.n; i++)
      if (auto& server = lib.configuration.servers[i]; server.id == self && server.role != RAFT_VOTER)
        lent = &server;
  const auto role = lent ? lent->role : 0;
  if (lent) {
    lent->role = RAFT_VOTER;
    // Only a voter's leader is forgotten by libraft when it falls silent.
    if (outside.now_ms() - lib.election_timer_start >= timing.election_ms)
      lib.follower_state.current_leader.id = 0;
  }
  on_message(&io, &message);
  if (lent) lent->role = role;
  pre_vote = false;
}

/// A message that was under way while a snapshot was installed starts before it. 0.15 takes entries that it
/// no longer has for new ones; they are committed, so they are ours.
void Replica::Impl::drop_known(raft_append_entries& message) const {
  auto known = lib.log.snapshot.last_index;
  auto term = lib.log.snapshot.last_term;
  if (first_index <= known && mark(first_index)) known = first_index, term = mark(first_index)->term;
  if (message.prev_log_index >= known) return;
  const auto dropped = std::min<uint64_t>(known - message.prev_log_index, message.n_entries);
  message.prev_log_index = known;
  message.prev_log_term = term;
  if (dropped == 0) return;
  if (dropped == message.n_entries) {
    raft_free(message.entries[0].batch);
    raft_free(message.entries);
    message.entries = nullptr;
  } else {
    std::copy(message.entries + dropped, message.entries + message.n_entries, message.entries);
  }
  message.n_entries -= static_cast<unsigned>(dropped);
}

/// Rule 4: 0.15 cannot undo a configuration, so a suffix that holds one is cut off while it is closed.
Status Replica::Impl::reopen_before(const raft_append_entries& message) {
  if (!rules.reopen || message.term < lib.current_term) return Done{};
  const auto* before = mark(message.prev_log_index);
  if (before && before->term != message.prev_log_term) return Done{};
  for (unsigned i = 0; i < message.n_entries; i++) {
    const auto index = message.prev_log_index + 1 + i;
    const auto* ours = mark(index);
    if (index < first_index) continue;
    if (!ours) return Done{};
    if (ours->term == message.entries[i].term) continue;
    bool configures = false;
    for (auto at = index; const auto* later = mark(at); at++) configures |= later->type == RAFT_CHANGE;
    if (!configures) return Done{};
    auto waiting = std::exchange(inbox, {});
    const auto bytes = inbox_bytes;
    stop();
    log::Batch batch;
    erase_entries(batch, index, next_index());
    if (auto written = disk.write(batch, true); !written) return written;
    auto opened = open();
    inbox = std::move(waiting);
    inbox_bytes = bytes;
    return opened;
  }
  return Done{};
}

Status Replica::Impl::change(const std::function<int(raft_change*)>& submit) {
  if (!ready || broken || !is(RAFT_LEADER)) return Error{"leader.lost", "this member does not lead"};
  auto* request = new raft_change;
  if (const auto refused = submit(request); refused != 0) {
    delete request;
    return Error{"conflict", raft_strerror(refused)};
  }
  settle();
  return Done{};
}

}  // namespace muster::consensus

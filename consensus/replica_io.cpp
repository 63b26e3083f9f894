// The raft_io and raft_fsm that libraft asks for: our disk below, the machine above.
#include <algorithm>
#include <utility>

#include "consensus/replica_impl.hpp"
#include "consensus/wire.hpp"

namespace muster::consensus {
namespace {

constexpr size_t kMaxAppliedBatch = 1 << 20;
constexpr unsigned short kPipeline = 1;  // Of raft_progress: what is sent is taken as received.
constexpr size_t kMaxFlying = 4 << 20;

}  // namespace

void Replica::Impl::wire_up() {
  static constexpr auto of = [](auto* table) -> Impl& {
    if constexpr (std::is_same_v<decltype(table), raft_io*>)
      return *static_cast<Impl*>(table->impl);
    else
      return *static_cast<Impl*>(table->data);
  };
  io.version = 2;
  io.impl = this;
  io.init = [](raft_io*, raft_id, const char*) { return 0; };
  io.load = [](raft_io* i, raft_term* term, raft_id* vote, raft_snapshot** snapshot, raft_index* first,
               raft_entry** entries,
               size_t* count) { return of(i).load(term, vote, snapshot, first, entries, count); };
  io.start = [](raft_io* i, unsigned, raft_io_tick_cb tick_cb, raft_io_recv_cb message_cb) {
    of(i).on_tick = tick_cb;
    of(i).on_message = message_cb;
    return 0;
  };
  io.close = [](raft_io* i, raft_io_close_cb closed) {
    of(i).cancel_all();
    closed(i);
  };
  io.set_term = [](raft_io* i, raft_term term) { return of(i).set_state(term, 0); };
  io.set_vote = [](raft_io* i, raft_id vote) { return of(i).set_state(of(i).last_term, vote); };
  io.append = [](raft_io* i, raft_io_append* request, const raft_entry* entries, unsigned count,
                 raft_io_append_cb done) { return of(i).append(request, entries, count, done), 0; };
  io.truncate = [](raft_io* i, raft_index from) { return of(i).truncate(from), 0; };
  io.snapshot_put = [](raft_io* i, unsigned trailing, raft_io_snapshot_put* request,
                       const raft_snapshot* snapshot, raft_io_snapshot_put_cb done) {
    return of(i).store_snapshot(trailing, request, snapshot, done), 0;
  };
  io.snapshot_get = [](raft_io* i, raft_io_snapshot_get* request, raft_io_snapshot_get_cb done) {
    return of(i).send_snapshot(request, done), 0;
  };
  io.send = [](raft_io* i, raft_io_send* request, const raft_message* message, raft_io_send_cb done) {
    return of(i).send(request, *message, done), 0;
  };
  io.time = [](raft_io* i) { return raft_time{of(i).outside.now_ms()}; };
  io.random = [](raft_io* i, int from, int below) { return of(i).outside.random(from, below); };
  fsm.version = 1;
  fsm.data = this;
  fsm.apply = [](raft_fsm* f, const raft_buffer* body, void** result) {
    *result = nullptr;
    return of(f).apply(*body);
  };
  fsm.snapshot = [](raft_fsm* f, raft_buffer** buffers, unsigned* count) {
    return of(f).take_snapshot(buffers, count);
  };
  fsm.restore = [](raft_fsm* f, raft_buffer* buffer) {
    const auto failed = of(f).restore(view(*buffer));
    if (failed == 0) raft_free(buffer->base);
    return failed;
  };
}

int Replica::Impl::load(raft_term* term, raft_id* vote, raft_snapshot** snapshot, raft_index* first,
                        raft_entry** entries, size_t* count) {
  const auto stored = std::exchange(loading, {});
  *term = last_term = stored.term;
  *vote = stored.vote;
  *snapshot = stored.snapshot ? give_to_raft(*stored.snapshot) : nullptr;
  *first = first_index = stored.first_index;
  marks.clear();
  for (const auto& entry : stored.entries) marks.push_back({entry.term, entry.type});
  unsigned given = 0;
  std::tie(*entries, given) = give_to_raft(stored.entries);
  *count = given;
  return 0;
}

/// A failure is not told to libraft: nothing leaves this member from now on, and it is closed after the turn.
int Replica::Impl::set_state(uint64_t term, MemberId vote) {
  last_term = term;
  log::Batch batch;
  put_state(batch, term, vote);
  if (auto written = disk.write(batch, true); !written) fail(written.error());
  return 0;
}

/// Whether a command is committed by being stored here: nobody else votes, and that is not about to change.
bool Replica::Impl::commits_alone() const {
  if (!ready || !is(RAFT_LEADER) || in_flight != 0 || early != 0) return false;
  if (lib.configuration_uncommitted_index != 0 || lib.leader_state.change != nullptr) return false;
  unsigned others = 0;
  for (unsigned i = 0; i < lib.configuration.n; i++)
    if (lib.configuration.servers[i].role == RAFT_VOTER && lib.configuration.servers[i].id != self) others++;
  return others == 0;
}

void Replica::Impl::append(raft_io_append* request, const raft_entry* entries, unsigned count,
                           raft_io_append_cb done) {
  Write write;
  write.batch = std::exchange(spare, {});
  if (count == 1 && entries[0].type == RAFT_COMMAND && commits_alone()) {
    early = next_index();
    before_early = machine.head().seq;
    // First: into an empty batch the chain also puts what it forgets.
    (void)reading([&] { machine.apply(early, view(entries[0].buf), write.batch); });
  }
  for (unsigned i = 0; i < count; i++) {
    const auto type = static_cast<uint8_t>(entries[i].type);
    if (type == RAFT_CHANGE) clear_padding(entries[i].buf);
    put_entry(write.batch, next_index(), entries[i].term, type, view(entries[i].buf));
    marks.push_back({entries[i].term, type});
  }
  // Also when it is closed before it was written: a cancelled append crashes 0.15 (rule 7).
  write.done = [request, done](bool) { done(request, 0); };
  if (!rules.fail_whole) write.failed = [request, done] { done(request, RAFT_IOERR); };
  queue_write(std::move(write));
}

/// Becomes durable with the append that follows.
void Replica::Impl::truncate(uint64_t from) {
  log::Batch batch;
  erase_entries(batch, from, next_index());
  while (next_index() > from && !marks.empty()) marks.pop_back();
  if (auto written = disk.write(batch, false); !written) fail(written.error());
}

void Replica::Impl::store_snapshot(unsigned trailing, raft_io_snapshot_put* request,
                                   const raft_snapshot* snapshot, raft_io_snapshot_put_cb done) {
  Reader descriptor{view(snapshot->bufs[0])};
  StoredSnapshot stored{snapshot->index, snapshot->term, snapshot->configuration_index, read_head(descriptor),
                        members_of(snapshot->configuration)};
  auto finished = [request, done](bool stopped) { done(request, stopped ? int{RAFT_CANCELED} : 0); };
  if (trailing == 0) {  // A leader's: wait for its lines.
    installing = true;
    installed = finished;
    wanted = std::move(stored);
    if (whole()) return finish_install();
    log::Batch batch;
    wanted_since = machine.head().seq;
    put_wanted(batch, *wanted, wanted_since);
    if (auto written = disk.write(batch, false); !written) fail(written.error());
    return;
  }
  Write write;
  write.sync = false;  // Losing it with the lines before it brings the entries back.
  write.done = std::move(finished);
  put_snapshot(write.batch, stored);
  const auto keep =
    std::max<uint64_t>(first_index, snapshot->index > trailing ? snapshot->index - trailing + 1 : 1);
  erase_entries(write.batch, first_index, keep);
  marks.erase(marks.begin(), marks.begin() + static_cast<std::ptrdiff_t>(keep - first_index));
  first_index = keep;
  queue_write(std::move(write));
}

void Replica::Impl::send_snapshot(raft_io_snapshot_get* request, raft_io_snapshot_get_cb done) {
  queue_soon([this, request, done](bool stopped) {
    std::optional<StoredSnapshot> stored;
    if (!stopped) (void)reading([&] { stored = load_snapshot(disk); });
    stored ? done(request, give_to_raft(*stored), 0) : done(request, nullptr, RAFT_CANCELED);
  });
}

/// Never fails, also for servers that are not known (rule 11).
void Replica::Impl::send(raft_io_send* request, const raft_message& message, raft_io_send_cb done) {
  if (message.type == RAFT_IO_APPEND_ENTRIES) {
    send_entries(message.append_entries, message);
  } else if (!broken && (message.type != RAFT_IO_REQUEST_VOTE || outside.may_lead())) {
    auto copied = message;
    // 0.15 denies a pre-vote in the term that was asked for: a candidate that is behind would never learn it.
    if (auto& result = copied.request_vote_result;
        copied.type == RAFT_IO_REQUEST_VOTE_RESULT && pre_vote && !result.vote_granted)
      result.term = std::max(result.term, lib.current_term);
    outside.send(message.server_id, encode(copied));
  }
  if (done) queue_soon([request, done](bool) { done(request, 0); });  // None for a TimeoutNow.
}

/// What does not fit into one frame follows in more, as long as not too much is under way; libraft takes
/// everything as sent, and is corrected.
void Replica::Impl::send_entries(raft_append_entries append, raft_message message) {
  if (broken) return;
  const auto* follower = progress_of(message.server_id);
  const bool streams = follower && follower->state == kPipeline;
  auto room = streams ? room_for(message.server_id, follower->match_index) : 1;
  const auto all = append.n_entries;
  const auto end = append.prev_log_index + all + 1;
  const auto commit = append.leader_commit;
  append.n_entries = free_to_send(message.server_id, append);
  const bool held = append.n_entries == 0;
  for (bool first = true; held ? first : append.n_entries > 0 && room > 0; first = false) {
    append.leader_commit = all == 0 ? commit : std::min(commit, append.prev_log_index + append.n_entries);
    message.append_entries = append;
    const auto fit = entries_that_fit(append);
    auto frame = encode(message);
    append.prev_log_index += fit;
    if (fit > 0) append.prev_log_term = append.entries[fit - 1].term;
    append.entries += fit;
    append.n_entries -= fit;
    if (fit > 0 && streams)
      flights[message.server_id].push_back({append.prev_log_index, outside.now_ms(), frame.size()});
    room -= std::min(room, frame.size());
    outside.send(message.server_id, std::move(frame));
  }
  if (const auto next = append.prev_log_index + 1; !held && next < end)
    unsent.emplace_back(message.server_id, next);
}

/// Bytes that may be sent before more is acknowledged. What was lost is forgotten in time.
size_t Replica::Impl::room_for(MemberId id, uint64_t acknowledged) {
  auto& flying = flights[id];
  const auto now = outside.now_ms();
  const auto patience = 2 * timing.heartbeat_ms;
  while (!flying.empty() && (flying.front().last <= acknowledged || flying.front().at_ms + patience < now))
    flying.pop_front();
  size_t bytes = 0;
  for (const auto& flight : flying) bytes += flight.bytes;
  return kMaxFlying - std::min(bytes, kMaxFlying);
}

/// Rule 13: a change of membership that is not committed goes only to who has a vote by it. One who lost it
/// would have the longest log, deny the others its vote, and not stand itself.
unsigned Replica::Impl::free_to_send(MemberId to, const raft_append_entries& append) const {
  if (!rules.held_changes) return append.n_entries;
  for (unsigned i = 0; i < append.n_entries; i++) {
    const auto& entry = append.entries[i];
    if (entry.type != RAFT_CHANGE || append.prev_log_index + 1 + i <= lib.commit_index) continue;
    if (!votes_in(view(entry.buf), to)) return i;
  }
  return append.n_entries;
}

raft_progress* Replica::Impl::progress_of(MemberId id) {
  if (!is(RAFT_LEADER) || lib.leader_state.progress == nullptr) return nullptr;
  for (unsigned i = 0; i < lib.configuration.n; i++)
    if (lib.configuration.servers[i].id == id) return &lib.leader_state.progress[i];
  return nullptr;
}

/// With the true index libraft sends the rest when what was sent is acknowledged, not a heartbeat later.
void Replica::Impl::correct_progress() {
  for (const auto& [id, next] : std::exchange(unsent, {}))
    if (auto* follower = progress_of(id); follower && follower->state == kPipeline)
      follower->next_index = std::min<raft_index>(follower->next_index, next);
}

int Replica::Impl::apply(const raft_buffer& body) {
  if (!running || broken) return 0;
  const auto index = raft_last_applied(&lib) + 1;  // Rule 9.
  if (index == early) {                            // Its lines were written with it.
    early = 0;
    applied_index = index;
    untold = true;
    return 0;
  }
  if (index <= machine.head().index) return 0;  // Applied before a restart: its lines are on disk.
  if (!reading([&] { machine.apply(index, view(body), applied_batch); })) return 0;
  applied_index = index;
  untold = true;
  if (applied_batch.bytes() < kMaxAppliedBatch) return 0;
  if (auto written = disk.write(applied_batch, false); !written) fail(written.error());
  applied_batch.clear();
  return 0;
}

int Replica::Impl::take_snapshot(raft_buffer** buffers, unsigned* count) {
  const auto at = raft_last_applied(&lib);
  if (broken || early != 0) return RAFT_BUSY;  // The chain is a line ahead of what is committed.
  for (auto index = at + 1; const auto* later = mark(index); index++)
    if (later->type == RAFT_CHANGE) return RAFT_BUSY;  // Rule 5: it would be stored as committed.
  auto head = machine.head();
  head.index = at;
  std::string descriptor;
  Writer to{descriptor};
  write_head(to, head);
  *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  **buffers = copy(descriptor);
  *count = 1;
  return 0;
}

/// The lines are here already; all that is left is to open again after an installation (rule 4).
int Replica::Impl::restore(std::string_view descriptor) {
  Reader from{descriptor};
  const auto head = read_head(from);
  if (!from.finished() || (rules.whole_lines && head.seq > machine.head().seq)) return RAFT_CORRUPT;
  if (!starting) reopen_soon = rules.reopen;
  return 0;
}

/// Rule 7: everything that is pending, in order.
void Replica::Impl::cancel_all() {
  for (auto& write : std::exchange(writes, {})) write.done(true);
  for (auto& done : std::exchange(soon, {})) done(true);
  if (auto cancelled = std::exchange(installed, nullptr)) cancelled(true);
}

void Replica::Impl::later(unsigned ms, void (Impl::*what)()) {
  outside.later(ms, [weak = weak_from_this(), at = session, what] {
    const auto impl = weak.lock();
    if (impl && impl->session == at) ((*impl).*what)();
  });
}

/// One disk, one queue: writes complete in the order they were asked for (rule 3).
void Replica::Impl::queue_write(Write write) {
  writes.push_back(std::move(write));
  if (apart) return;
  if (broken || !write_apart()) write_soon();
}

/// The only write, and a synced one, may be waited for elsewhere; what comes meanwhile waits here.
bool Replica::Impl::write_apart() {
  if (writes.size() != 1 || !writes.front().sync) return false;
  const auto written = std::make_shared<Status>(Done{});
  auto work = [disk = &disk, write = &writes.front(), written] {
    *written = disk->write(write->batch, write->sync);
  };
  auto done = [weak = weak_from_this(), at = session, written] {
    const auto impl = weak.lock();
    if (impl && impl->session == at && impl->running && impl->apart) impl->finish_apart(*written);
  };
  return apart = outside.apart(std::move(work), std::move(done));
}

void Replica::Impl::finish_apart(const Status& written) {
  apart = false;
  for (size_t i = 1; i < writes.size(); i++) write_soon();
  complete(written);
}

void Replica::Impl::write_soon() {
  const auto now = outside.now_ms();
  disk_free_at_ms = std::max(disk_free_at_ms, now) + outside.disk_ms();
  later(static_cast<unsigned>(disk_free_at_ms - now), &Impl::finish_write);
}

void Replica::Impl::finish_write() {
  if (writes.empty() || !running) return;
  complete(broken ? Status{Done{}} : disk.write(writes.front().batch, writes.front().sync));
}

/// The first write was done, or not.
void Replica::Impl::complete(const Status& written) {
  if (!written && !broken && writes.front().failed) {
    const auto failed = std::move(writes.front().failed);
    writes.pop_front();
    return failed(), settle();
  }
  if (!written) fail(written.error());
  if (broken) return settle();  // Closing completes it: it is not acknowledged.
  auto write = std::move(writes.front());
  writes.pop_front();
  write.batch.clear();
  spare = std::move(write.batch);
  write.done(false);
  settle();
}

void Replica::Impl::queue_soon(std::function<void(bool)> done) {
  if (soon.empty()) later(0, &Impl::finish_soon);
  soon.push_back(std::move(done));
}

void Replica::Impl::finish_soon() {
  for (auto& done : std::exchange(soon, {})) done(false);
  settle();
}

}  // namespace muster::consensus

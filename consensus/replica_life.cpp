// How a replica opens, fails, closes, takes office and commits.
#include <utility>

#include "consensus/replica_impl.hpp"

namespace muster::consensus {

Replica::Impl::Impl(MemberId self_, std::string address_, log::Disk& disk_, Machine& machine_,
                    Watcher& watcher_, Outside& outside_, Timing timing_, Rules rules_)
  : self(self_),
    address(std::move(address_)),
    disk(disk_),
    machine(machine_),
    watcher(watcher_),
    outside(outside_),
    timing(timing_),
    rules(rules_) {
  wire_up();
}

/// Loads and goes on.
Status Replica::Impl::open() {
  try {
    return open_readable();
  } catch (const log::Unreadable& failed) {
    return failed.error();
  }
}

Status Replica::Impl::open_readable() {
  if (auto started = start(); !started) return started;
  if (broken || !rules.new_term || !is(RAFT_LEADER)) return broken_or_done();
  return lead_anew();
}

/// A lone voter leads without an election, so also without a new term (rule 6): it is given one, with its own
/// vote, or it could vote for another in the same term once it is no longer alone.
Status Replica::Impl::lead_anew() {
  const auto term = lib.current_term + 1;
  if (!write_applied()) return *broken;
  stop();
  set_state(term, self);
  if (broken) return *broken;
  return start();
}

Status Replica::Impl::broken_or_done() const {
  if (broken) return *broken;
  return Done{};
}

Status Replica::Impl::start() {
  auto stored = load_stored(disk);
  if (!stored) return stored.error();
  session++;
  restart_at_tick = false;
  if (std::exchange(early, 0) != 0) machine.reload();  // Its entry may be on the disk, or not.
  if (stored->wanted && rules.whole_lines) {
    // Stopped in the middle of an installation: a member without its lines neither votes nor acknowledges.
    wanted = std::move(stored->wanted);
    wanted_since = stored->wanted_since.value_or(0);
    installing = true;
    last_term = stored->term;
    last_members = wanted->members;
    if (whole()) finish_install();
    return Done{};
  }
  ready = false, led_term = 0, in_flight = 0, reopen_soon = false;
  applied_batch.clear();
  untold = false;
  loading = std::move(*stored);
  starting = true;
  running = true;
  if (raft_init(&lib, &io, &fsm, self, address.c_str()) != 0)
    return running = starting = false, Error{"internal", "raft_init failed"};
  raft_set_election_timeout(&lib, timing.election_ms);
  raft_set_heartbeat_timeout(&lib, timing.heartbeat_ms);
  raft_set_install_snapshot_timeout(&lib, 3 * timing.election_ms);
  raft_set_snapshot_threshold(&lib, timing.snapshot_every);
  raft_set_snapshot_trailing(&lib, timing.trailing);
  raft_set_pre_vote(&lib, true);
  const auto failed = raft_start(&lib);
  starting = false;
  if (failed == 0) return Done{};
  Error error{"log.corrupt", std::string{"raft does not start: "} + raft_errmsg(&lib)};
  stop();
  return error;
}

void Replica::Impl::stop() {
  installing = false;
  wanted.reset();
  fetching = {};
  if (!running) return;
  if (std::exchange(apart, false)) outside.join();  // Its outcome is on the disk.
  last_members = members_of(lib.configuration);
  running = false;
  raft_close(&lib, nullptr);
  ready = false, in_flight = 0, led_term = 0;
  inbox.clear();
  inbox_bytes = 0;
}

/// Called from inside libraft, too: it is closed when the turn ends.
void Replica::Impl::fail(const Error& why) {
  if (!broken) broken = why;
}

/// After anything that may have changed libraft's state.
void Replica::Impl::settle() {
  if (settling || starting) return;
  settling = true;
  if (!reading([this] { settle_once(); })) settle_once();
  settling = false;
}

void Replica::Impl::settle_once() {
  for (bool again = true; again;) {
    if (running && !broken) write_applied();
    if (broken) {
      stop();
      if (!std::exchange(broken_told, true)) tell([why = *broken](Watcher& w) { w.broken(why); });
      return;
    }
    if (!running) return;
    if (is(RAFT_UNAVAILABLE)) {  // Rule 12: it has stopped without a word.
      if (ready) tell([term = lib.current_term](Watcher& w) { w.following(term, 0); });
      stop();
      restart_at_tick = true;
      return;
    }
    if (reopen_soon && !gated()) {
      stop();
      if (auto opened = open(); !opened) fail(opened.error());
      continue;
    }
    take_or_leave_office();
    drain();
    take_or_leave_office();  // Before anything is applied that another leader put in its entries' place.
    correct_progress();
    again = broken || untold || !running || is(RAFT_UNAVAILABLE) || (reopen_soon && !gated());
  }
}

/// Writes the lines of what was committed, and tells of them. Not synced: a power cut takes them together
/// with nothing else, and they are applied again from the entries.
bool Replica::Impl::write_applied() {
  if (broken) return false;  // The batch may hold what was read in part.
  if (!applied_batch.empty()) {
    const auto written = disk.write(applied_batch, false);
    applied_batch.clear();
    if (!written) return fail(written.error()), false;
  }
  if (!std::exchange(untold, false)) return true;
  if (in_flight != 0 && applied_index >= in_flight) in_flight = 0;
  machine.applied(applied_index);
  return true;
}

void Replica::Impl::take_or_leave_office() {
  const bool leads = is(RAFT_LEADER);
  if (ready && (!leads || led_term != lib.current_term)) {
    ready = false;
    raft_id leader = 0;
    const char* unused = nullptr;
    raft_leader(&lib, &leader, &unused);
    told_leader = leader;
    tell([term = lib.current_term, leader](Watcher& w) { w.following(term, leader); });
  }
  if (!leads) {
    led_term = 0, in_flight = 0;
    raft_id leader = 0;
    const char* unused = nullptr;
    raft_leader(&lib, &leader, &unused);
    if (leader != 0 && leader != told_leader) {
      told_leader = leader;
      tell([term = lib.current_term, leader](Watcher& w) { w.following(term, leader); });
    }
    return;
  }
  if (led_term != lib.current_term) {
    // Whoever becomes the last voter while it follows leads at its next tick, in a term that had a leader.
    if (rules.new_term && lib.voted_for != self) {
      if (auto opened = lead_anew(); !opened) fail(opened.error());
      if (broken || !is(RAFT_LEADER)) return;
    }
    led_term = lib.current_term;
    in_flight = 0;
    office_index = raft_last_index(&lib) + 1;
    if (rules.barrier) {
      // Rule 2, in the same turn: nothing older is committed by counting copies before this is.
      auto* barrier = new struct raft_barrier;
      if (raft_barrier(&lib, barrier, [](struct raft_barrier* b, int) { delete b; }) != 0) {
        delete barrier;
        led_term = 0;
        return;
      }
    }
  }
  if (!ready && (!rules.barrier || raft_last_applied(&lib) >= office_index)) {
    ready = true;
    told_leader = self;
    tell([term = led_term](Watcher& w) { w.leading(term); });
  }
}

/// Watchers are called in order, and never inside a call to the replica.
void Replica::Impl::tell(std::function<void(Watcher&)> what) {
  outside.later(0, [weak = weak_from_this(), what = std::move(what)] {
    if (const auto impl = weak.lock()) what(impl->watcher);
  });
}

bool Replica::Impl::propose(std::string_view body, uint64_t& index) {
  if (!ready || broken || !is(RAFT_LEADER) || body.size() > kMaxBody) return false;
  if (rules.one_batch && in_flight != 0) return false;
  const auto at = raft_last_index(&lib) + 1;
  auto buffer = copy(body);
  auto* request = new struct raft_apply;
  // It fires at the first entry of a batch: not the moment to answer (rule 8).
  const auto forget = [](struct raft_apply* r, int, void*) { delete r; };
  if (raft_apply(&lib, request, &buffer, 1, forget) != 0) {
    raft_free(buffer.base);
    delete request;
    return false;
  }
  index = in_flight = at;
  return true;
}

}  // namespace muster::consensus

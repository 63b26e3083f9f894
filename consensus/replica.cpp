// One member of the cluster: what its owner asks of it.
#include "consensus/replica.hpp"

#include <algorithm>
#include <utility>

#include "consensus/replica_impl.hpp"
#include "consensus/wire.hpp"

namespace muster::consensus {
namespace {

/// A leader that takes its own vote away and is lost before others have that entry has the longest log, so it
/// denies them its vote, and libraft does not let it stand itself: nobody could be elected.
Error transfer_first() {
  return {"conflict", "a leader does not take its own vote away: transfer the leadership first"};
}

}  // namespace

Replica::Replica(MemberId self, std::string address, log::Disk& disk, Machine& machine, Watcher& watcher,
                 Outside& outside, Timing timing, Rules rules)
  : impl_(std::make_shared<Impl>(self, std::move(address), disk, machine, watcher, outside, timing, rules)) {}

Replica::~Replica() {
  impl_->stop();
}

Status Replica::bootstrap(log::Disk& disk, const Members& members, Head head) {
  if (bootstrapped(disk)) return Error{"conflict", "the disk holds a member already"};
  const auto body = encode_configuration(members);
  if (body.empty() || members.empty()) return Error{"field.invalid", "the members are not a configuration"};
  log::Batch batch;
  put_state(batch, 1, 0);
  if (head.seq == 0) {
    put_entry(batch, 1, 1, RAFT_CHANGE, body);
  } else {
    head.index = 1;
    put_snapshot(batch, {1, 1, 1, head, members});
  }
  return disk.write(batch, true);
}

Status Replica::recover(log::Disk& disk, const Member& member, const Head& head, log::Batch batch) {
  auto stored = load_stored(disk);
  if (!stored) return stored.error();
  auto last_term = stored->snapshot ? stored->snapshot->term : uint64_t{1};
  if (!stored->entries.empty()) last_term = stored->entries.back().term;
  auto next = stored->first_index + stored->entries.size();
  erase_wanted(batch);  // Nobody is there any more who could send the rest.
  if (stored->wanted && head.seq > stored->wanted_since.value_or(0)) {
    // Some of its lines are here: entries from before it would become the same lines once more.
    next = std::max(next, stored->wanted->index + 1);
    last_term = std::max(last_term, stored->wanted->term);
    erase_entries(batch, 0, UINT64_MAX);
    put_snapshot(batch, {next, last_term, next, {next, head.seq, head.hash}, {member}});
  } else {
    put_entry(batch, next, last_term, RAFT_CHANGE, encode_configuration({member}));
  }
  put_state(batch, std::max(stored->term, last_term) + 1, member.id);
  return disk.write(batch, true);
}

bool Replica::bootstrapped(const log::Disk& disk) {
  return disk.last(log::Column::raft, {}).has_value();
}

Status Replica::open() {
  if (impl_->running || impl_->installing) return Done{};
  auto opened = impl_->open();
  impl_->settle();
  return opened;
}

void Replica::close() {
  impl_->stop();
  impl_->restart_at_tick = false;
}

void Replica::fail(const Error& why) {
  impl_->fail(why);
  impl_->settle();
}

Status Replica::reopen() {
  impl_->stop();
  if (auto opened = impl_->disk.reopen(); !opened) return opened;
  log::Batch probe;
  put_probe(probe);
  if (auto written = impl_->disk.write(probe, true); !written) return written;
  impl_->early = 0;
  if (auto read = impl_->reading([this] { impl_->machine.reload(); }); !read) return read;
  impl_->broken.reset();
  impl_->broken_told = false;
  auto opened = impl_->open();
  // An installation may have ended with the write that was reported as failed.
  if (opened && !impl_->installing) impl_->machine.installed();
  impl_->settle();
  return opened;
}

void Replica::tick() {
  impl_->tick();
}

void Replica::receive(MemberId from, std::string frame) {
  if (!impl_->reading([&] { impl_->receive(from, std::move(frame)); })) impl_->settle();
}

bool Replica::propose(std::string_view body, uint64_t& index) {
  return impl_->propose(body, index);
}

void Replica::tell_commit() {
  if (!leading() || impl_->in_flight != 0 || impl_->gated()) return;
  auto& lib = impl_->lib;
  const auto last = raft_last_index(&lib);
  const auto* mark = impl_->mark(last);
  if (!mark || impl_->told_commit == lib.commit_index) return;
  impl_->told_commit = lib.commit_index;
  raft_message message{};
  message.type = RAFT_IO_APPEND_ENTRIES;
  message.append_entries.term = lib.current_term;
  message.append_entries.prev_log_index = last;
  message.append_entries.prev_log_term = mark->term;
  message.append_entries.leader_commit = lib.commit_index;
  const auto known = progress();
  if (!known) return;
  for (const auto& of : known->members)
    if (of.id != impl_->self && of.match_index == last) impl_->outside.send(of.id, encode(message));
}

bool Replica::can_propose() const {
  return leading() && impl_->in_flight == 0 && impl_->lib.transfer == nullptr;
}

bool Replica::leading() const {
  return impl_->ready && !impl_->broken && impl_->is(RAFT_LEADER);
}

uint64_t Replica::term() const {
  return impl_->last_term;
}

MemberId Replica::leader() const {
  if (!impl_->running) return 0;
  raft_id id = 0;
  const char* address = nullptr;
  raft_leader(&impl_->lib, &id, &address);
  return id;
}

Members Replica::members() const {
  return impl_->running ? members_of(impl_->lib.configuration) : impl_->last_members;
}

uint64_t Replica::last_index() const {
  return impl_->next_index() - 1;
}

uint64_t Replica::commit_index() const {
  return impl_->running ? impl_->lib.commit_index : 0;
}

std::optional<Progress> Replica::progress() const {
  if (!leading()) return std::nullopt;
  auto& lib = impl_->lib;
  Progress progress{raft_last_index(&lib), lib.commit_index, false, {}};
  progress.change_pending = lib.configuration_uncommitted_index != 0 || lib.leader_state.change != nullptr;
  for (unsigned i = 0; i < lib.configuration.n; i++) {
    const auto id = lib.configuration.servers[i].id;
    Progress::Of of{id, lib.leader_state.progress[i].match_index, std::nullopt};
    if (id == impl_->self) of.match_index = lib.last_stored;
    if (const auto heard = impl_->heard.find(id); heard != impl_->heard.end())
      of.last_heard_ms = heard->second;
    if (id == impl_->self) of.last_heard_ms = impl_->outside.now_ms();
    progress.members.push_back(of);
  }
  return progress;
}

Status Replica::add(const Member& member) {
  return impl_->change([&](raft_change* request) {
    return raft_add(&impl_->lib, request, member.id, member.address.c_str(),
                    [](raft_change* r, int) { delete r; });
  });
}

Status Replica::assign(MemberId id, Role role) {
  if (id == impl_->self && leading() && role != Role::voter) return transfer_first();
  return impl_->change([&](raft_change* request) {
    return raft_assign(&impl_->lib, request, id, static_cast<int>(role),
                       [](raft_change* r, int) { delete r; });
  });
}

Status Replica::remove(MemberId id) {
  if (id == impl_->self && leading()) return transfer_first();
  return impl_->change([&](raft_change* request) {
    return raft_remove(&impl_->lib, request, id, [](raft_change* r, int) { delete r; });
  });
}

Status Replica::transfer(MemberId to) {
  if (!leading()) return Error{"leader.lost", "this member does not lead"};
  if (impl_->in_flight != 0) return Error{"conflict", "an entry is in flight"};
  auto* request = new struct raft_transfer;
  if (raft_transfer(&impl_->lib, request, to, [](struct raft_transfer* r) { delete r; }) != 0) {
    delete request;
    return Error{"conflict", raft_errmsg(&impl_->lib)};
  }
  impl_->settle();
  return Done{};
}

void Replica::step_down() {
  if (!leading()) return;
  const auto term = impl_->lib.current_term;
  if (impl_->outside.random(0, 2) == 0 && !impl_->apart)
    for (const auto& write : impl_->writes)
      if (auto written = impl_->disk.write(write.batch, true); !written) impl_->fail(written.error());
  impl_->stop();
  impl_->restart_at_tick = true;
  impl_->tell([term](Watcher& w) { w.following(term, 0); });
  impl_->settle();
}

}  // namespace muster::consensus

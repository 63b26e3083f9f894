// Faults that come together, as those that broke clusters did.
#include <algorithm>

#include "consensus/wire.hpp"
#include "sim_node.hpp"

namespace muster::consensus {
namespace {

bool is_about_votes(const std::string& frame) {
  const auto type = type_of(frame);
  return type == RAFT_IO_REQUEST_VOTE || type == RAFT_IO_REQUEST_VOTE_RESULT;
}

/// A request that is no pre-vote.
bool asks_for_vote(const std::string& frame) {
  return type_of(frame) == RAFT_IO_REQUEST_VOTE && frame.back() == 0;
}

}  // namespace

/// Every way is open again, and every disk quick.
void Sim::release() {
  blocked_.clear();
  votes_held_until_ = ambush_until_ = silent_until_ = 0;
  for (auto& [id, node] : nodes_) node->slow_until = 0;
}

void Sim::plot() {
  auto* old = leader();
  if (old == nullptr) return;
  counts_["plots"]++;
  hits(0.5) ? plot_election() : plot_slow_disk(*old);
}

/// No leader is heard, all stand for election in the same term, and who votes crashes and is back at once, to
/// be asked by another.
void Sim::plot_election() {
  votes_held_until_ = clock_.now() + uint64_t(random(2'500, 4'000));
  ambush_until_ = votes_held_until_ + 200;
  silent_until_ = ambush_until_ + 200;
  step_for(silent_until_ - clock_.now());
}

/// The leader is left alone with one whose disk is slow. Its entries are still on their way to that disk when
/// that one hears the new leader that the others elected; then all who have the new leader's entries crash.
void Sim::plot_slow_disk(Node& old) {
  std::vector<MemberId> others;
  for (const auto& member : old.replica->members())
    if (member.role == Role::voter && member.id != old.id) others.push_back(member.id);
  if (others.size() < 4) return;
  std::shuffle(others.begin(), others.end(), chance_);
  for (const auto id : others) start(id);
  const auto slow = others[0], next = others[1], with = others[2], third = others[3];
  nodes_[slow]->slow_until = clock_.now() + 3'000;
  part({{old.id, slow}, {next, with, third}});
  step_for(uint64_t(random(2'000, 4'000)));
  part({{slow, next, with}, {old.id}, {third}});
  step_for(uint64_t(random(100, 1'500)));
  for (const auto id : {slow, next, with}) crash(id);
  release();
  start(slow);
  start(old.id);
  step_for(4'000);
}

/// Only members of one side hear each other.
void Sim::part(const std::vector<std::set<MemberId>>& sides) {
  blocked_.clear();
  for (MemberId from = 1; from <= kMembers; from++)
    for (MemberId to = 1; to <= kMembers; to++)
      if (std::none_of(sides.begin(), sides.end(),
                       [&](auto& side) { return side.contains(from) && side.contains(to); }))
        blocked_.insert({from, to});
}

uint64_t Sim::delay_of(MemberId to, const std::string& frame) {
  const auto now = clock_.now();
  const auto usual = uint64_t(faults_ && hits(0.05) ? random(10, 400) : random(1, 8));
  if (!faults_ || !is_about_votes(frame)) return usual;
  if (votes_held_until_ > now) return votes_held_until_ - now + uint64_t(random(1, 8));
  if (ambush_until_ > now && asks_for_vote(frame) && voted_at_.contains(to) && voted_at_[to] + 100 > now)
    return uint64_t(random(15, 80));
  if (ambush_until_ > now && asks_for_vote(frame)) voted_at_[to] = now;
  return usual;
}

void Sim::after_delivery(MemberId to, const std::string& frame) {
  if (!faults_ || ambush_until_ <= clock_.now() || !asks_for_vote(frame) || hits(0.3)) return;
  clock_.later(uint64_t(random(1, 4)), [this, to] {
    crash(to);
    clock_.later(uint64_t(random(1, 10)), [this, to] { start(to); });
  });
}

/// Tells a leader that its entries are stored where they were only sent to.
void Sim::forge(MemberId from, MemberId to, const std::string& frame) {
  raft_message message{};
  if (type_of(frame) != RAFT_IO_APPEND_ENTRIES || !decode(frame, from, "leader", message)) return;
  raft_message ack{};
  ack.type = RAFT_IO_APPEND_ENTRIES_RESULT;
  const auto& sent = message.append_entries;
  ack.append_entries_result = {sent.term, 0, sent.prev_log_index + sent.n_entries};
  discard(message);
  clock_.later(2, [this, from, to, forged = encode(ack)] {
    if (nodes_[from]->replica) nodes_[from]->replica->receive(to, forged);
  });
}

}  // namespace muster::consensus

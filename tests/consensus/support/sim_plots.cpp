// Faults that come together, as those that broke clusters did.
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
  votes_held_until_ = ambush_until_ = 0;
  for (auto& [id, node] : nodes_) node->slow_until = 0;
}

/// One of three:
/// - The leader falls silent, all stand for election in the same term, and who votes crashes and is back at
///   once, to be asked again.
/// - The leader is left alone with one follower whose disk is slow: its entries are still on their way to
/// that
///   disk when the others' new leader is heard.
/// - The same, and then all but the follower crash.
void Sim::plot() {
  auto* old = leader();
  if (old == nullptr) return;
  const auto kind = random(0, 3);
  const auto now = clock_.now();
  const auto friend_id = MemberId(random(1, kMembers + 1));
  for (MemberId id = 1; id <= kMembers; id++) {
    if (id == old->id || (kind > 0 && id == friend_id)) continue;
    blocked_.insert({old->id, id});
    blocked_.insert({id, old->id});
  }
  counts_["plots"]++;
  if (kind == 0) {
    votes_held_until_ = now + uint64_t(random(1'500, 3'000));
    ambush_until_ = votes_held_until_ + 500;
    if (hits(0.5)) clock_.later(uint64_t(random(500, 1'500)), [this] { blocked_.clear(); });
    return;
  }
  nodes_[friend_id]->slow_until = now + uint64_t(random(500, 4'000));
  if (kind == 2)
    clock_.later(uint64_t(random(1'500, 4'000)), [this, friend_id] {
      for (MemberId id = 1; id <= kMembers; id++)
        if (faults_ && (id == friend_id) == hits(0.3)) crash(id);
      blocked_.clear();
    });
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

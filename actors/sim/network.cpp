// The simulated network: lost, twice, late and so out of order, as networks do; and cut.
#include "actors/sim/simulation.hpp"
#include "consensus/wire.hpp"

namespace muster::sim {
namespace {

constexpr size_t kMostCuts = 6;

bool is_about_votes(const std::string& frame) {
  const auto type = consensus::type_of(frame);
  return type == RAFT_IO_REQUEST_VOTE || type == RAFT_IO_REQUEST_VOTE_RESULT;
}

/// A request that is no pre-vote.
bool asks_for_vote(const std::string& frame) {
  return consensus::type_of(frame) == RAFT_IO_REQUEST_VOTE && frame.back() == 0;
}

}  // namespace

void Simulation::deliver(MemberId from, MemberId to, std::string frame) {
  const bool faulty = ground_.faults;
  if (to == 0 || to > nodes_.size() || cut_.contains({from, to}) || (faulty && chance_.hits(0.03))) return;
  if (silent_until_ > clock_.now() && consensus::type_of(frame) == RAFT_IO_APPEND_ENTRIES) return;
  if (faulty && chance_.hits(0.002)) frame.resize(size_t(chance_.random(0, int(frame.size()) + 1)));
  if (faulty && ground_.broken.acks_forged && chance_.hits(0.5)) forge(from, to, frame);
  for (int copies = faulty && chance_.hits(0.02) ? 2 : 1; copies > 0; copies--)
    clock_.later(delay_of(from, to, frame), [this, from, to, frame] {
      of(to).receive(from, frame);
      after_delivery(to, frame);
    });
}

/// Whoever asks `swing_` for its vote asks the others later, so that they ask for votes, too.
unsigned Simulation::delay_of(MemberId from, MemberId to, const std::string& frame) {
  const auto now = clock_.now();
  const auto usual = ground_.faults && chance_.hits(0.05) ? chance_.ms(10, 400) : chance_.ms(1, 8);
  if (!ground_.faults || ambush_until_ <= now || !is_about_votes(frame)) return usual;
  if (votes_held_until_ > now) return unsigned(votes_held_until_ - now) + chance_.ms(1, 8);
  if (!asks_for_vote(frame)) return usual;
  if (to != swing_ || from == swing_) return chance_.ms(90, 150);
  if (voted_at_ + 100 > now) return chance_.ms(15, 80);
  voted_at_ = now;
  return chance_.ms(1, 4);
}

/// Who has just voted crashes, and is back at once, to be asked by another.
void Simulation::after_delivery(MemberId to, const std::string& frame) {
  if (!ground_.faults || ambush_until_ <= clock_.now() || to != swing_) return;
  if (!asks_for_vote(frame) || chance_.hits(0.1)) return;
  clock_.later(chance_.ms(1, 4), [this, to] {
    crash(of(to));
    clock_.later(chance_.ms(1, 10), [this, to] { of(to).boot(); });
  });
}

/// Tells a leader that its entries are stored where they were only sent to.
void Simulation::forge(MemberId from, MemberId to, const std::string& frame) {
  raft_message message{};
  if (consensus::type_of(frame) != RAFT_IO_APPEND_ENTRIES ||
      !consensus::decode(frame, from, "leader", message))
    return;
  raft_message ack{};
  ack.type = RAFT_IO_APPEND_ENTRIES_RESULT;
  const auto& sent = message.append_entries;
  ack.append_entries_result = {sent.term, 0, sent.prev_log_index + sent.n_entries};
  consensus::discard(message);
  clock_.later(2, [this, from, to, forged = consensus::encode(ack)] { of(from).receive(to, forged); });
}

void Simulation::cut(MemberId from, MemberId to) {
  if (cut_.size() >= kMostCuts) return;
  history_.note("cut from n" + std::to_string(from) + " to n" + std::to_string(to));
  cut_.insert({from, to});
}

/// Only members of one side hear each other.
void Simulation::part(const std::vector<std::set<MemberId>>& sides) {
  cut_.clear();
  std::string shown;
  for (const auto& side : sides) {
    shown += shown.empty() ? "" : " |";
    for (const auto id : side) shown += " n" + std::to_string(id);
  }
  history_.note("parted:" + shown);
  for (MemberId from = 1; from <= nodes_.size(); from++)
    for (MemberId to = 1; to <= nodes_.size(); to++)
      if (std::none_of(sides.begin(), sides.end(),
                       [&](auto& side) { return side.contains(from) && side.contains(to); }))
        cut_.insert({from, to});
}

/// Every way is open again, and every disk quick.
void Simulation::heal() {
  history_.note("nothing is cut");
  cut_.clear();
  votes_held_until_ = ambush_until_ = silent_until_ = 0;
  for (auto& node : nodes_) node->slow_until = 0;
}

}  // namespace muster::sim

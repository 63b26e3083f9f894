// A whole cluster in one thread under a seed.
#include "sim.hpp"

#include <algorithm>

#include "consensus/raft_store.hpp"
#include "consensus/wire.hpp"
#include "sim_node.hpp"

namespace muster::consensus {
namespace {

constexpr uint64_t kPatience = 60'000;

}  // namespace

Sim::Sim(SimOptions options) : options_(options), chance_(options.seed) {
  Members first;
  for (MemberId id = 1; id <= options_.voters; id++) first.push_back({id, address_of(id), Role::voter});
  for (MemberId id = 1; id <= kMembers; id++) {
    nodes_[id] = std::make_unique<Node>(*this, id);
    if (id <= first.size() && !Replica::bootstrap(nodes_[id]->disk, first)) fail("no bootstrap");
  }
  for (MemberId id = 1; id <= kMembers; id++) start(id);
}

Sim::~Sim() = default;

void Sim::start(MemberId id) {
  if (!nodes_[id]->replica) nodes_[id]->boot_up();
}

void Sim::crash(MemberId id) {
  auto& node = *nodes_[id];
  if (!node.replica) return;
  counts_["crashes"]++;
  node.boot++;
  node.replica.reset();
  node.in_flight.clear();
  node.disk.fail_writes(false);
  node.disk.countdown = 0;
  node.disk.lose_power(static_cast<size_t>(random(0, int(node.disk.unsynced()) + 1)));
  if (options_.planted.votes_forgotten) node.disk.forget_vote();
}

/// Lost, twice, late and so out of order, as networks do.
void Sim::deliver(MemberId from, MemberId to, std::string frame) {
  if (blocked_.contains({from, to}) || (faults_ && hits(0.03))) return;
  if (silent_until_ > clock_.now() && type_of(frame) == 1) return;
  if (faults_ && hits(0.002)) frame.resize(size_t(random(0, int(frame.size()) + 1)));  // Cut short.
  if (options_.planted.acks_forged && hits(0.5)) forge(from, to, frame);
  for (int copies = faults_ && hits(0.02) ? 2 : 1; copies > 0; copies--)
    clock_.later(delay_of(to, frame), [=, this] {
      const auto it = nodes_.find(to);
      if (it == nodes_.end() || !it->second->replica) return;
      it->second->replica->receive(from, frame);
      after_delivery(to, frame);
    });
}

void Sim::line(MemberId by, uint64_t seq, const Digest& hash, std::string_view body) {
  if (const auto [it, is_new] = history_.try_emplace(seq, hash); !is_new && it->second != hash)
    fail(address_of(by) + " has another line " + std::to_string(seq));
  if (const auto [it, is_new] = at_.try_emplace(std::string{body}, seq); !is_new && it->second != seq)
    fail(address_of(by) + " has the entry " + std::string{body} + " twice");
}

void Sim::leads(MemberId id, uint64_t term) {
  if (leaders_.try_emplace(term, id).first->second != id) fail("two leaders in term " + std::to_string(term));
}

void Sim::run() {
  keep_proposing();
  for (faults_ = true; clock_.now() < options_.faults_for_ms;) {
    step_for(uint64_t(random(50, 800)));
    fault();
  }
  faults_ = false;
  release();
  for (auto& [id, node] : nodes_) {
    node->disk.countdown = 0;
    start(id);
  }
  await("agreement after the faults", [this] { return agreed(); });
  expect_acknowledged();
}

void Sim::keep_proposing() {
  clock_.later(uint64_t(random(1, 10)), [this] {
    for (auto& [id, node] : nodes_)
      if (node->replica && node->replica->leading()) node->propose(std::to_string(++proposed_));
    keep_proposing();
  });
}

void Sim::fault() {
  const auto id = MemberId(random(1, kMembers + 1)), other = MemberId(random(1, kMembers + 1));
  auto& node = *nodes_[id];
  switch (random(0, 13)) {
    case 0:
      return crash(id);
    case 1:
    case 2:
      for (MemberId any = 1; any <= kMembers; any++)
        if (hits(0.7)) start(any);
      return;
    case 3:
      if (blocked_.size() < 6) blocked_.insert({id, other});
      return;
    case 4:
      return release();
    case 5:
      if (auto* leading = leader())
        if (leading->replica->transfer(0)) counts_["transfers"]++;
      return;
    case 6:
      if (auto* leading = leader(); leading && hits(0.5)) leading->replica->step_down();
      return;
    case 7:
      node.disk.reaches_platter = hits(0.5);
      if (options_.fail_disks) node.disk.countdown = size_t(random(1, 8));
      return;
    case 8:
      return compact(node);
    case 9:
    case 10:
      return plot();
    default:
      for (auto& [any, candidate] : nodes_)
        if (options_.change_members && candidate->replica && candidate->replica->leading())
          change_member(*candidate);
  }
}

/// Drops most lines, but none that its snapshot does not hold; who is behind needs the checkpoint.
void Sim::compact(Node& node) {
  const auto snapshot = load_snapshot(node.disk);
  if (!node.replica || !snapshot || snapshot->head.seq < 30) return;
  log::Batch batch;
  const auto to = std::min(snapshot->head.seq, node.chain->head().seq) - uint64_t(random(0, 30));
  if (to < node.chain->oldest()) return;
  node.chain->compact(to, size_t(random(10, 3'000)), batch);
  counts_["compactions"] += node.disk.write(batch, false) ? 1 : 0;
}

void Sim::change_member(Node& leading) {
  const auto members = leading.replica->members();
  const auto voters =
    std::count_if(members.begin(), members.end(), [](auto& member) { return member.role == Role::voter; });
  const auto id = MemberId(random(1, kMembers + 1));
  const auto it = std::find_if(members.begin(), members.end(), [&](auto& member) { return member.id == id; });
  Status changed = Done{};
  if (it == members.end())
    changed = leading.replica->add({id, address_of(id), Role::spare});
  else if (it->role != Role::voter)
    changed = leading.replica->assign(id, hits(0.7) ? Role::voter : Role::standby);
  else if (voters > 2 || (voters == 2 && hits(0.2)))
    changed = hits(0.5) ? leading.replica->assign(id, Role::spare) : leading.replica->remove(id);
  counts_["member changes"] += changed ? 1 : 0;
}

Sim::Node* Sim::leader() {
  Node* best = nullptr;
  for (auto& [id, node] : nodes_)
    if (node->replica && node->replica->leading() && (!best || node->replica->term() > best->replica->term()))
      best = node.get();
  return best;
}

bool Sim::agreed() {
  const auto* leading = leader();
  if (!leading) return false;
  const auto members = leading->replica->members();
  return std::all_of(members.begin(), members.end(), [&](const Member& member) {
    return member.role == Role::spare ||
           nodes_[member.id]->chain->head().seq + 50 >= leading->chain->head().seq;
  });
}

void Sim::expect_acknowledged() {
  const auto before = acknowledged_.size();
  await("progress", [&] { return acknowledged_.size() > before + 20; });
  const auto top = history_.rbegin()->first;
  await("every line everywhere", [&] {
    const auto* leading = leader();
    if (!leading) return false;
    const auto members = leading->replica->members();
    return std::all_of(members.begin(), members.end(), [&](const Member& member) {
      return member.role == Role::spare || nodes_[member.id]->chain->head().seq >= top;
    });
  });
  // Every line was checked when it was made; a head that fits has them all.
  const auto head = leader()->chain->told();
  if (history_.at(head.seq) != head.hash) fail("the leader's head is not of this history");
  for (const auto& body : acknowledged_)
    if (const auto it = at_.find(body); it == at_.end() || it->second > head.seq)
      fail("lost the acknowledged entry " + body);
}

void Sim::step_for(uint64_t ms) {
  for (const auto end = clock_.now() + ms; clock_.step(end);)
    for (const auto& [id, node] : nodes_)  // Also who is not told yet that it leads.
      if (node->replica && node->replica->leader() == id) leads(id, node->replica->term());
}

template <class Reached>
void Sim::await(const char* what, Reached reached) {
  for (const auto end = clock_.now() + kPatience; !reached(); step_for(100))
    if (clock_.now() > end) throw Stalled(when(std::string{"no "} + what));
}

bool Sim::hits(double chance) {
  return double(chance_() >> 11) / double(uint64_t{1} << 53) < chance;
}

int Sim::random(int from, int below) {
  return from + int(chance_() % uint64_t(below - from));
}

std::string Sim::when(const std::string& what) const {
  return "seed " + std::to_string(options_.seed) + ": " + what + ", at " + std::to_string(clock_.now()) +
         " ms";
}

}  // namespace muster::consensus

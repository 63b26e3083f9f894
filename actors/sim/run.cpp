// The cluster, its network and its faults.
#include "actors/sim/run.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "actors/sim/client.hpp"

namespace muster::sim {
namespace {

using consensus::Member;
using consensus::MemberId;
using consensus::Role;

constexpr uint64_t kPatienceMs = 60'000;
constexpr int kClients = 6;
constexpr unsigned kExtraNodes = 2;
constexpr size_t kMostCuts = 6;

class Simulation {
public:
  explicit Simulation(const Options& options);
  void run();
  void report(Outcome& outcome) const;
  /// Nobody is answered after this.
  void end() {
    history_.end();
    town_.open = false;
  }
  [[nodiscard]] std::vector<std::string> notes() const {
    return {history_.last().begin(), history_.last().end()};
  }

private:
  void deliver(MemberId from, MemberId to, std::string frame);
  void fault();
  void fail_disk(Node& node);
  void change_member(Node& leader);
  Node* leader();
  bool agreed();
  void end_faults();
  void compare();
  void compare_log(const Node& node);

  void step_for(uint64_t ms);
  template <class Reached>
  void await(const char* what, Reached reached);
  Node& any() { return *nodes_[size_t(chance_.random(0, int(nodes_.size())))]; }

  const Options options_;
  Clock clock_;
  Chance chance_;
  const std::function<uint64_t()> now_ = [this] { return clock_.now(); };
  History history_{now_};
  Ground ground_;
  std::set<std::pair<MemberId, MemberId>> cut_;
  uint64_t faults_ = 0;
  std::string state_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Town town_{ground_, nodes_, {}};
};

Simulation::Simulation(const Options& options)
  : options_(options), chance_(options.seed), ground_{clock_,        chance_, history_, options.planted,
                                                      options.rules, false,   {}} {
  ground_.send = [this](MemberId from, MemberId to, std::string frame) {
    deliver(from, to, std::move(frame));
  };
  consensus::Members first;
  for (MemberId id = 1; id <= options.nodes; id++)
    first.push_back({id, "n" + std::to_string(id), Role::voter});
  for (MemberId id = 1; id <= options.nodes + kExtraNodes; id++) {
    nodes_.push_back(std::make_unique<Node>(ground_, id));
    if (id <= options.nodes && !consensus::Replica::bootstrap(nodes_.back()->disk, first))
      history_.fail("no bootstrap");
  }
  for (int i = 1; i <= kClients; i++) clients_.push_back(std::make_unique<Client>(town_, i));
}

/// Lost, twice, late and so out of order, as networks do.
void Simulation::deliver(MemberId from, MemberId to, std::string frame) {
  const bool faulty = ground_.faults;
  if (to == 0 || to > nodes_.size() || cut_.contains({from, to}) || (faulty && chance_.hits(0.03))) return;
  for (int copies = faulty && chance_.hits(0.02) ? 2 : 1; copies > 0; copies--)
    clock_.later(faulty && chance_.hits(0.05) ? chance_.ms(10, 400) : chance_.ms(1, 8),
                 [this, from, to, frame] { nodes_[to - 1]->receive(from, frame); });
}

void Simulation::run() {
  for (auto& node : nodes_) node->boot();
  for (auto& client : clients_) client->next();
  ground_.faults = true;
  while (clock_.now() < options_.faults_ms) {
    step_for(chance_.ms(50, 800));
    fault();
  }
  end_faults();
  await("agreement after the faults", [this] { return agreed(); });
  const auto before = history_.acknowledged();
  await("progress after the faults", [&] { return history_.acknowledged() > before + 20; });
  town_.open = false;
  step_for(kPatienceMs / 6);  // The last answers come, and the last lines get everywhere.
  compare();
  history_.close();
}

void Simulation::fault() {
  faults_++;
  auto& node = any();
  switch (chance_.random(0, 13)) {
    case 0:
      node.crash();
      if (node.disk.unsynced() == 0 && chance_.hits(0.2) && node.disk.rot())
        history_.note(node.name() + "'s disk rots");
      return;
    case 1:
    case 2:
    case 3:
      for (auto& each : nodes_)
        if (chance_.hits(0.7)) each->boot();
      return;
    case 4: {
      const auto from = MemberId(chance_.random(1, int(nodes_.size()) + 1));
      const auto to = MemberId(chance_.random(1, int(nodes_.size()) + 1));
      if (cut_.size() >= kMostCuts) return;
      history_.note("cut from n" + std::to_string(from) + " to n" + std::to_string(to));
      return void(cut_.insert({from, to}));
    }
    case 5:
    case 6:
      history_.note("nothing is cut");
      return cut_.clear();
    case 7:
      if (auto* leads = leader())
        if (leads->change([](consensus::Replica& replica) { return replica.transfer(0); }))
          history_.note(leads->name() + " hands over");
      return;
    case 8:
      if (auto* leads = leader(); leads && chance_.hits(0.5)) {
        history_.note(leads->name() + " steps down");
        leads->step_down();
      }
      return;
    case 9:
      return fail_disk(node);
    case 10:
      history_.note(node.name() + "'s clock jumps");
      return node.jump_clock(Millis{chance_.random(-3'600'000, 3'600'000)});
    default:
      if (auto* leads = leader()) change_member(*leads);
  }
}

void Simulation::fail_disk(Node& node) {
  node.disk.reaches_platter = chance_.hits(0.5);
  node.disk.countdown = size_t(chance_.random(1, 8));
}

void Simulation::change_member(Node& leads) {
  const auto members = leads.members();
  const auto voters =
    std::count_if(members.begin(), members.end(), [](auto& member) { return member.role == Role::voter; });
  const auto id = MemberId(chance_.random(1, int(nodes_.size()) + 1));
  const auto it = std::find_if(members.begin(), members.end(), [&](auto& member) { return member.id == id; });
  const bool likely = chance_.hits(0.7), half = chance_.hits(0.5);
  const auto changed = leads.change([&](consensus::Replica& replica) -> Status {
    if (it == members.end()) return replica.add({id, "n" + std::to_string(id), Role::spare});
    if (it->role != Role::voter) return replica.assign(id, likely ? Role::voter : Role::standby);
    if (voters <= 2) return Done{};
    return half ? replica.assign(id, Role::spare) : replica.remove(id);
  });
  if (changed) history_.note(leads.name() + " changes the role of n" + std::to_string(id));
}

Node* Simulation::leader() {
  Node* best = nullptr;
  for (auto& node : nodes_)
    if (node->leads() && (!best || node->term() > best->term())) best = node.get();
  return best;
}

void Simulation::end_faults() {
  ground_.faults = false;
  cut_.clear();
  for (auto& node : nodes_) {
    node->disk.countdown = 0;
    node->boot();
  }
}

/// Whoever has the log by the leader's word has it.
bool Simulation::agreed() {
  const auto* leads = leader();
  if (!leads) return false;
  const auto members = leads->members();
  return std::all_of(members.begin(), members.end(), [&](const Member& member) {
    return member.role == Role::spare || nodes_[member.id - 1]->seq() + 50 >= leads->seq();
  });
}

/// The same lines, states and views on everybody who has the log.
void Simulation::compare() {
  for (const auto& node : nodes_) compare_log(*node);
  await("every line everywhere", [this] {
    const auto* leads = leader();
    if (!leads || leads->seq() != history_.seq()) return false;
    const auto members = leads->members();
    return std::all_of(members.begin(), members.end(), [&](const Member& member) {
      return member.role == Role::spare || nodes_[member.id - 1]->seq() == history_.seq();
    });
  });
  std::map<std::string, std::string> first;
  std::string all;
  for (const auto& member : leader()->members()) {
    if (member.role == Role::spare) continue;
    for (const auto& fold : fold_digests(*nodes_[member.id - 1]->world()))
      if (const auto [it, is_new] = first.try_emplace(fold.name, fold.digest); is_new)
        all += fold.name + fold.digest;
      else if (it->second != fold.digest)
        history_.fail(member.address + " has another " + fold.name + " at line " +
                      std::to_string(history_.seq()));
  }
  state_ = sha256_hex(all);
}

void Simulation::compare_log(const Node& node) {
  uint64_t next = 1;
  log::ChainReader{node.disk}.each_from(1, [&](uint64_t seq, std::string_view line) {
    if (seq != next++ || !history_.has(seq, line))
      history_.fail(node.name() + " has another line " + std::to_string(seq) + " on its disk");
    return true;
  });
}

void Simulation::step_for(uint64_t ms) {
  for (const auto end = clock_.now() + ms; clock_.step(end);) {
  }
}

template <class Reached>
void Simulation::await(const char* what, Reached reached) {
  for (const auto end = clock_.now() + kPatienceMs; !reached(); step_for(100))
    if (clock_.now() > end) history_.fail(std::string{"no "} + what);
}

void Simulation::report(Outcome& outcome) const {
  outcome.digest = history_.digest();
  outcome.state = state_;
  outcome.virtual_ms = clock_.now();
  outcome.lines = history_.seq();
  outcome.acknowledged = history_.acknowledged();
  outcome.reads = history_.reads();
  outcome.leaders = history_.leaders();
  outcome.faults = faults_;
}

}  // namespace

Outcome run(const Options& options) {
  Outcome outcome;
  outcome.seed = options.seed;
  auto simulation = std::make_unique<Simulation>(options);
  try {
    simulation->run();
  } catch (const std::exception& failed) {
    outcome.violation = failed.what();
    outcome.history = simulation->notes();
  }
  simulation->report(outcome);
  simulation->end();
  return outcome;
}

}  // namespace muster::sim

// A simulated cluster from its start to its end, and what must hold.
#include "actors/sim/run.hpp"

#include "actors/sim/simulation.hpp"

namespace muster::sim {
namespace {

using consensus::Member;
using consensus::Role;

constexpr uint64_t kPatienceMs = 60'000;
constexpr int kClients = 6;
constexpr unsigned kExtraNodes = 2;

}  // namespace

Simulation::Simulation(const Options& options)
  : options_(options), chance_(options.seed), ground_{clock_,        chance_,
                                                      history_,      options.planted,
                                                      options.rules, options.broken,
                                                      false,         {}} {
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

Node* Simulation::leader() {
  Node* best = nullptr;
  for (auto& node : nodes_)
    if (node->leads() && (!best || node->term() > best->term())) best = node.get();
  return best;
}

void Simulation::end_faults() {
  ground_.faults = false;
  heal();
  for (auto& node : nodes_) {
    node->mend();
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
  const log::ChainReader reader{node.disk};
  auto next = std::max<uint64_t>(1, reader.oldest());  // Those before it were dropped.
  reader.each_from(1, [&](uint64_t seq, std::string_view line) {
    if (seq != next) history_.fail(node.name() + " lacks line " + std::to_string(next) + " on its disk");
    if (!history_.has(next++, line))
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

Outcome run(const Options& options) {
  Outcome outcome;
  outcome.seed = options.seed;
  auto simulation = std::make_unique<Simulation>(options);
  try {
    simulation->run();
  } catch (const std::exception& failed) {
    outcome.violation = failed.what();
    outcome.history = simulation->notes(outcome.violation);
  }
  simulation->report(outcome);
  simulation->end();
  return outcome;
}

}  // namespace muster::sim

// What goes wrong in a simulated cluster: one fault at a time, and some together, as those that broke
// clusters did.
#include "actors/sim/simulation.hpp"

namespace muster::sim {
namespace {

using consensus::Role;

constexpr double kCalm = 0.4;  // Of the moments at which something could go wrong.

}  // namespace

void Simulation::fault() {
  if (chance_.hits(kCalm)) return;
  faults_++;
  switch (chance_.random(0, 20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return hurt(any());
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return start_some();
    case 9:
    case 10:
      return cut_something();
    case 11:
    case 12:
    case 13:
      return heal();
    case 14:
      return change_leader();
    case 15:
      return plot();
    case 16:
      if (auto* leads = leader()) leads->compact(chance_.hits(0.7));
      return;
    case 17:
      return replace_machine(any());
    default:
      if (auto* leads = leader()) change_member(*leads);
  }
}

/// One machine: its power, its disk or its clock.
void Simulation::hurt(Node& node) {
  switch (chance_.random(0, 6)) {
    case 0:
    case 1:
      crash(node);
      if (node.disk.unsynced() == 0 && chance_.hits(0.2) && node.disk.rot())
        history_.note(node.name() + "'s disk rots");
      return;
    case 2:
    case 3:
      return fail_disk(node);
    case 4:
      history_.note(node.name() + "'s disk is full");
      return node.fill_disk(chance_.ms(500, 8'000));
    default:
      history_.note(node.name() + "'s clock jumps");
      return node.jump_clock(Millis{chance_.random(-3'600'000, 3'600'000)});
  }
}

void Simulation::crash(Node& node) {
  if (!node.runs()) return;
  node.crash();
  if (ground_.broken.votes_forgotten) node.disk.forget_vote();
}

void Simulation::fail_disk(Node& node) {
  node.disk.reaches_platter = chance_.hits(0.5);
  node.disk.countdown = size_t(chance_.random(1, 8));
}

void Simulation::start_some() {
  for (auto& node : nodes_)
    if (chance_.hits(0.7)) node->boot();
}

/// One way in one direction, or one machine from all others.
void Simulation::cut_something() {
  const auto alone = any_id();
  if (chance_.hits(0.7)) return cut(alone, any_id());
  std::set<MemberId> others;
  for (MemberId id = 1; id <= nodes_.size(); id++)
    if (id != alone) others.insert(id);
  part({{alone}, others});
}

void Simulation::change_leader() {
  auto* leads = leader();
  if (leads == nullptr) return;
  if (chance_.hits(0.3)) {
    history_.note(leads->name() + " steps down");
    return leads->step_down();
  }
  if (leads->change([](consensus::Replica& replica) { return replica.transfer(0); }))
    history_.note(leads->name() + " hands over");
}

void Simulation::change_member(Node& leads) {
  const auto members = leads.members();
  const auto voters =
    std::count_if(members.begin(), members.end(), [](auto& member) { return member.role == Role::voter; });
  const auto id = any_id();
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

/// A machine that is no member is one that never was: it may join with an empty disk.
void Simulation::replace_machine(Node& node) {
  const auto* leads = leader();
  if (leads == nullptr || leads == &node) return;
  for (const auto& member : leads->members())
    if (member.id == node.id()) return;
  crash(node);
  node.disk.wipe();
  history_.note(node.name() + " is a new machine");
}

void Simulation::plot() {
  auto* old = leader();
  if (old == nullptr) return;
  switch (chance_.random(0, 3)) {
    case 0:
      return plot_election(*old);
    case 1:
      return plot_slow_disk(*old);
    default:
      return plot_starved(*old);
  }
}

/// What the leader's domains decide is on its way to the log for so long that another leads, and then it
/// again.
void Simulation::plot_starved(Node& old) {
  history_.note(old.name() + " is starved");
  old.starve(chance_.ms(3'000, 6'000));
  step_for(chance_.ms(10, 100));
  old.step_down();
  step_for(chance_.ms(1'500, 3'000));
  auto* leads = leader();
  if (leads == nullptr || leads == &old) return;
  (void)leads->change([&](consensus::Replica& replica) { return replica.transfer(old.id()); });
  step_for(1'000);
}

/// No leader is heard, all stand for election in the same term, and one of them votes, crashes, and is back
/// at once, to be asked by another.
void Simulation::plot_election(Node& old) {
  auto members = old.members();
  std::erase_if(members, [](const auto& member) { return member.role != Role::voter; });
  if (members.empty()) return;
  swing_ = members[size_t(chance_.random(0, int(members.size())))].id;
  history_.note("all stand for election at once, and ask n" + std::to_string(swing_) + " first");
  if (chance_.hits(0.7)) {
    heal();
    for (const auto& member : members) of(member.id).boot();
  }
  votes_held_until_ = clock_.now() + chance_.ms(2'500, 4'000);
  ambush_until_ = votes_held_until_ + 200;
  silent_until_ = ambush_until_ + 200;
  step_for(silent_until_ - clock_.now());
}

/// The leader is left alone with one whose disk is slow. Its entries are still on their way to that disk when
/// that one hears the new leader that the others elected; then all who have the new leader's entries crash.
void Simulation::plot_slow_disk(Node& old) {
  std::vector<MemberId> others;
  for (const auto& member : old.members())
    if (member.role == Role::voter && member.id != old.id()) others.push_back(member.id);
  if (others.size() < 2) return;
  for (size_t i = others.size() - 1; i > 0; i--)
    std::swap(others[i], others[size_t(chance_.random(0, int(i) + 1))]);
  for (const auto id : others) of(id).boot();
  const auto slow = others[0];
  std::set<MemberId> rest{others.begin() + 1, others.end()};
  of(slow).slow_until = clock_.now() + 3'000;
  part({{old.id(), slow}, rest});
  step_for(chance_.ms(2'000, 4'000));
  rest.insert(slow);
  if (others.size() > 3) rest.erase(others.back());
  part({rest, {old.id()}});
  step_for(chance_.ms(100, 1'500));
  for (const auto id : rest) crash(of(id));
  heal();
  of(slow).boot();
  old.boot();
  step_for(4'000);
}

}  // namespace muster::sim

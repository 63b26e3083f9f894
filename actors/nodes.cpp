// The registry's actor.
#include "actors/nodes.hpp"

#include "actors/loud.hpp"

namespace muster::actors {
namespace {

using SelfPtr = Self<Aggregate<NodesDomain>, RegistryState>;

constexpr std::chrono::milliseconds kSweep{1000};

/// Whom the command is a sign of life of; empty for none.
std::string_view sender(const nodes::Command& command) {
  return match(command)([](const nodes::Register& c) -> std::string_view { return c.record.node; },
                        [](const nodes::Heartbeat& c) -> std::string_view { return c.report.node; },
                        [](const nodes::MergeMeta& c) -> std::string_view { return c.node; },
                        [](const nodes::MarkSilent&) -> std::string_view { return {}; },
                        [](const nodes::Forget&) -> std::string_view { return {}; });
}

void hear(SelfPtr self, const RegistryDeps& deps, const nodes::Command& command) {
  const auto node = sender(command);
  if (node.empty()) return;
  auto& state = self->state;
  auto& heard = state.last_heard[std::string{node}];
  heard.at = self->clock().now();
  heard.time = state.deciding->now();
  if (!std::exchange(heard.news, true)) state.news.emplace_back(node);
  if (const auto* beat = std::get_if<nodes::Heartbeat>(&command); beat && beat->report.role == "leader")
    deps.beats->leads(node);
  deps.heard(command);
}

/// Once a second, not with each beat: who beats more often costs no more.
void show_news(RegistryState& state) {
  for (const auto& node : state.news) {
    const auto found = state.last_heard.find(node);
    if (found == state.last_heard.end()) continue;
    state.shown[node] = found->second.time;
    found->second.news = false;
    state.dirty = true;
  }
  state.news.clear();
}

/// A node that was taken off the list has no deadline.
void forget(SelfPtr self, const std::string& node) {
  self->state.last_heard.erase(node);
  self->state.shown.erase(node);
  self->state.dirty = true;
}

void begin(SelfPtr self, const RegistryDeps& deps, const Lead& lead) {
  auto& state = self->state;
  state.deciding->lead(lead);
  state.shown = *deps.beats->load();  // As the leader before told it.
  const auto now = self->clock().now();
  state.deciding->state().nodes.each([&](const std::string& id, const nodes::Node& node) {
    if (!node.silent) state.last_heard.try_emplace(id, RegistryState::Heard{now});
  });
}

void sweep(SelfPtr self, const RegistryDeps& deps) {
  auto& state = self->state;
  self->delayed_send(self, kSweep, tick_atom::value);
  show_news(state);
  if (state.dirty) deps.beats->show(state.shown);
  state.dirty = false;
  if (!state.deciding->leading()) return;
  const auto now = self->clock().now();
  for (auto at = state.last_heard.begin(); at != state.last_heard.end();) {
    const auto silence = std::chrono::duration_cast<Millis>(now - at->second.at);
    if (silence <= deps.ttl) {
      ++at;
      continue;
    }
    auto ask = std::make_shared<Ask<NodesDomain>>();
    ask->command = nodes::MarkSilent{at->first, state.deciding->now() - silence};
    at = state.last_heard.erase(at);
    state.deciding->ask(ask, Proof::not_needed);
  }
  state.deciding->submit();
}

}  // namespace

Aggregate<NodesDomain>::behavior_type registry(SelfPtr self, RegistryDeps deps) {
  end_loudly(self, "nodes");
  self->state.deciding.emplace(deps.aggregate);
  const auto shared = std::make_shared<const RegistryDeps>(std::move(deps));
  self->delayed_send(self, kSweep, tick_atom::value);
  return {
    [self, shared](const AsksPtr<NodesDomain>& asks) {
      for (const auto& ask : *asks) {
        const bool beat = std::holds_alternative<nodes::Heartbeat>(ask->command);
        if (!self->state.deciding->ask(ask, beat ? Proof::not_needed : Proof::needed)) continue;
        hear(self, *shared, ask->command);
        if (const auto* gone = std::get_if<nodes::Forget>(&ask->command)) forget(self, gone->node);
      }
      self->state.deciding->submit();
    },
    [self, shared](lead_atom, const LeadPtr& lead) { begin(self, *shared, *lead); },
    [self](unlead_atom) {
      self->state.deciding->unlead();
      show_news(self->state);
      self->state.last_heard.clear();
    },
    [self, shared](tick_atom) { sweep(self, *shared); },
  };
}

}  // namespace muster::actors

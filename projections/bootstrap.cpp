// Folding what nodes report of applying the profile.
#include "projections/bootstrap.hpp"

namespace muster::bootstrap {

std::string View::key(std::string_view node, std::string_view component) {
  return std::string(node).append("\n").append(component);
}

namespace {

std::string prefix_of(std::string_view component, std::string_view owner) {
  return std::string(component).append("\n").append(owner).append("\n");
}

std::string key_of(std::string_view component, std::string_view owner, const Thing& thing) {
  return prefix_of(component, owner) + thing.kind + "\n" + thing.of + "\n" + thing.name;
}

/// No node's id has a '/'.
std::string server(std::string_view endpoint) {
  return std::string("server/").append(endpoint);
}

/// Whose the things of an event are. Nothing: they are on a server, and lines of older builds do not say on
/// which.
template <class E>
std::string owner_of(const E& e) {
  if (!e.shared) return e.node;
  return e.endpoint.empty() ? "" : server(e.endpoint);
}

}  // namespace

std::vector<Thing> View::added_by(std::string_view node, std::string_view component,
                                  std::string_view endpoint) const {
  std::vector<Thing> things;
  const auto prefix = prefix_of(component, endpoint.empty() ? std::string(node) : server(endpoint));
  added.each_from(prefix, [&](const std::string& at, const AddedThing& row) {
    if (!at.starts_with(prefix)) return false;
    things.push_back(row.thing);
    return true;
  });
  return things;
}

void View::fold(const Record& record) {
  const auto changed = [&] { about.changed = record.seq; };
  match(record.event)(
    [&](const Reported& e) {
      reports[key(e.node, e.component)] = {Shared(e), record.envelope.time, record.seq};
      intents.erase(key(e.node, e.component));
      changed();
    },
    [&](const Intended& e) {
      intents[key(e.node, e.component)] = {Shared(e), record.envelope.time, record.seq};
      changed();
    },
    [&](const Added& e) {
      const auto owner = owner_of(e);
      for (const auto& thing : e.things) {
        if (owner.empty() || added.size() >= kMaxAdded) break;
        added[key_of(e.component, owner, thing)] = {e.component, owner, thing, record.seq};
      }
      changed();
    },
    [&](const Removed& e) {
      for (const auto& thing : e.things) added.erase(key_of(e.component, owner_of(e), thing));
      intents.erase(key(e.node, e.component));
      changed();
    },
    [&](const Paused& e) {
      paused[e.component] = {record.envelope.actor, e.reason, record.envelope.time};
      changed();
    },
    [&](const Resumed& e) {
      paused.erase(e.component);
      changed();
    },
    [](const auto&) {});
}

}  // namespace muster::bootstrap

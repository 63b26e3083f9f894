// Deciding about secrets.
#include "domain/secrets.hpp"

#include "domain/names.hpp"

namespace muster::secrets {
namespace {

using Decided = Result<Decision<Event>>;

constexpr size_t kSweepAtOnce = 256;
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

struct Answer {
  std::string name;
  Time expires_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("expires_at", self.expires_at);
  }
};

Decided seal(const State& state, const Seal& command, Time now) {
  const auto expires_at = command.expires_at == Time{} ? now + kLifetime : command.expires_at;
  names::Check check;
  check.id("/name", command.name);
  if (command.name.find_first_not_of(kLetters) != std::string::npos)  // Templates say ${secret:NAME}.
    check.fault("/name", "may only hold letters, digits, '_', '.' and '-'");
  check.id("/secret", command.secret);
  check.id("/holder", command.holder);
  if (expires_at <= now) check.fault("/expires_at", "has passed");
  if (expires_at > now + kLifetime) check.fault("/expires_at", "is more than 24 hours away");
  if (auto status = check.done(); !status) return status.error();

  Decision<Event> decision{{}, to_json_text(Answer{command.name, expires_at})};
  if (const auto* before = state.secrets.find(command.name))
    decision.events.emplace_back(Removed{command.name, before->secret, "replaced"});
  else if (state.secrets.size() >= kMaxSecrets)
    return Error{
      "rate.limited", "there are " + std::to_string(kMaxSecrets) + " secrets (limit max-secrets)", {}};
  decision.events.emplace_back(Sealed{command.name, command.secret, command.holder, expires_at});
  return decision;
}

Decided remove(const State& state, const Remove& command) {
  const auto* known = state.secrets.find(command.name);
  if (!known) return Error{"not.found", "there is no secret " + command.name, {}};
  return Decision<Event>{{Removed{command.name, known->secret, "deleted"}}};
}

Decided sweep(const State& state, Time now) {
  Decision<Event> decision;
  state.secrets.each_from(std::string{}, [&](const std::string& name, const Secret& secret) {
    if (secret.expires_at <= now) decision.events.emplace_back(Removed{name, secret.secret, "expired"});
    return decision.events.size() < kSweepAtOnce;
  });
  return decision;
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time now) {
  return match(command)([&](const Seal& c) { return seal(state, c, now); },
                        [&](const Remove& c) { return remove(state, c); },
                        [&](const Sweep&) { return sweep(state, now); });
}

State evolve(State state, const Sealed& event) {
  state.secrets[event.name] = {event.secret, event.expires_at};
  return state;
}

State evolve(State state, const Removed& event) {
  const auto* known = state.secrets.find(event.name);
  if (known && known->secret == event.secret) state.secrets.erase(event.name);
  return state;
}

}  // namespace muster::secrets

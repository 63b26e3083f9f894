// Deciding about API tokens.
#include "domain/tokens.hpp"

#include <algorithm>
#include <array>

#include "domain/names.hpp"

namespace muster::tokens {
namespace {

using Decided = Result<Decision<Event>>;

constexpr std::array<std::string_view, 10> kScopes = {
  "register",  "read",       "apply",       "admin",        "jobs:read",
  "runs:read", "runs:write", "events:read", "sources:read", "sources:write"};

/// The scope that `text` means: its last two words when they are one (runs:read), else its last.
auto scope_in(std::string_view text, std::string_view& last) {
  const auto colon = text.rfind(':');
  last = text.substr(colon + 1);  // Without a prefix: npos + 1 is 0.
  if (colon != std::string_view::npos && colon > 0) {
    const auto two = text.substr(text.rfind(':', colon - 1) + 1);
    if (const auto at = std::find(kScopes.begin(), kScopes.end(), two); at != kScopes.end()) return at;
  }
  return std::find(kScopes.begin(), kScopes.end(), last);
}

/// What the caller is told; the edge adds the token itself, once.
struct Answer {
  std::string id, name;
  std::vector<std::string> scopes;
  Time expires_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("name", self.name);
    visit("scopes", self.scopes);
    visit("expires_at", self.expires_at);
  }
};

bool live(const Token& token, Time now) {
  return token.expires_at == Time{} || token.expires_at > now;
}

/// The scopes without their prefixes, each once, in the order of kScopes. Faults go to `check`.
std::vector<std::string> scopes_of(const Create& command, names::Check& check) {
  std::array<bool, kScopes.size()> given{};
  for (size_t i = 0; i < std::min(command.scopes.size(), names::kMaxEntries); i++) {
    std::string_view suffix;
    const auto* const at = scope_in(command.scopes[i], suffix);
    if (at == kScopes.end())
      check.one_of("/scopes/" + std::to_string(i), suffix, {kScopes.begin(), kScopes.end()});
    else
      given[static_cast<size_t>(at - kScopes.begin())] = true;
  }
  if (command.scopes.empty()) check.fault("/scopes", "is required");
  if (command.scopes.size() > names::kMaxEntries)
    check.fault("/scopes", "has more than " + std::to_string(names::kMaxEntries) + " entries");
  std::vector<std::string> scopes;
  for (size_t i = 0; i < kScopes.size(); i++)
    if (given[i]) scopes.emplace_back(kScopes[i]);
  return scopes;
}

Decided create(const State& state, const Create& command, Time now) {
  names::Check check;
  check.id("/id", command.token);
  check.id("/name", command.name);
  Created made{command.token, command.name, command.hash, scopes_of(command, check), command.expires_at};
  if (command.hash.size() != 64) check.fault("/hash", "must be a SHA-256 in hex");
  if (command.expires_at != Time{} && command.expires_at <= now) check.fault("/expires_at", "has passed");
  if (auto status = check.done(); !status) return status.error();

  Decision<Event> decision{{}, to_json_text(Answer{made.token, made.name, made.scopes, made.expires_at})};
  if (state.tokens.contains(command.token))
    return Error{"name.taken", "there is a token with the id " + command.token, {}};
  if (const auto* same = state.by_name.find(command.name)) {
    const auto* token = state.tokens.find(same->token);
    if (token && live(*token, now))
      return Error{"name.taken", "there is a token named " + command.name + ": revoke it first", {}};
    decision.events.emplace_back(Revoked{same->token});
  } else if (state.tokens.size() >= kMaxTokens) {
    std::string expired;
    state.tokens.each_from(std::string{}, [&](const std::string& id, const Token& token) {
      if (!live(token, now)) expired = id;
      return expired.empty();
    });
    if (expired.empty())
      return Error{
        "rate.limited", "there are " + std::to_string(kMaxTokens) + " tokens (limit max-tokens)", {}};
    decision.events.emplace_back(Revoked{expired});
  }
  decision.events.emplace_back(std::move(made));
  return decision;
}

Decided revoke(const State& state, const Revoke& command) {
  auto id = command.token;
  if (!state.tokens.contains(id)) {
    const auto* named = state.by_name.find(id);
    if (!named) return Error{"not.found", "there is no token " + id, {}};
    id = named->token;
  }
  return Decision<Event>{{Revoked{id}}};
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time now) {
  return match(command)([&](const Create& c) { return create(state, c, now); },
                        [&](const Revoke& c) { return revoke(state, c); });
}

State evolve(State state, const Created& event) {
  state.tokens[event.token] = {event.name, event.expires_at};
  state.by_name[event.name] = {event.token};
  return state;
}

State evolve(State state, const Revoked& event) {
  const auto* token = state.tokens.find(event.token);
  if (!token) return state;
  const auto* named = state.by_name.find(token->name);
  if (named && named->token == event.token) state.by_name.erase(std::string(token->name));
  state.tokens.erase(event.token);
  return state;
}

}  // namespace muster::tokens

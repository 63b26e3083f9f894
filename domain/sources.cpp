// Deciding about sources.
#include "domain/sources.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/json.hpp"
#include "domain/names.hpp"
#include "events/line_shape.hpp"

namespace muster::sources {
namespace {

using Decided = Result<Decision<Event>>;

constexpr int kMaxDepth = 64;  // Of JSON that is kept as it came.

/// One line of text; may be empty.
void line(names::Check& check, std::string pointer, const std::string& text) {
  if (text.size() > kMaxField)
    check.fault(std::move(pointer), "is longer than " + std::to_string(kMaxField) + " bytes");
  else if (!is_utf8(text))
    check.fault(std::move(pointer), "is not UTF-8");
  else if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    check.fault(std::move(pointer), "has a control character");
}

void object(names::Check& check, const std::string& pointer, const RawJson& value) {
  check.object(pointer, value);
  if (!value.text.empty() && value.text.size() <= names::kMaxObject && !is_strict_json(value.text, kMaxDepth))
    check.fault(pointer, "is not JSON");
}

/// A name is part of paths, on disk and in URLs.
void source_name(names::Check& check, const std::string& name) {
  check.id("/name", name);
  if (name.find('\\') != std::string::npos) check.fault("/name", "must not contain '\\'");
}

void aliases(names::Check& check, const std::vector<Alias>& all) {
  if (all.size() > kMaxAliases)
    return check.fault("/aliases",
                       "has more than " + std::to_string(kMaxAliases) + " entries (limit max-aliases)");
  size_t bytes = 0;
  for (size_t i = 0; i < all.size(); i++) {
    const auto at = names::pointer_to("/aliases", i);
    line(check, at + "/from", all[i].from);
    line(check, at + "/to", all[i].to);
    line(check, at + "/description", all[i].description);
    bytes += all[i].from.size() + all[i].to.size() + all[i].description.size();
  }
  if (bytes > kMaxAliases * 256)
    check.fault("/aliases", "is longer than " + std::to_string(kMaxAliases * 256) + " bytes in all");
}

Status checked(const Added& record) {
  names::Check check;
  source_name(check, record.name);
  check.one_of("/type", record.kind, {"local", "git", "oci"});
  line(check, "/ref", record.ref);
  line(check, "/resolved_ref", record.resolved_ref);
  line(check, "/resolved_commit", record.resolved_commit);
  line(check, "/url", record.url);
  object(check, "/trust", record.trust);
  aliases(check, record.aliases);
  object(check, "/metadata", record.metadata);
  line(check, "/digest", record.digest);
  check.one_of("/pull_policy", record.pull_policy, {"", "on-add", "on-run", "never"});
  object(check, "/provenance", record.provenance);
  check.one_of("/expose", record.expose, {"none", "read", "readwrite"});
  return check.done();
}

Decided add(const State& state, const Add& command) {
  const auto& record = command.record;
  if (auto status = checked(record); !status) return status.error();
  const auto* known = state.sources.find(record.name);
  if (!known && state.sources.size() >= kMaxSources)
    return Error{
      "rate.limited", "there are " + std::to_string(kMaxSources) + " sources (limit max-sources)", {}};
  Decision<Event> decision;
  decision.result = "{\"name\":";
  append_json_string(decision.result, record.name);
  decision.result += known ? ",\"replaced\":true}" : ",\"replaced\":false}";
  const Pinned pin{record.name, record.resolved_ref, record.resolved_commit, record.digest};
  if (!known || known->digest != sha256_hex(to_json_text(record)) || known->pin != pin)
    decision.events.emplace_back(record);
  return decision;
}

Decided pin(const State& state, const Pin& command) {
  names::Check check;
  source_name(check, command.pin.name);
  line(check, "/resolved_ref", command.pin.resolved_ref);
  line(check, "/resolved_commit", command.pin.resolved_commit);
  line(check, "/digest", command.pin.digest);
  if (auto status = check.done(); !status) return status.error();
  const auto* known = state.sources.find(command.pin.name);
  if (!known) return Error{"not.found", "there is no source " + command.pin.name, {}};
  auto next = known->pin;
  if (!command.pin.resolved_ref.empty()) next.resolved_ref = command.pin.resolved_ref;
  if (!command.pin.resolved_commit.empty()) next.resolved_commit = command.pin.resolved_commit;
  if (!command.pin.digest.empty()) next.digest = command.pin.digest;
  if (next == known->pin) return Decision<Event>{};
  return Decision<Event>{{command.pin}};
}

Decided remove(const State& state, const Remove& command) {
  if (!state.sources.contains(command.name))
    return Error{"not.found", "there is no source " + command.name, {}};
  return Decision<Event>{{Removed{command.name}}};
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  return match(command)([&](const Add& c) { return add(state, c); },
                        [&](const Pin& c) { return pin(state, c); },
                        [&](const Remove& c) { return remove(state, c); });
}

State evolve(State state, const Added& event) {
  state.sources[event.name] = {sha256_hex(to_json_text(event)),
                               {event.name, event.resolved_ref, event.resolved_commit, event.digest}};
  return state;
}

State evolve(State state, const Pinned& event) {
  auto* row = state.sources.edit(event.name);
  if (!row) return state;
  if (!event.resolved_ref.empty()) row->pin.resolved_ref = event.resolved_ref;
  if (!event.resolved_commit.empty()) row->pin.resolved_commit = event.resolved_commit;
  if (!event.digest.empty()) row->pin.digest = event.digest;
  return state;
}

State evolve(State state, const Removed& event) {
  state.sources.erase(event.name);
  return state;
}

}  // namespace muster::sources

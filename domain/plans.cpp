// Deciding about templates, the profile and the plans given.
#include "domain/plans.hpp"

#include "domain/names.hpp"

namespace muster::plans {
namespace {

using Decided = Result<Decision<Event>>;

/// At most names::kMaxText bytes, cut between characters; never empty: an empty reason means a good read.
std::string reason_of(std::string reason) {
  if (reason.empty()) return "no reason was given";
  if (reason.size() <= names::kMaxText) return reason;
  auto end = names::kMaxText;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80) end--;
  reason.resize(end);
  return reason;
}

std::string too_large() {
  return "is larger than " + std::to_string(kMaxContent) + " bytes of JSON";
}

Status check_file(const State& state, const std::string& file) {
  names::Check check;
  check.id("/file", file);
  if (auto status = check.done(); !status) return status;
  if (state.templates.size() >= kMaxTemplates && !state.templates.contains(file))
    return Error{
      "rate.limited", "there are " + std::to_string(kMaxTemplates) + " templates (limit max-templates)", {}};
  return Done{};
}

Decided reject(const State& state, const TemplateRejected& rejected) {
  if (auto status = check_file(state, rejected.file); !status) return status.error();
  auto reason = reason_of(rejected.reason);
  const auto* known = state.templates.find(rejected.file);
  if (known && known->error == reason) return Decision<Event>{};
  return Decision<Event>{{TemplateRejected{rejected.file, std::move(reason)}}};
}

Decided load(const State& state, const TemplateLoaded& loaded) {
  if (loaded.apps.text.size() > kMaxContent) return reject(state, {loaded.file, too_large()});
  if (auto status = check_file(state, loaded.file); !status) return status.error();
  names::Check check;
  check.required("/generation", loaded.generation);
  if (!loaded.apps.text.starts_with('[')) check.fault("/apps", "must be an array");
  if (auto status = check.done(); !status) return status.error();
  const auto* known = state.templates.find(loaded.file);
  if (known && known->error.empty() && known->generation == loaded.generation) return Decision<Event>{};
  return Decision<Event>{{loaded}};
}

Decided reject(const State& state, const ProfileRejected& rejected) {
  auto reason = reason_of(rejected.reason);
  if (state.profile.error == reason) return Decision<Event>{};
  return Decision<Event>{{ProfileRejected{std::move(reason)}}};
}

Decided load(const State& state, const ProfileLoaded& loaded) {
  if (loaded.document.text.size() > kMaxContent) return reject(state, ProfileRejected{too_large()});
  names::Check check;
  check.required("/generation", loaded.generation);
  if (!loaded.document.text.starts_with('{')) check.fault("/document", "must be an object");
  if (auto status = check.done(); !status) return status.error();
  if (state.profile.error.empty() && state.profile.generation == loaded.generation) return Decision<Event>{};
  return Decision<Event>{{loaded}};
}

Decided issue(const State& state, const Issued& plan) {
  names::Check check;
  check.id("/node_id", plan.node);
  check.text("/file", plan.file);
  check.text("/generation", plan.generation);
  check.text("/role", plan.role);
  check.list("/services", plan.services);
  if (auto status = check.done(); !status) return status.error();
  const auto* last = state.issued.find(plan.node);
  if (last && **last == plan) return Decision<Event>{};
  return Decision<Event>{{plan}};
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  return match(command)([&](const LoadTemplate& c) { return load(state, c.loaded); },
                        [&](const RejectTemplate& c) { return reject(state, c.rejected); },
                        [&](const LoadProfile& c) { return load(state, c.loaded); },
                        [&](const RejectProfile& c) { return reject(state, c.rejected); },
                        [&](const Issue& c) { return issue(state, c.plan); });
}

State evolve(State state, const TemplateLoaded& event) {
  state.templates[event.file] = {event.generation, ""};
  return state;
}

State evolve(State state, const TemplateRejected& event) {
  state.templates[event.file].error = event.reason;
  return state;
}

State evolve(State state, const Issued& event) {
  return evolve(std::move(state), Shared(event));
}

State evolve(State state, const Shared<Issued>& event) {
  state.issued[event->node] = event;
  return state;
}

State evolve(State state, const ProfileLoaded& event) {
  state.profile = {event.generation, ""};
  return state;
}

State evolve(State state, const ProfileRejected& event) {
  state.profile.error = event.reason;
  return state;
}

}  // namespace muster::plans

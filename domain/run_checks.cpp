// Checking commands about runs, field by field: their texts end in paths, logs and terminals.
#include "domain/run_checks.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "events/line_shape.hpp"

namespace muster::runs {
namespace {

constexpr int kMaxDepth = 64;  // Of JSON that is kept as it came.

bool in_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

void run_id(names::Check& check, std::string pointer, const std::string& id) {
  if (id.empty())
    check.fault(std::move(pointer), "is required");
  else if (id.size() > kMaxRunId)
    check.fault(std::move(pointer), "is longer than " + std::to_string(kMaxRunId) + " characters");
  else if (!std::all_of(id.begin(), id.end(), in_id) || id.front() == '.')
    check.fault(std::move(pointer), "has other characters than letters, digits, '.', '_' and '-'");
}

/// One line of text; may be empty.
void line(names::Check& check, std::string pointer, const std::string& text, size_t limit = kMaxName) {
  if (auto why = names::line_fault(text, limit); !why.empty())
    check.fault(std::move(pointer), std::move(why));
}

void needed_line(names::Check& check, std::string pointer, const std::string& text) {
  if (text.empty())
    check.fault(std::move(pointer), "is required");
  else
    line(check, std::move(pointer), text);
}

/// Text of several lines; may be empty.
void lines(names::Check& check, std::string pointer, const std::string& text) {
  if (text.size() > kMaxReason)
    check.fault(std::move(pointer), "is longer than " + std::to_string(kMaxReason) + " bytes");
  else if (!is_utf8(text) || text.find('\0') != std::string::npos)
    check.fault(std::move(pointer), "is not UTF-8 without NUL");
}

void object(names::Check& check, const std::string& pointer, const RawJson& value,
            size_t limit = names::kMaxObject) {
  check.object(pointer, value, limit);
  if (!value.text.empty() && value.text.size() <= limit && !is_strict_json(value.text, kMaxDepth))
    check.fault(pointer, "is not JSON");
}

void steps(names::Check& check, const Accepted& run) {
  if (run.steps.size() > kMaxSteps)
    return check.fault("/steps", "has more than " + std::to_string(kMaxSteps) + " entries");
  std::set<std::string_view> ids;
  for (size_t i = 0; i < run.steps.size(); i++) {
    const auto at = names::pointer_to("/steps", i);
    needed_line(check, at + "/id", run.steps[i].id);
    line(check, at + "/name", run.steps[i].name);
    if (!ids.insert(run.steps[i].id).second) check.fault(at + "/id", "is there twice");
  }
  if (!run.from_step.empty() && run.of.empty())
    check.fault("/from_step", "needs the run that it is a step of");
  if (!run.from_step.empty() && !ids.contains(run.from_step)) check.fault("/from_step", "is no step");
}

void policies(names::Check& check, const std::vector<PolicyDecided>& all) {
  if (all.size() > kMaxPolicies)
    return check.fault("/policies", "has more than " + std::to_string(kMaxPolicies) + " entries");
  for (size_t i = 0; i < all.size(); i++) {
    const auto at = names::pointer_to("/policies", i);
    needed_line(check, at + "/subject", all[i].subject);
    check.one_of(at + "/decision", all[i].decision, {"allowed", "warn", "denied"});
    needed_line(check, at + "/code", all[i].code);
    lines(check, at + "/reason", all[i].reason);
  }
}

/// Of any fact: its run's id tells nothing yet, so that one which nobody knows does not hold up the others.
struct FactCheck {
  names::Check& check;
  const std::string& at;

  void operator()(const Started&) const {}
  void operator()(const StepStarted& e) const {
    needed_line(check, at + "/step", e.step);
    attempt(e.attempt);
    if (e.attempt == 0) check.fault(at + "/attempt", "must be above 0");
  }
  void operator()(const StepFinished& e) const {
    needed_line(check, at + "/step", e.step);
    attempt(e.attempt);
    check.one_of(at + "/status", e.status, {"completed", "failed", "skipped"});
    outcome(e.exit_code, e.error);
  }
  void operator()(const Finished& e) const {
    check.one_of(at + "/status", e.status, {"completed", "failed", "canceled", "lost"});
    outcome(e.exit_code, e.error);
    const bool hex = std::all_of(e.digest.begin(), e.digest.end(),
                                 [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (!e.digest.empty() && (e.digest.size() != 64 || !hex))
      check.fault(at + "/digest", "must be a SHA-256 in hex");
  }

private:
  void attempt(uint64_t number) const {
    if (number > kMaxAttempts)
      check.fault(at + "/attempt", "is above " + std::to_string(kMaxAttempts) + " (limit max-attempts)");
  }
  void outcome(int64_t code, const std::string& error) const {
    if (code < -1) check.fault(at + "/exit_code", "must be -1 or above");
    lines(check, at + "/error", error);
  }
};

}  // namespace

Status check(const Submit& command) {
  const auto& run = command.run;
  names::Check check;
  run_id(check, "/run", run.run);
  needed_line(check, "/job", run.job);
  line(check, "/name", run.name);
  line(check, "/source", run.source);
  line(check, "/source_ref", run.source_ref, names::kMaxText);
  object(check, "/args", run.args, kMaxArguments);
  needed_line(check, "/profile", run.profile);
  line(check, "/executor", run.executor);
  line(check, "/runtime", run.runtime);
  check.id("/node", run.node);
  steps(check, run);
  line(check, "/group", run.group);
  if (run.group.empty() != run.policy.empty())
    check.fault("/policy", "goes with a group");
  else if (!run.group.empty())
    check.one_of("/policy", run.policy, {"queue", "skip", "cancel_running"});
  if (!run.of.empty()) run_id(check, "/of", run.of);
  object(check, "/provenance", run.provenance);
  policies(check, command.policies);
  return check.done();
}

Status check(const Judge& command) {
  names::Check check;
  policies(check, command.policies);
  for (size_t i = 0; i < command.policies.size(); i++) {
    const auto at = names::pointer_to("/policies", i);
    needed_line(check, at + "/source", command.policies[i].source);
    if (!command.policies[i].run.empty()) check.fault(at + "/run", "must be empty: it is about no run");
  }
  return check.done();
}

Status check(const Report& report) {
  names::Check check;
  check.id("/node_id", report.node);
  needed_line(check, "/source", report.source);
  if (report.source.size() > kMaxSource)
    check.fault("/source", "is longer than " + std::to_string(kMaxSource) + " bytes");
  if (report.facts.size() > kMaxFacts)
    check.fault("/facts", "has more than " + std::to_string(kMaxFacts) + " entries (limit max-facts)");
  if (auto status = check.done(); !status) return status;
  uint64_t last = 0;
  for (size_t i = 0; i < report.facts.size(); i++) {
    const auto at = names::pointer_to("/facts", i);
    const auto& fact = match(report.facts[i])([](const auto& e) -> const Fact& { return e; });
    run_id(check, at + "/run", fact.run);
    if (fact.local_seq == 0)
      check.fault(at + "/local_seq", "must be above 0");
    else if (fact.local_seq <= last)
      check.fault(at + "/local_seq", "must rise from fact to fact");
    last = fact.local_seq;
    std::visit(FactCheck{check, at}, report.facts[i]);
  }
  return check.done();
}

Status check(const Cancel& command) {
  names::Check check;
  lines(check, "/reason", command.reason);
  return check.done();
}

}  // namespace muster::runs

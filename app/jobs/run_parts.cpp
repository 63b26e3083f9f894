// Making a run of a job that was judged.
#include "app/jobs/run_parts.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "base/utf8.hpp"
#include "domain/jobs/common_flags.hpp"
#include "domain/jobs/plan.hpp"
#include "domain/jobs/redaction.hpp"
#include "domain/jobs/steps.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

std::string cut(std::string_view text) {
  return as_utf8(text, runs::kMaxReason);
}

template <class Fact>
Fact about(const std::string& run, Time at) {
  Fact fact;
  fact.run = run;
  fact.at = at;
  return fact;
}

std::string_view policy_of(jobs::Concurrency::Policy policy) {
  switch (policy) {
    case jobs::Concurrency::Policy::skip:
      return "skip";
    case jobs::Concurrency::Policy::cancel_running:
      return "cancel_running";
    case jobs::Concurrency::Policy::queue:
      break;
  }
  return "queue";
}

}  // namespace

std::string new_run_id() {
  static std::atomic<int64_t> last{0};
  int64_t now =
    std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
  auto before = last.load();
  do now = std::max(now, before + 1);
  while (!last.compare_exchange_weak(before, now));
  return "run-" + std::to_string(now);
}

Result<std::string> run_memory(const std::string& data) {
  auto base = memory_folder();
  if (!base) return base;
  auto folder = *base + "/" + sha256_hex(data).substr(0, 16);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return Error{"internal", folder + ": " + failed.message(), {}};
  ::chmod(folder.c_str(), 0700);
  return folder;
}

Json invoked_with(const Asked& asked) {
  Json with = Json::object();
  if (asked.on_error) with["on_error"] = jobs::word_of(*asked.on_error);
  if (!asked.strict) with["strict"] = false;
  if (asked.dry) with["dry_run"] = true;
  return with;
}

Asked asked_of(const std::string& provenance) {
  Asked asked;
  const auto read = parse_json(provenance);
  if (!read || !read->is_object()) return asked;
  const auto with = read->value("invoked_with", Json::object());
  asked.on_error = jobs::on_error_of(with.value("on_error", ""));
  asked.strict = with.value("strict", true);
  asked.dry = with.value("dry_run", false);
  return asked;
}

std::vector<runs::PolicyDecided> recorded(const std::vector<jobs::Decision>& decisions) {
  std::vector<runs::PolicyDecided> all;
  for (const auto& decision : decisions) {
    auto& policy = all.emplace_back();
    policy.subject = decision.subject;
    policy.decision = to_text(decision.decision);
    policy.code = decision.code;
    policy.reason = cut(decision.reason);
  }
  return all;
}

runs::Submit submission(const std::string& run, const std::string& node, const RunAsk& ask) {
  const auto& [choice, prepared, arguments, host, asked, keep_profile, runtime] = ask;
  const auto& job = *choice.job;
  runs::Submit submit;
  auto& accepted = submit.run;
  accepted.run = run;
  accepted.job = job.id;
  accepted.name = job.name;
  accepted.source = choice.source;
  accepted.source_ref = choice.source_ref;
  if (!arguments.empty()) accepted.args.text = jobs::shown_arguments(arguments).dump();
  accepted.profile = to_text(prepared.profile);
  accepted.executor = prepared.in_containers ? "container" : job.executor.empty() ? "shell" : job.executor;
  if (prepared.in_containers && runtime) accepted.runtime = to_text(*runtime);
  accepted.node = node;
  accepted.timeout_s = prepared.timeout_s;
  for (const auto& one : prepared.steps)
    accepted.steps.push_back({one.step.id, one.step.name.empty() ? one.step.id : one.step.name});
  accepted.group = job.concurrency.group;
  if (!accepted.group.empty()) accepted.policy = policy_of(job.concurrency.policy);
  accepted.priority = job.priority;
  const auto& path = choice.alias ? choice.alias->name : job.folder;
  auto plan = jobs::plan_of(job, prepared, {path, choice.alias, nullptr, choice.source});
  auto& provenance = plan["provenance"];
  if (!choice.provenance.is_null()) provenance["source"] = choice.provenance;
  if (auto with = invoked_with(asked); !with.empty()) provenance["invoked_with"] = std::move(with);
  accepted.provenance.text = provenance.dump();
  submit.policies = recorded(prepared.decisions());
  for (auto& policy : submit.policies) {
    policy.profile = accepted.profile;
    policy.executor = accepted.executor;
    policy.runtime = accepted.runtime;
  }
  return submit;
}

StringMap stream_members(const runs::Accepted& run) {
  StringMap members;
  members["job_id"] = Json(run.job).dump();
  members["executor"] = Json(run.executor).dump();
  if (!run.runtime.empty()) members["runtime"] = Json(run.runtime).dump();
  members["provenance"] = run.provenance.text;
  return members;
}

std::vector<std::string> stream_notes(const runs::Submit& submit, Time now) {
  std::vector<std::string> notes;
  for (const auto& policy : submit.policies) {
    Json event{
      {"run_id", submit.run.run},    {"job_id", submit.run.job},    {"security_profile", policy.profile},
      {"executor", policy.executor}, {"runtime", policy.runtime},   {"timestamp", to_rfc3339(now)},
      {"subject", policy.subject},   {"decision", policy.decision}, {"code", policy.code}};
    if (!policy.reason.empty()) event["reason"] = policy.reason;
    notes.push_back("policy.decision " + event.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return notes;
}

void unmake(const RunOrder& order, const Cgroups& groups) {
  std::error_code ignored;
  for (const auto& folder : {order.memory, order.folder}) fs::remove_all(folder, ignored);
  for (const auto& step : order.steps)
    if (!step.group.empty()) (void)groups.remove(step.group);
}

ExecutionHooks telling(const std::string& run, TellFact tell, const Cgroups& groups,
                       std::function<void(const RunOutcome&)> then) {
  ExecutionHooks hooks;
  hooks.started = [tell, run](Time at) { tell(about<runs::Started>(run, at)); };
  hooks.step_started = [tell, run](const std::string& step, uint64_t attempt, Time at) {
    auto fact = about<runs::StepStarted>(run, at);
    fact.step = step;
    fact.attempt = attempt;
    tell(std::move(fact));
  };
  hooks.step_finished = [tell, run](const StepOutcome& step, Time at) {
    auto fact = about<runs::StepFinished>(run, at);
    fact.step = step.step;
    fact.attempt = step.attempt;
    fact.exit_code = step.exit_code;
    fact.status = step.status;
    fact.error = cut(step.error);
    tell(std::move(fact));
  };
  hooks.finished = [tell, run, then = std::move(then)](const RunOutcome& outcome, Time at) {
    auto fact = about<runs::Finished>(run, at);
    fact.status = outcome.status;
    fact.exit_code = outcome.exit_code;
    fact.error = cut(outcome.error);
    fact.bytes = outcome.output.bytes;
    fact.lines = outcome.output.lines;
    fact.dropped = outcome.output.dropped;
    fact.last = outcome.output.last;
    fact.digest = to_hex(outcome.output.digest);
    tell(std::move(fact));
    then(outcome);
  };
  hooks.released = [&groups](const std::string& group) { return groups.remove(group); };
  return hooks;
}

jobs::Environment whole_environment() {
  jobs::Environment all;
  for (char** pair = environ; *pair; pair++) {
    const std::string text{*pair};
    const auto equals = text.find('=');
    if (equals != std::string::npos && is_utf8(text)) all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return all;
}

runs::Finished ended(const std::string& run, const std::string& status, std::string_view error, Time now) {
  auto fact = about<runs::Finished>(run, now);
  fact.status = status;
  fact.exit_code = -1;
  fact.error = cut(error);
  return fact;
}

runs::Finished lost(const std::string& run, Time now) {
  return ended(run, "lost", "nothing is left of it on its node", now);
}

}  // namespace muster::app

// Showing what would run.
#include "domain/jobs/plan.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "domain/jobs/redaction.hpp"

namespace muster::jobs {
namespace {

void put(Json& to, const char* name, const std::string& text) {
  if (!text.empty()) to[name] = text;
}

std::string executor_of(const Job& job, const Preparation& prepared) {
  if (!job.executor.empty()) return job.executor;
  return prepared.in_containers ? "container" : "shell";
}

Json resources_of(const Settings& settings) {
  Json limits = Json::object();
  if (settings.cpu) limits["cpu"] = std::to_string(*settings.cpu) + "m";
  if (settings.memory) limits["memory"] = *settings.memory;
  return limits;
}

Json step_of(const Job& job, const Preparation& prepared, const PreparedStep& one) {
  const auto& settings = one.judgement.settings;
  Json step = {{"id", one.step.id},
               {"name", one.step.name.empty() ? one.step.id : one.step.name},
               {"executor", executor_of(job, prepared)}};
  if (!one.step.needs.empty()) step["needs"] = one.step.needs;
  put(step, "container_image", settings.image);
  step["network"] = settings.network;
  step["rootfs_writable"] = settings.rootfs_writable;
  if (!settings.capabilities.empty()) step["capabilities"] = settings.capabilities;
  if (auto limits = resources_of(settings); !limits.empty()) step["resources"] = std::move(limits);
  return step;
}

/// Overrides that were asked for and granted, each once.
std::set<std::string> granted_overrides(const Preparation& prepared) {
  constexpr std::array<std::string_view, 5> kOverrides{"container.network", "container.rootfs",
                                                       "container.capabilities", "container.extra_args",
                                                       "env.inheritance"};
  std::set<std::string> granted;
  for (const auto& step : prepared.steps)
    for (const auto& one : step.judgement.decisions)
      if (one.decision != Verdict::denied &&
          std::find(kOverrides.begin(), kOverrides.end(), one.subject) != kOverrides.end())
        granted.insert(one.subject);
  return granted;
}

Json provenance_of(const Job& job, const Preparation& prepared, const Invocation& invocation) {
  Json provenance = {{"canonical_id", job.id}, {"canonical_path", job.folder}};
  if (const auto granted = granted_overrides(prepared); !granted.empty()) provenance["overrides"] = granted;
  if (!invocation.alias) return provenance;
  provenance["invoked_path"] = invocation.path;
  provenance["alias"] = {{"target_path", invocation.alias->target_path}};
  put(provenance["alias"], "source", invocation.source);
  put(provenance["alias"], "description", invocation.alias->description);
  return provenance;
}

}  // namespace

Json to_json(const Arg& arg) {
  Json json = {{"name", arg.name}, {"type", arg.type}};
  put(json, "format", arg.format);
  if (arg.secret) json["secret"] = true;
  if (arg.required) json["required"] = true;
  if (arg.otherwise) json["default"] = arg.secret ? Json{kSecretShown} : *arg.otherwise;
  put(json, "description", arg.description);
  if (!arg.choices.empty()) json["enum"] = arg.choices;
  put(json, "items_type", arg.items_type);
  if (!arg.item_choices.empty()) json["items_enum"] = arg.item_choices;
  put(json, "value_type", arg.value_type);
  return json;
}

Json plan_of(const Job& job, const Preparation& prepared, const Invocation& invocation) {
  Json plan = {{"job_id", job.id}};
  Json args = Json::array();
  for (const auto& arg : job.args) args.push_back(to_json(arg));
  plan["effective_argspec"] = {{"args", std::move(args)}};
  Json preview = {{"interpreter", job.interpreter}, {"executor", executor_of(job, prepared)}};
  if (!prepared.steps.empty())
    put(preview, "container_image", prepared.steps.front().judgement.settings.image);
  if (job.stepped) preview["composition"] = "steps";
  plan["executor_preview"] = std::move(preview);
  if (invocation.arguments) plan["resolved_args"] = shown_arguments(*invocation.arguments);
  plan["security_profile"] = to_text(prepared.profile);
  plan["provenance"] = provenance_of(job, prepared, invocation);
  for (const auto& finding : prepared.findings())
    plan["policy_findings"].push_back(
      {{"code", finding.code}, {"level", finding.level}, {"message", finding.message}});
  if (const auto denied = prepared.denial())
    plan["denied"] = {{"code", denied->code}, {"detail", denied->detail}};
  for (const auto& one : prepared.steps) plan["steps"].push_back(step_of(job, prepared, one));
  return plan;
}

}  // namespace muster::jobs

// :plan, what a job would do: its arguments, its steps, and what the policy makes of them.
#include "domain/jobs/plan.hpp"

#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/remote_jobs.hpp"
#include "app/cli/table.hpp"
#include "app/jobs/addon_jobs.hpp"
#include "app/jobs/job_choice.hpp"

namespace muster::cli {
namespace {

void print_plan(const Call& call, const Json& plan) {
  auto& out = call.io.out;
  const auto text = [](const Json& of, const char* name) {
    const auto at = of.find(name);
    return at == of.end() ? std::string{} : at->is_string() ? at->get<std::string>() : at->dump();
  };
  out << printable(text(plan, "job_id")) << ": " << printable(text(plan["executor_preview"], "executor"))
      << ", " << printable(text(plan["executor_preview"], "interpreter")) << ", profile "
      << text(plan, "security_profile") << '\n';
  if (const auto& args = plan["effective_argspec"]["args"]; !args.empty()) {
    out << "\nARGUMENTS\n";
    Table table{{{"NAME", false, true}, {"TYPE"}, {"DEFAULT"}, {"DESCRIPTION"}}};
    for (const auto& arg : args)
      table.add({{"--" + text(arg, "name")},
                 {text(arg, "type") + (arg.contains("secret") ? ", secret" : "") +
                  (arg.contains("required") ? ", required" : "")},
                 {text(arg, "default")},
                 {text(arg, "description")}});
    table.print(out, call.io.terminal);
  }
  out << "\nSTEPS\n";
  if (!plan.contains("steps")) {
    out << "none: the folder has no script whose name begins with 000_, 100_ or 999_\n";
  } else {
    Table table{{{"STEP", false, true}, {"NEEDS"}, {"NETWORK"}, {"WRITABLE"}, {"LIMITS"}, {"IMAGE"}}};
    for (const auto& step : plan["steps"]) {
      std::string needs;
      if (step.contains("needs"))
        for (const auto& need : step["needs"]) needs += (needs.empty() ? "" : ", ") + need.get<std::string>();
      std::string limits;
      if (step.contains("resources"))
        for (const auto& [name, value] : step["resources"].items())
          limits += (limits.empty() ? "" : ", ") + name + ' ' +
                    (value.is_string() ? value.get<std::string>() : value.dump());
      table.add({{text(step, "id")},
                 {needs},
                 {text(step, "network")},
                 {step["rootfs_writable"].get<bool>() ? "root" : "run folder"},
                 {limits},
                 {text(step, "container_image")}});
    }
    table.print(out, call.io.terminal);
  }
  if (plan.contains("policy_findings"))
    for (const auto& finding : plan["policy_findings"])
      out << text(finding, "level") << ": " << printable(text(finding, "message")) << '\n';
  if (plan.contains("denied"))
    out << "denied: " << text(plan["denied"], "code") << ": " << printable(text(plan["denied"], "detail"))
        << '\n';
}

Outcome show_plan(const Call& call, const Json& plan) {
  if (call.json)
    print_json(call, plan);
  else
    print_plan(call, plan);
  return plan.contains("denied") ? 3 : 0;
}

Error not_one_job() {
  return usage_error(":plan takes the name of one job, and no arguments of it");
}

Outcome plan_there(const Call& call, Client& client) {
  const auto found = find_remote_job(client, call.words);
  if (!found) return found.error();
  if (!*found) return Error{"job.unknown", client.server() + " has no jobs", {}};
  if ((*found)->words != call.words.size()) return not_one_job();
  Json body = {{"job_id", (*found)->job.id}, {"unbound", true}};
  if (call.has("profile")) body["requested_security_profile"] = call.text("profile");
  const auto answer = client.call("POST", "/plans", body.dump());
  if (!answer) return answer.error();
  const auto plan = parse_json(answer->body);
  if (!plan) return plan.error();
  return show_plan(call, *plan);
}

Outcome plan(Call& call) {
  if (call.words.empty()) return usage_error(":plan needs the name of a job; muster :jobs lists them");
  if (auto there = ask_of_jobs(call, [&](Client& client) { return plan_there(call, client); })) return *there;
  auto choice = app::choose_job(call.config, call.words);
  if (!choice) return choice.error();
  if (choice->words != call.words.size()) return not_one_job();
  const auto judged = app::judge_here(*choice, call.config, call.io.environment, call.text("profile"));
  if (!judged) return judged.error();
  auto plan = jobs::plan_of(*choice->job, judged->prepared, {call.word(0), choice->alias, nullptr, ""});
  app::add_trust(plan, judged->prepared, judged->trust);
  return show_plan(call, plan);
}

}  // namespace

Verb plan_verb() {
  return {.name = ":plan",
          .summary = "Show what a job would do, and what the policy says to it",
          .usage = "JOB...",
          .example = "muster :plan demo\nmuster :plan demo --json --profile permissive",
          .run = plan,
          .flags = {{"profile", "NAME", "The security profile", {"secure", "permissive", "disabled"}}},
          .most_words = 16};
}

}  // namespace muster::cli

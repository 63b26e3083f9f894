// :plan, what a job would do: its arguments, its steps, and what the policy makes of them.
#include "domain/jobs/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

#include "adapters/job_files.hpp"
#include "app/cli/catalog.hpp"
#include "app/cli/table.hpp"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

std::string variable(const Call& call, std::string_view name) {
  return call.io.environment(name).value_or("");
}

/// FLWD_POLICY_FILE, else ./flwd.policy.yaml where it is there.
Result<jobs::Bundle> policy_bundle(const Call& call) {
  auto file = variable(call, "FLWD_POLICY_FILE");
  std::error_code error;
  if (file.empty() && fs::exists("flwd.policy.yaml", error)) file = "flwd.policy.yaml";
  if (file.empty()) return jobs::Bundle{};
  std::ifstream in{file, std::ios::binary};
  if (!in) return Error{"E_POLICY", file + " cannot be read", {}};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return jobs::parse_bundle(text, file);
}

std::vector<std::string> plain_files(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file(error)) names.push_back(entry.path().filename().string());
  return names;
}

/// By the words of its folders, by its id, or by an alias of one word.
Result<jobs::Named> named_by(const Call& call, const JobListing& listing) {
  const auto command = listing.tree.command(call.words);
  if (command.job && command.words == call.words.size()) return jobs::Named{command.job, nullptr};
  std::string name;
  for (const auto& word : call.words) name += (name.empty() ? "" : "/") + word;
  return jobs::find_job(listing.tree, listing.aliases, name);
}

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

Outcome plan(Call& call) {
  if (call.words.empty()) return usage_error(":plan needs the name of a job; muster :jobs lists them");
  const auto& root = call.config.text("scripts-root");
  const auto listing = JobFiles(root).read();
  if (!listing) return listing.error();
  auto named = named_by(call, **listing);
  if (!named) return named.error();
  auto profile = jobs::effective_profile({call.text("profile"), variable(call, "FLWD_PROFILE"), ""});
  if (!profile) return profile.error();
  auto bundle = policy_bundle(call);
  if (!bundle) return bundle.error();
  const auto& job = *named->job;
  auto prepared = jobs::prepare(job, plain_files(root + "/" + job.folder), *bundle, *profile);
  if (!prepared) return prepared.error();
  if (auto scripts = job_scripts(root, job); !scripts) return scripts.error();
  const auto shown = jobs::plan_of(job, *prepared, {call.word(0), named->alias, nullptr});
  if (call.json)
    print_json(call, shown);
  else
    print_plan(call, shown);
  return shown.contains("denied") ? 3 : 0;
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

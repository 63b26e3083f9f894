// Reading a node's rows, and finding a job in them.
#include "app/cli/remote_jobs.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "app/serving.hpp"

namespace muster::cli {
namespace {

constexpr size_t kPage = 200;  // As many as the node gives at once.

/// An argument as GET /jobs shows it.
jobs::Arg argument_of(const Json& json) {
  jobs::Arg arg;
  arg.name = json.value("name", "");
  arg.type = json.value("type", "string");
  arg.format = json.value("format", "");
  arg.secret = json.value("secret", false);
  arg.required = json.value("required", false);
  if (json.contains("default")) arg.otherwise = json["default"];
  arg.description = json.value("description", "");
  arg.choices = json.value("enum", std::vector<std::string>{});
  arg.items_type = json.value("items_type", "");
  arg.item_choices = json.value("items_enum", std::vector<std::string>{});
  arg.value_type = json.value("value_type", "");
  return arg;
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// How many of the words name the row: those of its folders, or its id. 0: they name another one.
size_t words_of(const Json& row, const std::vector<std::string>& words) {
  const auto command = row.value("command", std::vector<std::string>{});
  if (!command.empty() && command.size() <= words.size() &&
      std::equal(command.begin(), command.end(), words.begin()))
    return command.size();
  return same(row.value("id", ""), words.front()) ? 1 : 0;
}

void take_arguments(jobs::Job& job, const Json& has) {
  if (!has.contains("args")) return;
  for (const auto& arg : has["args"]) job.args.push_back(argument_of(arg));
}

/// What is not listed may be known still, as an alias is that this caller may not see: the node says so.
Result<RemoteJob> ask_for(Client& client, const std::string& name) {
  const auto answer = client.call("POST", "/plans", Json{{"job_id", name}, {"unbound", true}}.dump());
  if (!answer) return answer.error();
  const auto plan = parse_json(answer->body);
  if (!plan) return plan.error();
  RemoteJob found;
  found.words = 1;
  found.job.id = found.job.name = name;
  take_arguments(found.job, plan->value("effective_argspec", Json::object()));
  return found;
}

}  // namespace

Result<std::optional<std::string>> node_of_jobs(const config::Config& config) {
  const auto named_by = [&](const char* name) { return config.origin(name).source; };
  if (named_by("scripts-root") != config::Source::flag) return node_to_ask(config);
  if (named_by("server") == config::Source::flag)
    return usage_error("--scripts-root names a folder here, and --server a node, which has its own");
  std::optional<std::string> node;
  if (config.given("server")) return node;  // A flag goes before what is set otherwise.
  std::error_code odd;
  const auto served = app::served_by(config.text("data"));
  if (served && std::filesystem::equivalent(config.text("scripts-root"), served->scripts, odd))
    node = served->url;
  return node;
}

Result<RemoteJobs> remote_jobs(Client& client, bool every) {
  RemoteJobs all{Json::array(), 0};
  for (size_t page = 1;; page++) {
    const auto answer = client.call("GET", with_query("/jobs", {{"per_page", std::to_string(kPage)},
                                                                {"page", std::to_string(page)},
                                                                {"all", every ? "true" : ""}}));
    if (!answer) return answer.error();
    const auto rows = parse_json(answer->body);
    if (!rows || !rows->is_array())
      return Error{"internal", client.server() + "/jobs did not answer with a list"};
    for (const auto& row : *rows) all.rows.push_back(row);
    all.faults = answer->faults;
    if (rows->size() < kPage) return all;
  }
}

Result<std::optional<RemoteJob>> find_remote_job(Client& client, const std::vector<std::string>& words) {
  const auto all = remote_jobs(client);
  if (!all) return all.error();
  std::optional<RemoteJob> found;
  for (const auto& row : all->rows) {
    const auto count = words_of(row, words);
    if (count == 0 || (found && found->words >= count)) continue;
    found.emplace();
    found->words = count;
    found->job.id = row.value("id", "");
    found->job.name = row.value("name", "");
    found->job.summary = row.value("description", "");
    take_arguments(found->job, row);
  }
  if (found || all->rows.empty()) return found;
  auto hidden = ask_for(client, words.front());
  if (!hidden) return hidden.error();
  return std::optional{std::move(*hidden)};
}

}  // namespace muster::cli

// :jobs and :validate, what a folder of scripts offers and what is wrong with it.
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "adapters/job_files.hpp"
#include "app/cli/catalog.hpp"
#include "app/cli/remote_jobs.hpp"
#include "app/cli/render.hpp"
#include "app/jobs/job_rows.hpp"
#include "domain/jobs/steps.hpp"
#include "domain/jobs/words.hpp"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;
using app::below;

using Listing = std::shared_ptr<const JobListing>;

Json to_json(const jobs::Alias& alias) {
  Json json = {{"name", alias.name}, {"target_path", alias.target_path}, {"target_id", alias.target_id}};
  if (!alias.description.empty()) json["description"] = alias.description;
  return json;
}

Json errors_json(const std::string& root, const std::vector<jobs::Fault>& faults) {
  Json errors = Json::array();
  for (const auto& fault : faults)
    errors.push_back({{"path", below(root, fault.path)}, {"error", fault.error}});
  return errors;
}

/// The contract's shape (section 1): what is empty is not there.
Json to_json(const std::string& root, const JobListing& listing) {
  Json all = {{"jobs", Json::array()}};
  for (const auto& [job, file] : listing.tree.jobs()) {
    Json row = {{"id", job->id}, {"name", job->name}, {"path", below(root, file->shown())}};
    if (!job->summary.empty()) row["summary"] = job->summary;
    all["jobs"].push_back(std::move(row));
  }
  for (const auto& alias : listing.aliases.listed()) all["aliases"].push_back(to_json(alias));
  for (const auto& [name, contenders] : listing.aliases.collisions())
    for (const auto& alias : contenders) all["alias_collisions"][name].push_back(to_json(alias));
  for (const auto& [name, invalid] : listing.aliases.invalid())
    all["alias_invalid"][name] = {{"code", invalid.code}, {"detail", invalid.detail}};
  if (!listing.faults.empty()) all["errors"] = errors_json(root, listing.faults);
  return all;
}

/// Aliases that cannot be used, as faults of the file that declares them.
std::vector<jobs::Fault> alias_faults(const jobs::Aliases& aliases) {
  std::vector<jobs::Fault> faults;
  const auto add = [&](const std::string& name, const std::string& what) {
    faults.push_back({std::string(jobs::kAliasFile), "alias \"" + name + "\": " + what});
  };
  for (const auto& [name, contenders] : aliases.collisions()) {
    std::string targets;
    for (const auto& alias : contenders) targets += (targets.empty() ? "" : ", ") + alias.target_path;
    add(name, "alias.collision: it may be any of " + targets);
  }
  for (const auto& [name, invalid] : aliases.invalid()) add(name, invalid.code + ": " + invalid.detail);
  return faults;
}

/// `all` has the contract's shape (section 1).
void print_tables(const Call& call, const std::string& of, const Json& all) {
  if (all["jobs"].empty()) {
    call.io.out << "no jobs in " << printable(of) << '\n';
  } else {
    Table table{{{"ID", false, true}, {"NAME"}, {"SUMMARY"}}};
    for (const auto& job : all["jobs"])
      table.add(
        {{text_of(job, "id")},
         {text_of(job, "name")},
         job.contains("summary") ? Cell{text_of(job, "summary")} : Cell{"(no summary)", Colour::dim}});
    table.print(call.io.out, call.io.terminal);
  }
  if (!all.contains("aliases")) return;
  call.io.out << "\nALIASES\n";
  Table table{{{"NAME", false, true}, {"TARGET"}, {"DESCRIPTION"}}};
  for (const auto& alias : all["aliases"])
    table.add({{text_of(alias, "name")}, {text_of(alias, "target_path")}, {text_of(alias, "description")}});
  table.print(call.io.out, call.io.terminal);
}

/// Puts an alias of a node where the contract's shape has it.
void add_alias(Json& all, const Json& row) {
  const auto id = text_of(row, "id"), detail = text_of(row, "alias_detail");
  if (row.contains("alias_code")) {
    all["alias_invalid"][id] = {{"code", row["alias_code"]}, {"detail", detail}};
    return;
  }
  Json alias = {{"name", id}, {"target_path", row["alias_of"]}};
  if (row.contains("alias_id")) alias["target_id"] = row["alias_id"];
  if (id != text_of(row, "name")) alias["source"] = text_of(row["source"], "name");
  if (row.contains("description")) alias["description"] = row["description"];
  const bool collides = detail == "collision";
  auto& into = collides ? all["alias_collisions"][jobs::lower_case(id)] : all["aliases"];
  into.push_back(std::move(alias));
}

/// By what they stand for, as a tree's own file is read; of a name that is declared several times the first
/// is listed, too.
void order_aliases(Json& all) {
  const auto in_order = [](Json& aliases) {
    std::stable_sort(aliases.begin(), aliases.end(), [](const Json& a, const Json& b) {
      return std::pair{a["target_path"], a["name"]} < std::pair{b["target_path"], b["name"]};
    });
  };
  if (all.contains("alias_collisions"))
    for (auto& contenders : all["alias_collisions"]) {
      in_order(contenders);
      all["aliases"].push_back(contenders.front());
    }
  if (all.contains("aliases")) in_order(all["aliases"]);
}

/// The contract's shape of what a node has. Of files that cannot be read it tells the number.
Json to_json(const RemoteJobs& found) {
  Json all = {{"jobs", Json::array()}};
  for (const auto& row : found.rows) {
    if (text_of(row.value("source", Json::object()), "type") == "alias") {
      add_alias(all, row);
      continue;
    }
    Json job = {{"id", row["id"]}, {"name", row["name"]}};
    for (const auto* name : {"source", "path"})
      if (row.contains(name)) job[name] = row[name];
    if (row.contains("description")) job["summary"] = row["description"];
    all["jobs"].push_back(std::move(job));
  }
  order_aliases(all);
  return all;
}

Outcome list_there(const Call& call, Client& client) {
  const auto found = remote_jobs(client, true);
  if (!found) return found.error();
  const auto all = to_json(*found);
  if (call.json)
    print_json(call, all);
  else
    print_tables(call, client.server(), all);
  if (found->faults > 0)
    call.io.err << "[warn] " << client.server() << ": " << found->faults
                << " files could not be read; muster :validate tells of them there\n";
  return 0;
}

Outcome list(Call& call) {
  if (auto there = ask_of_jobs(call, [&](Client& client) { return list_there(call, client); })) return *there;
  const auto& root = call.config.text("scripts-root");
  const auto listing = JobFiles(root).read();
  if (!listing) return listing.error();
  const auto all = to_json(root, **listing);
  if (call.json) {
    print_json(call, all);
    return 0;
  }
  print_tables(call, root, all);
  auto faults = (*listing)->faults;
  for (auto& fault : alias_faults((*listing)->aliases)) faults.push_back(std::move(fault));
  for (const auto& fault : faults)
    call.io.err << "[warn] " << printable(below(root, fault.path)) << ": " << printable(fault.error) << '\n';
  return 0;
}

/// What loads, but could not run.
std::vector<jobs::Fault> unrunnable(const std::string& root, const jobs::Tree& tree) {
  std::vector<jobs::Fault> faults;
  for (const auto& [job, file] : tree.jobs()) {
    const auto add = [&path = file->path, &faults](std::string what) {
      faults.push_back({path, std::move(what)});
    };
    const bool contained = job->executor == "container" || job->interpreter.starts_with("container:");
    if (!contained && job->interpreter.empty()) add("/interpreter is required for a job that is a process");
    if (const auto fits = jobs::check_steps(*job); !fits) {
      for (const auto& field : fits.error().fields) add(field.pointer + ' ' + field.message);
      if (fits.error().fields.empty()) add(fits.error().detail);
    }
    if (const auto scripts = job_scripts(root, *job); !scripts) add(scripts.error().detail);
  }
  return faults;
}

Outcome validate(Call& call) {
  const std::string root = call.words.empty() ? call.config.text("scripts-root") : call.word(0);
  std::error_code error;
  if (!call.words.empty() && !fs::exists(root, error))
    return Error{"not.found", "there is no folder " + root};
  const auto listing = JobFiles(root).read();
  if (!listing) return listing.error();
  auto faults = (*listing)->faults;
  for (auto& fault : alias_faults((*listing)->aliases)) faults.push_back(std::move(fault));
  for (auto& fault : unrunnable(root, (*listing)->tree)) faults.push_back(std::move(fault));
  const auto jobs = (*listing)->tree.jobs().size();
  if (call.json) {
    print_json(call, {{"ok", faults.empty()}, {"jobs", jobs}, {"errors", errors_json(root, faults)}});
  } else {
    for (const auto& fault : faults)
      call.io.out << printable(below(root, fault.path)) << ": " << printable(fault.error) << '\n';
    call.io.out << jobs << (jobs == 1 ? " job, " : " jobs, ") << faults.size()
                << (faults.size() == 1 ? " fault" : " faults") << '\n';
  }
  return faults.empty() ? 0 : 1;
}

}  // namespace

Verb jobs_verb() {
  return {.name = ":jobs",
          .summary = "List the jobs that may be run, and their aliases",
          .example = "muster :jobs --json\nmuster :jobs --scripts-root ./scripts",
          .run = list};
}

Verb validate_verb() {
  return {.name = ":validate",
          .summary = "Check a folder of scripts, and say everything that is wrong with it",
          .usage = "[PATH]",
          .example = "muster :validate scripts",
          .run = validate,
          .most_words = 1};
}

}  // namespace muster::cli

// A job, its words, its aliases, as rows.
#include "app/jobs/job_rows.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "domain/jobs/plan.hpp"
#include "domain/jobs/words.hpp"

namespace muster::app {
namespace {

void add_arguments(Json& row, const jobs::Job& job) {
  for (const auto& arg : job.args) row["args"].push_back(jobs::to_json(arg));
}

Json alias_row(const std::string& name, const std::string& source) {
  return {{"id", source.empty() ? name : source + "/" + name},
          {"name", name},
          {"source", {{"name", source.empty() ? name : source}, {"type", "alias"}}}};
}

}  // namespace

std::string below(const std::string& root, const std::string& path) {
  if (path.empty()) return root;
  return root.ends_with('/') ? root + path : root + '/' + path;
}

Json row_of(const jobs::Job& job, const std::string& source, const std::string& type) {
  Json row{{"id", source.empty() ? job.id : source + "/" + job.id}, {"name", job.name}};
  if (!job.summary.empty()) row["description"] = job.summary;
  add_arguments(row, job);
  if (!source.empty()) row["source"] = {{"name", source}, {"type", type}};
  return row;
}

void add_command(Json& row, const jobs::Job& job, const jobs::Tree& tree) {
  const auto found = tree.commands().find(job.folder);
  if (found == tree.commands().end() || found->second != &job) return;
  std::istringstream folder{job.folder};
  for (std::string word; std::getline(folder, word, '/');) row["command"].push_back(word);
}

void add_aliases(std::vector<Json>& rows, const JobListing& listing, const std::string& source, bool all) {
  const auto& aliases = listing.aliases;
  const auto add = [&](const jobs::Alias& alias, bool collides) {
    auto row = alias_row(alias.name, source);
    row["alias_of"] = alias.target_path;
    row["alias_detail"] = collides ? "collision" : alias.target_path;
    if (all) row["alias_id"] = alias.target_id;
    if (!alias.description.empty()) row["description"] = alias.description;
    if (const auto named = jobs::find_job(listing.tree, aliases, alias.name)) add_arguments(row, *named->job);
    rows.push_back(std::move(row));
  };
  for (const auto& alias : aliases.listed())
    add(alias, aliases.collisions().contains(jobs::lower_case(alias.name)));
  if (!all) return;
  for (const auto& [key, contenders] : aliases.collisions())
    for (size_t i = 1; i < contenders.size(); i++) add(contenders[i], true);  // The first one is listed.
  for (const auto& [name, invalid] : aliases.invalid()) {
    rows.push_back(alias_row(name, source));
    rows.back()["alias_code"] = invalid.code;
    rows.back()["alias_detail"] = invalid.detail;
  }
}

void sort_rows(std::vector<Json>& rows) {
  const auto key = [](const Json& row) {
    auto source = row.contains("source") ? row["source"]["name"].get<std::string>() : std::string{};
    return std::pair{row["id"].get<std::string>(), std::move(source)};
  };
  std::sort(rows.begin(), rows.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
}

}  // namespace muster::app

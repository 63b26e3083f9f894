// A job, its words, its aliases, as rows.
#include "app/jobs/job_rows.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "domain/jobs/plan.hpp"

namespace muster::app {
namespace {

void add_arguments(Json& row, const jobs::Job& job) {
  for (const auto& arg : job.args) row["args"].push_back(jobs::to_json(arg));
}

}  // namespace

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

void add_aliases(std::vector<Json>& rows, const JobListing& listing, const std::string& source) {
  const auto& aliases = listing.aliases;
  for (const auto& alias : aliases.listed()) {
    std::string key = alias.name;
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool collides = aliases.collisions().contains(key);
    Json row{{"id", source.empty() ? alias.name : source + "/" + alias.name},
             {"name", alias.name},
             {"source", {{"name", source.empty() ? alias.name : source}, {"type", "alias"}}},
             {"alias_of", alias.target_path},
             {"alias_detail", collides ? "collision" : alias.target_path}};
    if (!alias.description.empty()) row["description"] = alias.description;
    if (const auto named = jobs::find_job(listing.tree, aliases, alias.name)) add_arguments(row, *named->job);
    rows.push_back(std::move(row));
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

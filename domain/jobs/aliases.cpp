// Reading, judging and following aliases.
#include "domain/jobs/aliases.hpp"

#include <algorithm>
#include <tuple>

#include "base/nearest.hpp"
#include "domain/jobs/config_parts.hpp"
#include "domain/jobs/job_config.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

using names::pointer_to;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what))
    text.replace(at, what.size(), with);
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

DeclaredAlias read_alias(ObjectReader from) {
  const auto filled = [&](std::string_view key) {
    auto text = trimmed(from.text(key, Need::required).value_or("-"));
    if (text.empty()) from.complain(key, "must not be empty");
    return text;
  };
  return {filled("from"), filled("to"), from.text("description", Need::optional, kMaxSummary).value_or("")};
}

std::vector<DeclaredAlias> read_list(ObjectReader& root, names::Check& check) {
  std::vector<DeclaredAlias> made;
  const Json& listed = root.array("aliases", kMaxAliases);
  const auto at = pointer_to(root.pointer(), "aliases");
  for (size_t i = 0; i < listed.size(); i++)
    made.push_back(read_alias(reader_of(listed[i], pointer_to(at, i), check)));
  return made;
}

std::string id_of(std::string path) {
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

std::string in_quotes(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::string no_such_job(const Tree& tree, std::string_view id) {
  std::vector<std::string_view> known;
  for (const auto& entry : tree.jobs()) known.push_back(entry.job->id);
  return "no job has the id " + in_quotes(id) + did_you_mean(id, known);
}

/// Its fields are the contenders: where each leads, and which job that is.
Error collision(std::string_view name, const std::vector<Alias>& contenders) {
  Error error{"alias.collision", "the alias " + in_quotes(name) + " is declared " +
                                   std::to_string(contenders.size()) + " times: "};
  for (const auto& one : contenders) {
    error.detail += (error.fields.empty() ? "" : ", ") + one.target_path;
    error.fields.push_back({one.target_path, one.target_id});
  }
  return error;
}

}  // namespace

void check_aliases(ObjectReader& root, names::Check& check) {
  const auto listed = read_list(root, check);
  for (size_t i = 0; i < listed.size(); i++)
    if (alias_path(listed[i].to).find('/') != std::string::npos)
      check.fault(pointer_to(pointer_to("/aliases", i), "to"), "must be one word, without '/', '\\' or ':'");
}

std::string alias_path(std::string_view target) {
  std::string path = trimmed(target);
  std::replace(path.begin(), path.end(), '\\', '/');
  std::replace(path.begin(), path.end(), ':', '/');
  replace_all(path, "..", ".");
  path.erase(std::remove(path.begin(), path.end(), ' '), path.end());
  replace_all(path, "//", "/");
  if (path.starts_with('/')) path.erase(0, 1);
  if (path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::vector<DeclaredAlias>> read_aliases(std::string_view text) {
  constexpr std::string_view kCode = "alias.configuration.invalid";
  yaml::Limits limits;
  limits.bytes = kMaxAliasFile;
  if (text.size() <= kMaxAliasFile && says_nothing(text)) return std::vector<DeclaredAlias>{};
  auto document = yaml::parse(text, limits);
  if (!document)
    return Error{std::string(kCode), std::string(kAliasFile) + ": " + document.error().detail,
                 document.error().fields};
  if (document->value.is_null()) document->value = Json::object();
  names::Check check;
  ObjectReader root = reader_of(document->value, "", check);
  auto declared = read_list(root, check);
  if (!check.faults().empty())
    return yaml::refusal(std::string(kCode), kAliasFile, check.faults(), *document);
  const auto names = [](const DeclaredAlias& alias) { return std::tie(alias.from, alias.to); };
  std::stable_sort(declared.begin(), declared.end(),
                   [&](const auto& a, const auto& b) { return names(a) < names(b); });
  const auto same = [&](const auto& a, const auto& b) { return names(a) == names(b); };
  declared.erase(std::unique(declared.begin(), declared.end(), same), declared.end());
  return declared;
}

Aliases::Aliases(const std::vector<DeclaredAlias>& declared, const Tree& tree) {
  std::map<std::string, size_t> names;
  for (const auto& each : declared) names[lower_case(each.to)]++;
  for (const auto& each : declared) {
    if (each.to.find_first_of("/\\") != std::string::npos) {
      faults_.push_back(
        {std::string(kAliasFile), "the alias " + in_quotes(each.to) + " must be one word, without '/'"});
      continue;
    }
    Alias alias{each.to, alias_path(each.from), "", each.description};
    if (const Job* job = tree.find(id_of(alias.target_path))) alias.target_id = job->id;
    judge(lower_case(each.to), std::move(alias), tree, names);
  }
}

void Aliases::judge(const std::string& key, Alias alias, const Tree& tree,
                    const std::map<std::string, size_t>& names) {
  if (alias.name.starts_with(':')) {
    invalid_.insert_or_assign(key, Invalid{"alias.reserved", "names that begin with ':' are verbs"});
  } else if (tree.find(alias.name)) {
    invalid_.insert_or_assign(key,
                              Invalid{"alias.name.conflict", in_quotes(alias.name) + " is the id of a job"});
  } else if (names.at(key) > 1) {
    auto& contenders = collisions_[key];
    if (contenders.empty()) listed_.push_back(alias);
    contenders.push_back(std::move(alias));
  } else if (alias.target_id.empty()) {
    const bool of_alias = names.contains(lower_case(id_of(alias.target_path)));
    invalid_.insert_or_assign(
      key, Invalid{"alias.target.invalid", of_alias ? "an alias cannot be the target of an alias"
                                                    : no_such_job(tree, id_of(alias.target_path))});
  } else {
    listed_.push_back(std::move(alias));
  }
}

const Alias* Aliases::find(std::string_view name) const {
  const auto key = lower_case(name);
  if (collisions_.contains(key)) return nullptr;
  const auto found = std::find_if(listed_.begin(), listed_.end(),
                                  [&](const Alias& alias) { return lower_case(alias.name) == key; });
  return found == listed_.end() ? nullptr : &*found;
}

Result<Named> find_job(const Tree& tree, const Aliases& aliases, std::string_view name) {
  if (const Job* job = tree.find(name)) return Named{job, nullptr};
  const auto key = lower_case(name);
  if (const auto several = aliases.collisions().find(key); several != aliases.collisions().end())
    return collision(name, several->second);
  if (const auto wrong = aliases.invalid().find(key); wrong != aliases.invalid().end())
    return Error{wrong->second.code, "the alias " + in_quotes(name) + ": " + wrong->second.detail};
  if (const Alias* alias = aliases.find(name)) return Named{tree.find(alias->target_id), alias};
  return Error{"job.unknown", no_such_job(tree, name)};
}

}  // namespace muster::jobs

// Buckets as folders, and what is kept beside them.
#include "adapters/folder_storage.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "adapters/folder_files.hpp"
#include "adapters/keys.hpp"
#include "base/hash.hpp"

namespace muster {

namespace fs = std::filesystem;
using environment::Ask;
using environment::Ensured;
using environment::Outcome;

namespace {

using buckets::SeenRule;
using buckets::Versioning;

/// A member of `meta`, made when it is missing; null when it has another type.
Json* member(Json& meta, const char* name, Json::value_t type) {
  if (!meta.contains(name)) meta[name] = Json(type);
  return meta[name].type() == type ? &meta[name] : nullptr;
}

std::optional<Versioning> versioning_in(const Json& meta) {
  if (!meta.contains("versioning") || meta["versioning"].is_null()) return Versioning::never;
  if (meta["versioning"] == "Enabled") return Versioning::enabled;
  if (meta["versioning"] == "Suspended") return Versioning::suspended;
  return std::nullopt;
}

std::string text_in(const Json& rule, const char* name) {
  return rule.contains(name) && rule[name].is_string() ? rule[name].get<std::string>() : "";
}

/// Whether a member of a rule, in this form, is one that the profile has a word for.
bool understood(const std::string& name, const Json& value) {
  if (name == "status") return value == "Enabled" || value == "Disabled";
  return name == "expire_days" || ((name == "id" || name == "prefix") && value.is_string());
}

SeenRule seen(const Json& rule) {
  SeenRule made{text_in(rule, "id"), text_in(rule, "prefix"), std::nullopt,
                text_in(rule, "status") != "Disabled"};
  for (const auto& [name, value] : rule.items()) made.more = made.more || !understood(name, value);
  if (rule.contains("expire_days") && rule["expire_days"].is_number_integer())
    made.expire_days = rule["expire_days"].get<int64_t>();
  return made;
}

}  // namespace

FolderStorage::FolderStorage(std::string root) : root_(std::move(root)), own_(random_hex(8) + "-") {}

Status FolderStorage::there(const std::string& bucket, bool absent_is_empty) const {
  switch (look_at(folder_of(bucket)).kind) {
    case FileKind::folder:
      return Done{};
    case FileKind::none:
      if (absent_is_empty) return Done{};
      return Error{"not.found", "there is no bucket " + bucket};
    default:
      return Error{"backend.conflict", folder_of(bucket) + " is no folder"};
  }
}

Result<Json> FolderStorage::meta_of(const std::string& bucket) const {
  const auto path = meta_path(bucket);
  auto text = read_file(path, kMaxMeta);
  if (!text && text.error().code != "not.found") return Error{"storage.degraded", text.error().detail};
  // A power cut before settle() may leave an empty file of a new bucket; the next apply writes it again.
  auto meta = parse_json(text && !text->empty() ? *text : "{}");
  if (!meta) return Error{"backend.reply", path + ": " + meta.error().detail};
  const bool sound = meta->is_object() && versioning_in(*meta) &&
                     member(*meta, "lifecycle", Json::value_t::array) != nullptr &&
                     member(*meta, "tags", Json::value_t::object) != nullptr;
  const auto is_object = [](const Json& rule) { return rule.is_object(); };
  const auto is_text = [](const Json& value) { return value.is_string(); };
  if (!sound || !std::all_of((*meta)["lifecycle"].begin(), (*meta)["lifecycle"].end(), is_object) ||
      !std::all_of((*meta)["tags"].begin(), (*meta)["tags"].end(), is_text))
    return Error{"backend.reply", path + " does not say what a bucket has"};
  return meta;
}

/// What is there already may be somebody's own, and is replaced by what is on the disk. What this store made
/// since settle() need not be: many are made at once.
Status FolderStorage::keep_meta(const std::string& bucket, const Json& meta) {
  if (auto made = make_folder(root_ + "/.meta"); !made) return made;
  const auto path = meta_path(bucket);
  const auto text = meta.dump(2) + "\n";
  if (look_at(path).kind != FileKind::none && !unsettled_.contains(bucket)) {
    auto kept = write_file_atomically(path, text, kFileMode);
    return kept ? kept : Status{Error{"storage.degraded", kept.error().detail}};
  }
  const auto temporary = path + ".tmp";
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << text;
    if (!file.flush()) return Error{"storage.degraded", "cannot write " + temporary};
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return disk_failed("cannot write", path);
  unsettled_.insert(bucket);
  return Done{};
}

Status FolderStorage::settle() {
  const std::lock_guard lock(mutex_);
  for (const auto& bucket : unsettled_) begin_sync(meta_path(bucket));
  for (const auto& bucket : unsettled_)
    if (auto synced = sync(meta_path(bucket)); !synced) return synced;
  for (const auto& folder : {root_ + "/.meta", root_, fs::path(root_).parent_path().string()})
    if (auto synced = sync(folder); !synced) return synced;
  unsettled_.clear();
  return Done{};
}

std::vector<SeenRule> FolderStorage::rules_of(const Json& meta) {
  std::vector<SeenRule> rules;
  for (const auto& rule : meta["lifecycle"]) rules.push_back(seen(rule));
  return rules;
}

bool FolderStorage::versioned(const Json& meta) {
  return versioning_in(meta) == Versioning::enabled;
}

Result<Ensured> FolderStorage::ensure_bucket(const std::string& bucket, const Ask& ask) {
  if (auto named = buckets::check(bucket); !named) return named.error();
  const std::lock_guard lock(mutex_);
  if (auto found = there(bucket, true); !found) return found.error();
  auto told = buckets::compare_bucket(bucket, look_at(folder_of(bucket)).kind == FileKind::folder);
  if (told.outcome != Outcome::changed || ask.dry_run) return told;
  if (auto made = make_folder(folder_of(bucket)); !made) return made.error();
  return told;
}

Result<Ensured> FolderStorage::ensure_versioning(const std::string& bucket, bool versioned, const Ask& ask) {
  if (auto named = buckets::check(bucket); !named) return named.error();
  const std::lock_guard lock(mutex_);
  if (auto found = there(bucket, ask.dry_run); !found) return found.error();
  auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  auto told = buckets::compare_versioning(versioned, *versioning_in(*meta));
  if (told.outcome != Outcome::changed || ask.dry_run) return told;
  (*meta)["versioning"] = "Enabled";
  if (auto kept = keep_meta(bucket, *meta); !kept) return kept.error();
  return told;
}

Result<Ensured> FolderStorage::ensure_lifecycle(const std::string& bucket,
                                                const std::vector<profile::LifecycleRule>& rules,
                                                const Ask& ask) {
  if (auto sound = buckets::check(bucket, rules); !sound) return sound.error();
  const std::lock_guard lock(mutex_);
  if (auto found = there(bucket, ask.dry_run); !found) return found.error();
  auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  auto merged = buckets::merge(rules_of(*meta), rules);
  if (!merged) return merged.error();
  if (merged->missing.empty() || ask.dry_run) return std::move(merged->told);
  for (const auto& rule : merged->missing) (*meta)["lifecycle"].push_back(profile::to_json(rule));
  if (auto kept = keep_meta(bucket, *meta); !kept) return kept.error();
  return std::move(merged->told);
}

Result<Ensured> FolderStorage::ensure_tags(const std::string& bucket,
                                           const std::map<std::string, std::string>& tags, const Ask& ask) {
  if (auto sound = buckets::check(bucket, tags); !sound) return sound.error();
  const std::lock_guard lock(mutex_);
  if (auto found = there(bucket, ask.dry_run); !found) return found.error();
  auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  auto merged = buckets::merge((*meta)["tags"].get<buckets::Tags>(), tags);
  if (!merged) return merged.error();
  if (merged->additions.empty() || ask.dry_run) return std::move(merged->told);
  for (const auto& [key, value] : merged->additions) (*meta)["tags"][key] = value;
  if (auto kept = keep_meta(bucket, *meta); !kept) return kept.error();
  return std::move(merged->told);
}

Result<Ensured> FolderStorage::remove_rule(const std::string& bucket, const profile::LifecycleRule& as_added,
                                           const Ask& ask) {
  if (auto sound = buckets::check(bucket, std::vector{as_added}); !sound) return sound.error();
  return remove(
    bucket, ask, [&](const Json& meta) { return buckets::compare_removal(rules_of(meta), as_added); },
    [&](Json& meta) {
      auto& rules = meta["lifecycle"];
      rules.erase(std::find_if(rules.begin(), rules.end(),
                               [&](const Json& rule) { return text_in(rule, "id") == as_added.id; }));
    });
}

Result<Ensured> FolderStorage::remove_tag(const std::string& bucket, const std::string& key,
                                          const std::string& as_added, const Ask& ask) {
  if (auto sound = buckets::check(bucket, buckets::Tags{{key, as_added}}); !sound) return sound.error();
  return remove(
    bucket, ask,
    [&](const Json& meta) {
      return buckets::compare_removal(meta["tags"].get<buckets::Tags>(), key, as_added);
    },
    [&](Json& meta) { meta["tags"].erase(key); });
}

Result<Ensured> FolderStorage::remove(const std::string& bucket, const Ask& ask,
                                      const std::function<Ensured(const Json&)>& compare,
                                      const std::function<void(Json&)>& take_out) {
  const std::lock_guard lock(mutex_);
  if (auto found = there(bucket, true); !found) return found.error();
  if (look_at(folder_of(bucket)).kind == FileKind::none) return Ensured{};
  auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  auto told = compare(*meta);
  if (told.outcome != Outcome::changed || ask.dry_run) return told;
  take_out(*meta);
  if (auto kept = keep_meta(bucket, *meta); !kept) return kept.error();
  return told;
}

Result<std::vector<std::string>> FolderStorage::buckets() {
  std::vector<std::string> names;
  if (look_at(root_).kind == FileKind::none) return names;
  std::error_code why;
  for (fs::directory_iterator entry(root_, why), end; !why && entry != end; entry.increment(why)) {
    auto name = entry->path().filename().string();
    if (buckets::name_fault(name).empty() && look_at(entry->path()).kind == FileKind::folder)
      names.push_back(std::move(name));
  }
  if (why) return Error{"storage.degraded", "cannot read " + root_ + ": " + why.message()};
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace muster

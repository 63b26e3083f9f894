// Buckets as folders, and what is kept beside them.
#include "adapters/folder_storage.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <unistd.h>

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
  // As a power cut left it of a new bucket when it was put in place before it was on the disk.
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
  if (const auto edits = edits_.find(bucket); edits != edits_.end())
    for (const auto& edit : edits->second) edit(*meta);
  return meta;
}

Result<FileLook> FolderStorage::write_aside(const std::string& bucket) const {
  if (auto made = make_folder(root_ + "/.meta"); !made) return made.error();
  const auto was = look_at(meta_path(bucket));
  const auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  if (auto written = begin_file(aside_path(bucket), meta->dump(2) + "\n"); !written) return written.error();
  return was;
}

Status FolderStorage::replace_meta(const std::string& bucket, const FileLook& was) {
  const auto path = meta_path(bucket);
  // The disk took its time: meanwhile somebody may have edited it.
  if (look_at(path) != was) return Error{"storage.degraded", path + " was changed meanwhile"};
  if (::rename(aside_path(bucket).c_str(), path.c_str()) != 0) return disk_failed("cannot write", path);
  unsynced_.insert(bucket);
  return Done{};
}

Status FolderStorage::sync_folders() const {
  for (const auto& folder : {root_ + "/.meta", root_, fs::path(root_).parent_path().string()})
    if (auto synced = sync(folder); !synced) return synced;
  return Done{};
}

std::map<std::string, Unkept> FolderStorage::write_edits() {
  std::map<std::string, Unkept> unkept;
  std::map<std::string, FileLook> aside;
  for (const auto& [bucket, edits] : edits_) {
    if (auto written = write_aside(bucket))
      aside.emplace(bucket, *written);
    else
      unkept.emplace(bucket, Unkept{written.error().detail});
  }
  std::vector<std::string> paths;
  paths.reserve(aside.size());
  for (const auto& [bucket, was] : aside) paths.push_back(aside_path(bucket));
  const auto synced = sync_all(paths);
  auto status = synced.begin();
  for (const auto& [bucket, was] : aside) {
    const auto put = *status ? replace_meta(bucket, was) : *status;
    if (!put) unkept.emplace(bucket, Unkept{put.error().detail});
    ++status;
  }
  for (const auto& [bucket, why] : unkept) ::unlink(aside_path(bucket).c_str());
  edits_.clear();
  if (unsynced_.empty()) return unkept;
  if (auto kept = sync_folders(); !kept)
    for (const auto& bucket : unsynced_) unkept.emplace(bucket, Unkept{kept.error().detail, true});
  else
    unsynced_.clear();
  return unkept;
}

std::map<std::string, Unkept> FolderStorage::settle() {
  const std::lock_guard lock(mutex_);
  return write_edits();
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
  unsynced_.insert(bucket);
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
  edits_[bucket].push_back([](Json& meta) { meta["versioning"] = "Enabled"; });
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
  edits_[bucket].push_back([rules](Json& meta) {
    const auto now = buckets::merge(rules_of(meta), rules);
    if (!now) return;
    for (const auto& rule : now->missing) meta["lifecycle"].push_back(profile::to_json(rule));
  });
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
  edits_[bucket].push_back([additions = std::move(merged->additions)](Json& meta) {
    for (const auto& [key, value] : additions) meta["tags"][key] = value;
  });
  return std::move(merged->told);
}

Result<Ensured> FolderStorage::remove_rule(const std::string& bucket, const profile::LifecycleRule& as_added,
                                           const Ask& ask) {
  if (auto sound = buckets::check(bucket, std::vector{as_added}); !sound) return sound.error();
  return remove(
    bucket, ask, [&](const Json& meta) { return buckets::compare_removal(rules_of(meta), as_added); },
    [&](Json& meta) {
      auto& rules = meta["lifecycle"];
      const auto found = std::find_if(rules.begin(), rules.end(),
                                      [&](const Json& rule) { return text_in(rule, "id") == as_added.id; });
      if (found != rules.end()) rules.erase(found);
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
                                      const Edit& take_out) {
  const std::lock_guard lock(mutex_);
  if (auto found = there(bucket, true); !found) return found.error();
  if (look_at(folder_of(bucket)).kind == FileKind::none) return Ensured{};
  auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  auto told = compare(*meta);
  if (told.outcome != Outcome::changed || ask.dry_run) return told;
  edits_[bucket].push_back(take_out);
  const auto unkept = write_edits();
  if (const auto found = unkept.find(bucket); found != unkept.end())
    return Error{"storage.degraded", found->second.why};
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

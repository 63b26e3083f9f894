// Objects as files: putting, getting, listing, and taking away what is too old.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/folder_files.hpp"
#include "adapters/folder_storage.hpp"
#include "adapters/keys.hpp"
#include "base/hash.hpp"

namespace muster {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxExpired = 10'000;  // Objects of a bucket that one call takes away.
constexpr int kMaxSameMoment = 1'000;   // Versions of an object that were put in one millisecond.
constexpr Millis kDay = std::chrono::hours{24};
constexpr Millis kLeftover = kDay;  // A temporary file as old as this is of a write that was cut short.

/// Calls back for each object of the folder, in no order.
template <class OnObject>
Status walk(const std::string& folder, OnObject on_object) {
  std::error_code why;
  for (fs::recursive_directory_iterator entry(folder, why), end; !why && entry != end; entry.increment(why)) {
    const auto path = entry->path().string();
    const auto look = look_at(path);
    if (look.kind == FileKind::file)
      on_object(ObjectInfo{path.substr(folder.size() + 1), look.bytes, look.modified});
  }
  // What goes away under the walk is gone, and no fault.
  if (why && why != std::errc::no_such_file_or_directory)
    return Error{"storage.degraded", "cannot read " + folder + ": " + why.message()};
  return Done{};
}

void sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

std::string above(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

Status key_checked(const std::string& bucket, const std::string& key) {
  if (auto named = buckets::check(bucket); !named) return named;
  const auto fault = buckets::key_fault(key);
  if (fault.empty()) return Done{};
  return Error{"field.invalid", "an object's key " + fault};
}

/// As versions_of() orders them: by the time they were put, then by the order of that.
std::string version_id(Time modified, int n) {
  const auto millis = std::to_string(std::max<int64_t>(0, modified.time_since_epoch().count()));
  const auto nth = std::to_string(n);
  return std::string(15 - std::min<size_t>(15, millis.size()), '0') + millis + "-" +
         std::string(3 - std::min<size_t>(3, nth.size()), '0') + nth;
}

bool is_version_id(const std::string& text) {
  return !text.empty() && text.size() <= 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

bool due(const ObjectInfo& object, Time now, const std::vector<buckets::SeenRule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [&](const buckets::SeenRule& rule) {
    return rule.enabled && !rule.more && rule.expire_days && *rule.expire_days >= 1 &&
           object.key.starts_with(rule.prefix) && (now - object.modified) / kDay >= *rule.expire_days;
  });
}

}  // namespace

std::string FolderStorage::versions_of(const std::string& bucket, const std::string& key) const {
  return root_ + "/.versions/" + bucket + "/" + sha256_hex(key);
}

Result<std::string> FolderStorage::file_of(const std::string& bucket, const std::string& key) const {
  for (auto slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    const auto kind = look_at(folder_of(bucket) + "/" + key.substr(0, slash)).kind;
    if (kind == FileKind::none) break;
    if (kind != FileKind::folder)
      return Error{"field.invalid", key.substr(0, slash) + " is no folder of objects"};
  }
  return folder_of(bucket) + "/" + key;
}

Status FolderStorage::keep_version(const std::string& bucket, const std::string& key,
                                   const std::string& file) {
  const auto look = look_at(file);
  if (look.kind != FileKind::file) return Done{};
  const auto folder = versions_of(bucket, key);
  if (auto made = make_folder(folder); !made) return made;
  for (int n = 0; n < kMaxSameMoment; n++) {
    const auto version = folder + "/" + version_id(look.modified, n);
    if (::link(file.c_str(), version.c_str()) == 0) {
      sync_folder(folder);
      return Done{};
    }
    if (errno != EEXIST) return disk_failed("cannot keep", version);
  }
  return Error{"storage.degraded", "too many versions of " + bucket + "/" + key + " are of one moment"};
}

Status FolderStorage::put_object(const std::string& bucket, const std::string& key, std::string_view bytes) {
  if (auto sound = key_checked(bucket, key); !sound) return sound;
  if (bytes.size() > kMaxObject)
    return Error{"body.too.large", "an object may have " + std::to_string(kMaxObject) + " bytes"};
  if (auto found = there(bucket, false); !found) return found;
  const auto waiting = root_ + "/.tmp";
  if (auto made = make_folder(waiting); !made) return made;
  const auto temporary = waiting + "/" + own_ + random_hex(8);
  if (auto written = write_file_atomically(temporary, bytes, kFileMode); !written)
    return Error{"storage.degraded", written.error().detail};
  ::chmod(temporary.c_str(), kFileMode);  // Whatever the umask took away.
  auto put = put_in_place(bucket, key, temporary);
  if (!put) ::unlink(temporary.c_str());
  return put;
}

Status FolderStorage::put_in_place(const std::string& bucket, const std::string& key,
                                   const std::string& temporary) {
  const std::lock_guard lock(mutex_);
  const auto meta = meta_of(bucket);
  if (!meta) return meta.error();
  const auto file = file_of(bucket, key);
  if (!file) return file.error();
  if (look_at(*file).kind > FileKind::file)
    return Error{"field.invalid", key + " is a folder of other objects, or no file"};
  if (auto found = there(bucket, false); !found) return found;
  if (auto made = make_folder(above(*file)); !made) return made;
  // Linked first, replaced then: at no moment is the object away.
  if (versioned(*meta))
    if (auto kept = keep_version(bucket, key, *file); !kept) return kept;
  if (::rename(temporary.c_str(), file->c_str()) != 0) return disk_failed("cannot write", *file);
  sync_folder(above(*file));
  return Done{};
}

Result<std::string> FolderStorage::get_object(const std::string& bucket, const std::string& key,
                                              const std::string& version) {
  if (auto sound = key_checked(bucket, key); !sound) return sound.error();
  if (!version.empty() && !is_version_id(version)) return Error{"field.invalid", "a version is no such name"};
  if (auto found = there(bucket, false); !found) return found.error();
  auto file = version.empty() ? file_of(bucket, key) : versions_of(bucket, key) + "/" + version;
  if (!file || look_at(*file).kind != FileKind::file)
    return Error{"not.found", "there is no object " + bucket + "/" + key};
  auto bytes = read_file(*file, kMaxObject);
  if (bytes || bytes.error().code == "not.found") return bytes;
  return Error{"storage.degraded", bytes.error().detail};
}

Result<std::vector<ObjectInfo>> FolderStorage::objects(const std::string& bucket, const std::string& prefix,
                                                       const std::string& after) {
  if (auto named = buckets::check(bucket); !named) return named.error();
  if (auto found = there(bucket, false); !found) return found.error();
  std::map<std::string, ObjectInfo> first;
  const auto walked = walk(folder_of(bucket), [&](ObjectInfo object) {
    if (!object.key.starts_with(prefix) || object.key <= after) return;
    first.emplace(object.key, std::move(object));
    if (first.size() > kMaxListed) first.erase(std::prev(first.end()));
  });
  if (!walked) return walked.error();
  std::vector<ObjectInfo> listed;
  listed.reserve(first.size());
  for (auto& [key, object] : first) listed.push_back(std::move(object));
  return listed;
}

Result<std::vector<ObjectVersion>> FolderStorage::versions(const std::string& bucket,
                                                           const std::string& key) {
  if (auto sound = key_checked(bucket, key); !sound) return sound.error();
  std::vector<ObjectVersion> kept;
  const auto folder = versions_of(bucket, key);
  if (look_at(folder).kind != FileKind::folder) return kept;
  const auto walked = walk(folder, [&](const ObjectInfo& version) {
    if (is_version_id(version.key)) kept.push_back({version.key, version.bytes, version.modified});
  });
  if (!walked) return walked.error();
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return kept;
}

Result<uint64_t> FolderStorage::expire(Time now) {
  const auto names = buckets();
  if (!names) return names.error();
  uint64_t gone = 0;
  std::optional<Error> first;  // One that stays keeps no other.
  const auto rules_now = [this](const std::string& bucket) {
    const std::lock_guard lock(mutex_);
    const auto meta = meta_of(bucket);
    return meta ? rules_of(*meta) : std::vector<buckets::SeenRule>{};
  };
  for (const auto& bucket : *names) {
    const auto rules = rules_now(bucket);
    if (rules.empty()) continue;
    std::vector<ObjectInfo> old;
    (void)walk(folder_of(bucket), [&](ObjectInfo object) {
      if (old.size() < kMaxExpired && due(object, now, rules)) old.push_back(std::move(object));
    });
    for (const auto& object : old) {
      const auto expired = expire_object(bucket, object, now);
      if (!expired && !first) first = expired.error();
      gone += expired && *expired ? 1 : 0;
    }
  }
  (void)walk(root_ + "/.tmp", [&](const ObjectInfo& left) {
    if (!left.key.starts_with(own_) && now - left.modified > kLeftover)
      ::unlink((root_ + "/.tmp/" + left.key).c_str());
  });
  const std::lock_guard lock(mutex_);  // While a file in .meta is under way it is held.
  (void)walk(root_ + "/.meta", [&](const ObjectInfo& left) {
    if (left.key.ends_with(".tmp") && now - left.modified > kLeftover)
      ::unlink((root_ + "/.meta/" + left.key).c_str());
  });
  if (first) return *first;
  return gone;
}

Result<bool> FolderStorage::expire_object(const std::string& bucket, const ObjectInfo& object, Time now) {
  const std::lock_guard lock(mutex_);
  const auto meta = meta_of(bucket);
  const auto file = folder_of(bucket) + "/" + object.key;
  const auto look = look_at(file);
  // Looked at again: meanwhile it may have been put anew, or the rule turned off.
  if (!meta || look.kind != FileKind::file ||
      !due({object.key, look.bytes, look.modified}, now, rules_of(*meta)))
    return false;
  if (versioned(*meta))
    if (auto kept = keep_version(bucket, object.key, file); !kept) return kept.error();
  if (::unlink(file.c_str()) != 0) return disk_failed("cannot take away", file);
  for (auto folder = above(file); folder != folder_of(bucket) && ::rmdir(folder.c_str()) == 0;)
    folder = above(folder);
  return true;
}

}  // namespace muster

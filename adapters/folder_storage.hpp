// Object storage in folders of this machine: what a node has where no server is. Buckets are folders under
// one root, objects files in them; versions, rules and tags are kept beside.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/folder_files.hpp"
#include "adapters/ports/object_storage.hpp"
#include "base/time.hpp"
#include "domain/bucket_rules.hpp"

namespace muster {

struct ObjectInfo {
  std::string key;
  uint64_t bytes = 0;
  Time modified{};
};

/// An object's content that was overwritten or expired.
struct ObjectVersion {
  std::string id;  ///< Sorts by age, the oldest first.
  uint64_t bytes = 0;
  Time modified{};
};

/// <root>/<bucket>/<key> is an object, <root>/.meta/<bucket>.json its bucket's versioning, rules and tags,
/// <root>/.versions/<bucket>/<SHA-256 of the key>/<id> a version of it. Whoever has the root may edit the
/// rules and tags: they are read each time, and kept as they are. Every call is safe from every thread.
/// Beyond the port's errors a key that cannot be one is `field.invalid`, and what is not there `not.found`.
class FolderStorage : public ObjectStorage {
public:
  static constexpr size_t kMaxObject = 64 * 1024 * 1024;  ///< Bytes of an object.
  static constexpr size_t kMaxListed = 1000;              ///< Objects of one listing.
  static constexpr size_t kMaxMeta = 4 * 1024 * 1024;     ///< Bytes of what is kept of a bucket.

  /// The root is made when the first bucket is.
  explicit FolderStorage(std::string root);

  Result<environment::Ensured> ensure_bucket(const std::string& bucket, const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_versioning(const std::string& bucket, bool versioned,
                                                 const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_lifecycle(const std::string& bucket,
                                                const std::vector<profile::LifecycleRule>& rules,
                                                const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_tags(const std::string& bucket,
                                           const std::map<std::string, std::string>& tags,
                                           const environment::Ask& ask) override;
  Result<environment::Ensured> remove_rule(const std::string& bucket, const profile::LifecycleRule& as_added,
                                           const environment::Ask& ask) override;
  Result<environment::Ensured> remove_tag(const std::string& bucket, const std::string& key,
                                          const std::string& as_added, const environment::Ask& ask) override;
  /// One file for each bucket that anything was made of, whole or not at all; a removal waits for the disk by
  /// itself.
  std::map<std::string, Unkept> settle() override;
  Result<std::vector<std::string>> buckets() override;

  /// Whole or not at all; on the disk when it returns. What was there becomes a version when those are on.
  /// Error: `body.too.large`; `field.invalid` when the key is a folder of other objects, or the other way.
  Status put_object(const std::string& bucket, const std::string& key, std::string_view bytes);
  /// The content, or that of a version.
  Result<std::string> get_object(const std::string& bucket, const std::string& key,
                                 const std::string& version = {});
  /// At most kMaxListed whose keys begin with `prefix` and sort behind `after`, in order.
  Result<std::vector<ObjectInfo>> objects(const std::string& bucket, const std::string& prefix = {},
                                          const std::string& after = {});
  /// The oldest first.
  Result<std::vector<ObjectVersion>> versions(const std::string& bucket, const std::string& key);

  /// Takes away what is older than an enabled rule of its bucket allows, by the time it was put; with
  /// versions on it is kept as one. Says how many objects; a bucket that cannot be read is left for the next
  /// time.
  Result<uint64_t> expire(Time now);

private:
  [[nodiscard]] std::string folder_of(const std::string& bucket) const { return root_ + "/" + bucket; }
  [[nodiscard]] std::string meta_path(const std::string& bucket) const {
    return root_ + "/.meta/" + bucket + ".json";
  }
  [[nodiscard]] std::string aside_path(const std::string& bucket) const { return meta_path(bucket) + ".tmp"; }
  [[nodiscard]] std::string versions_of(const std::string& bucket, const std::string& key) const;
  [[nodiscard]] Status there(const std::string& bucket, bool absent_is_empty) const;

  using Edit = std::function<void(Json& meta)>;
  /// As its file is now, and with what settle() has yet to write: an object with the array lifecycle and the
  /// object tags, empty where there are none.
  [[nodiscard]] Result<Json> meta_of(const std::string& bucket) const;
  /// Beside the file, which stays as it is. Returns what that was.
  [[nodiscard]] Result<FileLook> write_aside(const std::string& bucket) const;
  /// What was written aside, and is on the disk, takes the file's place when that is still as it `was`.
  Status replace_meta(const std::string& bucket, const FileLook& was);
  [[nodiscard]] Status sync_folders() const;
  /// What of a bucket cannot be written is given up, so that it is missing and not only in memory: the next
  /// look makes it anew.
  std::map<std::string, Unkept> write_edits();
  /// Takes something out of what is kept of a bucket, when the comparison says `changed`.
  Result<environment::Ensured> remove(const std::string& bucket, const environment::Ask& ask,
                                      const std::function<environment::Ensured(const Json&)>& compare,
                                      const Edit& take_out);
  static std::vector<buckets::SeenRule> rules_of(const Json& meta);
  static bool versioned(const Json& meta);

  /// The object's file, which may not be there. Error: `field.invalid` when the way to it is none.
  [[nodiscard]] Result<std::string> file_of(const std::string& bucket, const std::string& key) const;
  Status put_in_place(const std::string& bucket, const std::string& key, const std::string& temporary);
  Status keep_version(const std::string& bucket, const std::string& key, const std::string& file);
  Result<bool> expire_object(const std::string& bucket, const ObjectInfo& object, Time now);

  const std::string root_;
  const std::string own_;  ///< What this store's temporary files begin with.
  std::mutex mutex_;       ///< Held while what is there is changed, or compared to be changed.
  std::map<std::string, std::vector<Edit>> edits_;  ///< By bucket: what settle() has yet to write.
  std::set<std::string> unsynced_;  ///< Buckets of which the folders' entries may not be on the disk.
};

}  // namespace muster

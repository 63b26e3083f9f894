// The object storage port: buckets that are there and look right. A folder by default, an S3 server where
// there is one.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster {

/// Why a bucket is not kept.
struct Unkept {
  std::string why;
  bool written = false;  ///< All of it is there, and may not outlive a loss of power.
};

/// Each call reads what is there, adds what is missing and may be added safely, and says what it did; a
/// second one changes nothing. Nothing is ever deleted but by a remove, which a person asked for (section 6),
/// nor is what others made: foreign lifecycle rules and tags are sent back as they were read (backends
/// contract, section 2). In a dry run a bucket that is not
/// there counts as one that is empty. Calls block; one thread at a time. Errors: `unreachable` (nobody
/// answers, or not in time, or 503), `backend.failed` (another 5xx), `tls.untrusted`, `backend.refused` (403
/// and other 4xx; credentials are never in the text), `backend.throttled`, `backend.reply` (an answer that
/// cannot be right), `backend.conflict` (the name is somebody else's, or in another region), `not.found` (the
/// bucket went away), `storage.degraded` (the disk under a folder), `field.invalid`.
class ObjectStorage {
public:
  virtual ~ObjectStorage() = default;

  /// The bucket is there.
  virtual Result<environment::Ensured> ensure_bucket(const std::string& bucket,
                                                     const environment::Ask& ask) = 0;
  /// Off becomes on, never the other way: then it has drifted.
  virtual Result<environment::Ensured> ensure_versioning(const std::string& bucket, bool versioned,
                                                         const environment::Ask& ask) = 0;
  /// Rules whose id is missing are added; one of the same id and other content has drifted.
  virtual Result<environment::Ensured> ensure_lifecycle(const std::string& bucket,
                                                        const std::vector<profile::LifecycleRule>& rules,
                                                        const environment::Ask& ask) = 0;
  /// These keys have these values; all others stay.
  virtual Result<environment::Ensured> ensure_tags(const std::string& bucket,
                                                   const std::map<std::string, std::string>& tags,
                                                   const environment::Ask& ask) = 0;
  /// A rule, or a tag, that muster added is not there. Removed when it still is as it was added; one that is
  /// not has drifted and stays. A bucket that is not there has none.
  virtual Result<environment::Ensured> remove_rule(const std::string& bucket,
                                                   const profile::LifecycleRule& as_added,
                                                   const environment::Ask& ask) = 0;
  virtual Result<environment::Ensured> remove_tag(const std::string& bucket, const std::string& key,
                                                  const std::string& as_added,
                                                  const environment::Ask& ask) = 0;
  /// What ensures made is written and survives a loss of power when this returns, but for that of the buckets
  /// that are returned. One call for many of them, as each would wait for the disk; other calls know of it
  /// before. What is not written counts as not made any more, and the next ensure finds it missing; what is
  /// written, the next call waits for again. A server has done all that when it answers.
  virtual std::map<std::string, Unkept> settle() { return {}; }
  /// Names of the buckets that are there.
  virtual Result<std::vector<std::string>> buckets() = 0;

  /// How long the server asked to be left alone when the last call failed; zero: it did not say.
  [[nodiscard]] virtual Millis retry_after() const { return Millis{0}; }
  /// Ends the running call, and every later one, at once; from any thread.
  virtual void cancel() {}
};

}  // namespace muster

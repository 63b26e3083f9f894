// The port of the profile's topics: logs of a Kafka cluster that are there and look right.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster {

/// Looking never makes a topic, and what is there is never changed: it is in sync, drifted or incompatible
/// (domain/topic_rules.hpp). Calls block; one thread at a time. Errors: as ObjectStorage;
/// `backend.conflict` is a name that differs from another only in '.' and '_'.
class Topics {
public:
  virtual ~Topics() = default;

  /// The topic is there; when it is missing it is made, and its partitions have leaders when this returns. A
  /// dry run lets the cluster judge whether it would be. `ask.key` has no place in what Kafka is told.
  virtual Result<environment::Ensured> ensure_topic(const profile::Topic& topic,
                                                    const environment::Ask& ask) = 0;

  /// How long the cluster asked to be left alone when the last call failed; zero: it did not say.
  [[nodiscard]] virtual Millis retry_after() const { return Millis{0}; }
  /// Ends the running call, and every later one: at once, but one that waits for the cluster's first answer
  /// when that wait ends. From any thread.
  virtual void cancel() {}
};

}  // namespace muster

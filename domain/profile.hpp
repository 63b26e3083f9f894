// The Environment Profile: the buckets, exchanges, queues, indexes and topics that every node makes sure of.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace muster::profile {

constexpr size_t kMaxFile = 4 * 1024 * 1024;  ///< Bytes of a profile file.
constexpr size_t kMaxEntries = 10'000;        ///< Everything that has a name, together.
/// What is kept of one kind by what is built in: nothing is ever deleted, so former profiles' stays beside
/// it.
constexpr size_t kMostKept = 5 * kMaxEntries;
constexpr int64_t kMaxTtl = 4'294'967;  ///< Seconds: brokers keep milliseconds in 32 bits.

struct LifecycleRule {
  std::string id;
  std::string prefix;
  int64_t expire_days = 0;
  bool operator==(const LifecycleRule&) const = default;
};

struct Bucket {
  std::string name;
  bool versioned = false;
  std::vector<LifecycleRule> lifecycle;
  std::map<std::string, std::string> tags;
  bool operator==(const Bucket&) const = default;
};

struct Exchange {
  std::string name;
  std::string type;  ///< topic, fanout, direct.
  bool operator==(const Exchange&) const = default;
};

struct Queue {
  std::string name;
  int64_t ttl = 0;    ///< Seconds a message lives; 0: for ever.
  std::string dlx{};  ///< Exchange for messages that expired or were dropped; empty: none.
  bool operator==(const Queue&) const = default;
};

struct Binding {
  std::string exchange;
  std::string queue;
  std::string key{};
  bool operator==(const Binding&) const = default;
};

struct Property {
  std::string name;
  std::string type;
  bool operator==(const Property&) const = default;
};

struct IndexClass {
  std::string name;
  std::vector<Property> properties;
  bool operator==(const IndexClass&) const = default;
};

struct Topic {
  std::string name;
  int64_t partitions = 1;
  int64_t replication = 1;
  std::map<std::string, std::string> config;
  bool operator==(const Topic&) const = default;
};

struct Profile {
  std::vector<Bucket> storage;
  std::vector<Exchange> exchanges;
  std::vector<Queue> queues;
  std::vector<Binding> bindings;
  std::vector<IndexClass> classes;
  std::vector<Topic> topics;
  /// By component: enforce, or observe (differences are told, and left as they are). None: enforce.
  std::map<std::string, std::string> modes{};
  bool operator==(const Profile&) const = default;
};

/// Reads a profile, JSON or YAML (supervisor contract, section 9). A `generation` in it is ignored: it is
/// computed. Error `profile.invalid` with every fault at once, each with a JSON pointer and, in YAML, the
/// line.
Result<Profile> parse(std::string_view text, std::string_view file);

/// What reads well, and is likely to be a slip: in words, not too many.
[[nodiscard]] std::vector<std::string> warnings(const Profile& profile);

/// One entry as the document writes it.
[[nodiscard]] Json to_json(const LifecycleRule& rule);
[[nodiscard]] Json to_json(const IndexClass& spec);
[[nodiscard]] Json to_json(const Exchange& exchange);
[[nodiscard]] Json to_json(const Queue& queue);
[[nodiscard]] Json to_json(const Binding& binding);
[[nodiscard]] Json to_json(const Topic& topic);

/// The document without its generation: every section is there, empty when nothing is desired; `modes` only
/// when there are some.
[[nodiscard]] Json sections(const Profile& profile);

/// Lower-hex SHA-256 of the canonical JSON of sections().
[[nodiscard]] std::string generation(const Profile& profile);

/// The published document: `generation` and sections().
[[nodiscard]] Json to_json(const Profile& profile);

/// Lower-hex SHA-256 of the canonical JSON of one component's desired section (section 11).
[[nodiscard]] std::string desired_hash(const Json& section);

/// Lower-hex SHA-256 of the plain concatenation (section 11).
[[nodiscard]] std::string idempotency_key(std::string_view node, std::string_view component,
                                          std::string_view generation, std::string_view desired_hash);

}  // namespace muster::profile

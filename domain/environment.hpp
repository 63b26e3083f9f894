// The environment of a node: what came of each resource of a component, in words, and when to look again.
// Pure.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster::environment {

enum class Component : uint8_t { storage, broker, index, topics };
/// In the order in which they are made (supervisor contract, section 11).
constexpr std::array kComponents{Component::storage, Component::broker, Component::index, Component::topics};
[[nodiscard]] std::string_view to_text(Component component);
/// Error: `field.invalid`.
Result<Component> component_of(std::string_view text);

/// What the profile says of one component; its hash is in the idempotency key.
[[nodiscard]] Json desired_of(const profile::Profile& profile, Component component);

/// A backend that is part of the node, and that no other node uses.
[[nodiscard]] bool is_embedded(std::string_view backend);

/// Why a component is left alone.
using Pauses = std::map<Component, std::string>;

/// One thing that was looked at.
struct Row {
  std::string kind,
    name;  ///< bucket, versioning, lifecycle, tags, management (the API of a broker that is asked), exchange,
           ///< queue, binding, class, properties, topic; of a prune rule, tag, binding.
  /// An Outcome, or: unreachable (nobody answers: it is asked again), failed (it was refused), paused.
  std::string status;
  std::string detail;
  Json desired{}, actual{};               ///< As Ensured.
  bool also_added = false;                ///< As Ensured.
  std::vector<bootstrap::Thing> added{};  ///< What was, or would be, added inside of something shared.
  bool unseen = false;                    ///< As Ensured.

  [[nodiscard]] bool writes() const { return status == "changed" || also_added || unseen; }
  /// It was looked at: nobody was silent, refused, or told to leave it alone.
  [[nodiscard]] bool is_known() const {
    return status != "unreachable" && status != "failed" && status != "paused";
  }
  bool operator==(const Row&) const = default;
};

/// One look at a component.
struct Report {
  Component component = Component::storage;
  std::string backend;     ///< Which implementation: folder, s3, in-process, rabbitmq, embedded, weaviate.
  std::string endpoint{};  ///< Which server: mark_of(). Empty: what is built in.
  std::string generation, key;
  uint64_t attempt = 1;  ///< Counts on while nobody answers.
  bool dry_run = false;
  bool observed = false;  ///< What differs was left as it is.
  Time at{};
  Millis took{0};
  std::vector<Row> rows;

  [[nodiscard]] size_t count(std::string_view status) const;
  /// Something was written.
  [[nodiscard]] bool wrote() const;
  /// Under which this look is told, and its intent before it.
  [[nodiscard]] std::string told_key() const { return key + "@" + to_rfc3339(at); }
  /// Of all rows.
  [[nodiscard]] std::vector<bootstrap::Thing> added() const;
  /// Somebody did not answer: worth another attempt before the interval is over.
  [[nodiscard]] bool wants_retry() const { return count("unreachable") > 0; }
};

/// What the embedded backend of a component still holds that a server has taken the place of. It is not moved
/// by itself.
struct LeftBehind {
  std::string backend;
  std::vector<std::string> resources;  ///< "KIND NAME", the first kMost of them.
  uint64_t total = 0;
  static constexpr size_t kMost = 100;
};

/// What came of a call, as a row.
[[nodiscard]] Row row_of(std::string kind, std::string name, const Result<Ensured>& outcome);

/// What is about to be written. Kept before anything is, so that a crash in between is looked into.
struct Intent {
  std::string component, backend, generation, key;  ///< The key is Report::told_key().
  Time at{};
  std::vector<std::string> resources;    ///< "KIND NAME".
  std::vector<bootstrap::Thing> things;  ///< As Row::added.
  bool quiet = false;                    ///< Nothing new is expected of it: told only if it comes to that.
  std::string endpoint{};                ///< As Report::endpoint.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("component", self.component);
    visit("backend", self.backend);
    visit("generation", self.generation);
    visit("key", self.key);
    visit("at", self.at);
    visit("resources", self.resources);
    visit("things", self.things);
    visit("quiet", self.quiet);
    visit("endpoint", self.endpoint);
  }
};
/// Of a look in which nothing was written yet.
[[nodiscard]] Intent intent_of(const Report& dry);

/// The rows of `dry` in their order, those that are in `taken` as they are there. What would be written and
/// was passed over, since what it follows failed, is left out.
[[nodiscard]] std::vector<Row> merged(std::vector<Row> dry, std::vector<Row> taken);

/// Things of a component that may be taken away again.
using Removals = std::map<Component, std::vector<bootstrap::Thing>>;
/// Those that the profile does not name: what a prune is about.
[[nodiscard]] std::vector<bootstrap::Thing> orphans(std::vector<bootstrap::Thing> added,
                                                    const profile::Profile& profile);
/// Those of the rows with this status, by component: of a prune's dry run those that it would remove
/// (changed), and those that are gone already (in_sync).
[[nodiscard]] Removals things_of(const std::vector<Report>& reports, std::string_view status);
/// What would be removed, as a name: SHA-256, lower hex, over the dry runs of a prune.
[[nodiscard]] std::string diff_hash(const std::vector<Report>& dry);

/// As POST /v1/bootstrap/events has it: error, needs_migration, skipped (paused), or ok.
[[nodiscard]] std::string_view status_of(const Report& report);
/// Counts, and the first rows that are not as they should be; at most kMaxMessage bytes.
[[nodiscard]] std::string message_of(const Report& report);
constexpr size_t kMaxMessage = 900;

/// Whether it is worth telling after `before`, if there was one: something was changed, or is not as it was.
[[nodiscard]] bool is_news(const Report& report, const Report* before);

/// When to look again.
struct Pace {
  Millis interval{30'000};  ///< From look to look.
  Millis first{1'000};      ///< After the first attempt that nobody answered; doubles,
  unsigned attempts = 5;    ///< so often; then the interval counts again.
};
/// After `failed` looks in a row that nobody answered. `chance` is from 0 to 1: up to a quarter less.
[[nodiscard]] Millis next_look(const Pace& pace, unsigned failed, double chance);

}  // namespace muster::environment

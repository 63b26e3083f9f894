// A node's environment: a reconciler for each component, and what they last saw.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/event_bus.hpp"
#include "adapters/ports/object_storage.hpp"
#include "adapters/ports/topics.hpp"
#include "adapters/ports/vector_index.hpp"
#include "domain/environment.hpp"

namespace muster {

/// Where each component lives, under which name that is shown, and on which server (environment::mark_of;
/// empty: what is built in).
struct Backends {
  std::shared_ptr<ObjectStorage> storage;
  std::string storage_name, storage_endpoint{};
  std::shared_ptr<Broker> broker;
  std::string broker_name, broker_endpoint{};
  std::shared_ptr<VectorIndex> index;
  std::string index_name, index_endpoint{};
  std::shared_ptr<Topics> topics;
  std::string topics_name, topics_endpoint{};

  [[nodiscard]] const std::string& name_of(environment::Component component) const {
    const std::string* const names[] = {&storage_name, &broker_name, &index_name, &topics_name};
    return *names[static_cast<size_t>(component)];
  }
  [[nodiscard]] const std::string& endpoint_of(environment::Component component) const {
    const std::string* const marks[] = {&storage_endpoint, &broker_endpoint, &index_endpoint,
                                        &topics_endpoint};
    return *marks[static_cast<size_t>(component)];
  }
};

struct EnvironmentOptions {
  std::string node;
  Backends backends;
  environment::Pace pace;
  std::array<bool, environment::kComponents.size()> observe{};  ///< By component: tells, and changes nothing.
  std::map<environment::Component, environment::LeftBehind> left_behind{};
  std::function<Time()> now;
  std::function<double()> chance;  ///< From 0 to 1.
  /// Before anything is written, with the look that says what will be; nothing is when it fails. On that
  /// component's thread. Null: not asked.
  std::function<Status(const environment::Report&)> intends{};
  std::function<void(const environment::Report&)> told;  ///< After each look; on that component's thread.
};

class Environment {
public:
  explicit Environment(EnvironmentOptions options);
  ~Environment();  ///< Stops; waits for the call of each backend that is under way.
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // Any thread.

  /// This is desired from now on, and made at once: storage, then broker, then index, then topics. A server
  /// that is slow, or says nothing, is not waited for. `then` follows when each has looked, or another
  /// profile has taken the place of this one; not when all ends before. Null: nothing does.
  void desire(profile::Profile profile, environment::Pauses pauses = {}, std::function<void()> then = {});
  /// Looks now, at all or at one; `then` gets the reports, in order: none before anything was desired. With
  /// `dry_run` nothing is written. Error: `rate.limited` while kMostLooks wait.
  Status look(bool dry_run, std::optional<environment::Component> only,
              std::function<void(std::vector<environment::Report>)> then);
  static constexpr size_t kMostLooks = 16;
  /// Takes away what `removals` names and the profile does not; with `dry_run` nothing. As look().
  Status prune(bool dry_run, environment::Removals removals,
               std::function<void(std::vector<environment::Report>)> then);
  /// As shown.
  [[nodiscard]] const std::string& backend(environment::Component component) const;
  /// Which server that is: its mark. Empty: what is built in.
  [[nodiscard]] const std::string& endpoint(environment::Component component) const;
  /// What each component last came to, in order; without those that have not looked yet.
  [[nodiscard]] std::vector<std::shared_ptr<const environment::Report>> seen() const;
  [[nodiscard]] const std::string& node() const;
  /// Null: nothing.
  [[nodiscard]] const environment::LeftBehind* left_behind(environment::Component component) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster

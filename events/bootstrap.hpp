// What nodes report of applying the environment profile, and who paused that.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "events/fields.hpp"

namespace muster::bootstrap {

/// The feature level from which on there is more than Reported.
constexpr uint64_t kEnvironmentLevel = 5;

/// What was added inside something that others use, too: it can be taken away again when a person says so.
struct Thing {
  std::string kind;  ///< rule, tag or binding.
  std::string of;    ///< The bucket, or the exchange.
  std::string name;  ///< The rule's id, the tag's key, or "QUEUE (KEY)".
  RawJson as{};      ///< How it was added, as the profile writes it.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("of", self.of);
    visit("name", self.name);
    visit("as", self.as);
  }
  bool operator==(const Thing&) const = default;
};

struct Reported {
  static constexpr std::string_view type = "bootstrap.reported";
  std::string node, component, action, status, message, generation, idempotency_key;
  uint64_t attempt = 0, duration_ms = 0;

  [[nodiscard]] std::string stream() const { return "bootstrap/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("component", self.component);
    visit("action", self.action);
    visit("status", self.status);
    visit("message", self.message);
    visit("generation", self.generation);
    visit("idempotency_key", self.idempotency_key);
    visit("attempt", self.attempt);
    visit("duration_ms", self.duration_ms);
  }
  bool operator==(const Reported&) const = default;
};

/// Something is about to be written; the Reported, or for a prune the Removed, of the same key says what came
/// of it.
struct Intended {
  static constexpr std::string_view type = "bootstrap.intended";
  std::string node, component, action;  ///< apply or prune.
  std::string backend, generation, idempotency_key;
  std::vector<std::string> resources;  ///< The first of those that will be written, "KIND NAME".
  uint64_t total = 0;                  ///< How many there are.

  [[nodiscard]] std::string stream() const { return "bootstrap/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("component", self.component);
    visit("action", self.action);
    visit("backend", self.backend);
    visit("generation", self.generation);
    visit("idempotency_key", self.idempotency_key);
    visit("resources", self.resources);
    visit("total", self.total);
  }
  bool operator==(const Intended&) const = default;
};

/// Things that a node added.
struct Added {
  static constexpr std::string_view type = "bootstrap.added";
  std::string node, component, backend;
  bool shared = false;  ///< The backend is a server that other nodes use, too.
  std::vector<Thing> things;
  std::string endpoint{};  ///< Which server: environment::mark_of. Absent in lines of older builds.

  [[nodiscard]] std::string stream() const { return "bootstrap/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("component", self.component);
    visit("backend", self.backend);
    visit("shared", self.shared);
    visit("things", self.things);
    visit("endpoint", self.endpoint);
  }
  bool operator==(const Added&) const = default;
};

/// A person had things taken away that had been added and that the profile no longer names.
struct Removed {
  static constexpr std::string_view type = "bootstrap.removed";
  std::string node, component, backend;
  bool shared = false;  ///< As of Added.
  std::string diff;     ///< The hash of what the person was shown.
  std::vector<Thing> things;
  std::string endpoint{};  ///< As of Added.

  [[nodiscard]] std::string stream() const { return "bootstrap/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("component", self.component);
    visit("backend", self.backend);
    visit("shared", self.shared);
    visit("diff", self.diff);
    visit("things", self.things);
    visit("endpoint", self.endpoint);
  }
  bool operator==(const Removed&) const = default;
};

/// No node looks at this component, or changes it, until it is resumed.
struct Paused {
  static constexpr std::string_view type = "bootstrap.paused";
  std::string component, reason;

  [[nodiscard]] std::string stream() const { return "bootstrap"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("component", self.component);
    visit("reason", self.reason);
  }
  bool operator==(const Paused&) const = default;
};

struct Resumed {
  static constexpr std::string_view type = "bootstrap.resumed";
  std::string component;

  [[nodiscard]] std::string stream() const { return "bootstrap"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("component", self.component);
  }
  bool operator==(const Resumed&) const = default;
};

using Event = std::variant<Reported, Intended, Added, Removed, Paused, Resumed>;

}  // namespace muster::bootstrap

// What happened to the services of nodes, as the nodes report it.
#pragma once

#include <string>
#include <variant>

#include "events/fields.hpp"

namespace muster::services {

/// Every fact says of which node and service it is, when it happened there, and its number in the node's own
/// store: a fact that comes twice has the same `(source, local_seq)`.
struct Fact {
  std::string node, name;
  std::string source;  ///< Id of the store that numbered it.
  uint64_t local_seq = 0;
  Time at{};
  bool operator==(const Fact&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("name", self.name);
    visit("source", self.source);
    visit("local_seq", self.local_seq);
    visit("at", self.at);
  }
};

/// An instance runs. Its `run` names it in what follows.
struct Started : Fact {
  static constexpr std::string_view type = "service.started";
  std::string run, hash;  ///< `hash`: SHA-256 of the app as it was planned.
  std::string executor;
  uint64_t pid = 0;  ///< 0: not one process.

  [[nodiscard]] std::string stream() const { return "service/" + node + "/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("run", self.run);
    visit("hash", self.hash);
    visit("executor", self.executor);
    visit("pid", self.pid);
  }
  bool operator==(const Started&) const = default;
};

/// It answered its health probe; without one, it is up.
struct Healthy : Fact {
  static constexpr std::string_view type = "service.healthy";
  std::string run;

  [[nodiscard]] std::string stream() const { return "service/" + node + "/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("run", self.run);
  }
  bool operator==(const Healthy&) const = default;
};

/// It ended by itself.
struct Exited : Fact {
  static constexpr std::string_view type = "service.exited";
  std::string run;
  bool known = false;             ///< False: it ended while nobody was there to learn how.
  bool done = false;              ///< As planned: it is not started again.
  uint64_t code = 0, signal = 0;  ///< One of them, when known.

  [[nodiscard]] std::string stream() const { return "service/" + node + "/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("run", self.run);
    visit("known", self.known);
    visit("done", self.done);
    visit("code", self.code);
    visit("signal", self.signal);
  }
  bool operator==(const Exited&) const = default;
};

/// The node ended it.
struct Stopped : Fact {
  static constexpr std::string_view type = "service.stopped";
  std::string run;
  std::string reason;   ///< removed, changed or unhealthy.
  bool killed = false;  ///< It did not end within its grace.

  [[nodiscard]] std::string stream() const { return "service/" + node + "/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("run", self.run);
    visit("reason", self.reason);
    visit("killed", self.killed);
  }
  bool operator==(const Stopped&) const = default;
};

/// It does not run as planned.
struct Failed : Fact {
  static constexpr std::string_view type = "service.failed";
  std::string reason;  ///< start, health_timeout or crash_loop.
  std::string message;

  [[nodiscard]] std::string stream() const { return "service/" + node + "/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("reason", self.reason);
    visit("message", self.message);
  }
  bool operator==(const Failed&) const = default;
};

/// Everything a plan says is as it says. `name` is empty.
struct Applied : Fact {
  static constexpr std::string_view type = "plan.applied";
  std::string generation;

  [[nodiscard]] std::string stream() const { return "plan/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("generation", self.generation);
  }
  bool operator==(const Applied&) const = default;
};

using Event = std::variant<Started, Healthy, Exited, Stopped, Failed, Applied>;

}  // namespace muster::services

// Which services run where, as their nodes last reported: GET /v1/services.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"
#include "projections/plans.hpp"

namespace muster::services {

struct View {
  static constexpr std::string_view name = "services";
  static constexpr int version = 1;
  static constexpr size_t kMaxPerNode = 512;  ///< Services of one node beyond are not shown.

  struct Service {
    std::string state;  ///< starting, running, exited, done, stopped or failed.
    std::string run, hash, executor, reason, message;
    uint64_t pid = 0, starts = 0;
    uint64_t code = 0, signal = 0;  ///< Of the last exit.
    Time since{};                   ///< On the node's clock.
    uint64_t seq = 0;
    bool operator==(const Service&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("state", self.state);
      visit("run", self.run);
      visit("hash", self.hash);
      visit("executor", self.executor);
      visit("reason", self.reason);
      visit("message", self.message);
      visit("pid", self.pid);
      visit("starts", self.starts);
      visit("code", self.code);
      visit("signal", self.signal);
      visit("since", self.since);
      visit("seq", self.seq);
    }
  };
  struct Node {
    std::string applied;  ///< Generation of the last plan that it applied in full.
    Time applied_at{};
    uint64_t services = 0, seq = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("applied", self.applied);
      visit("applied_at", self.applied_at);
      visit("services", self.services);
      visit("seq", self.seq);
    }
  };

  About about;
  PagedMap<std::string, Shared<Service>> services;  ///< By key(node, name).
  PagedMap<std::string, Node> nodes;                ///< Those that report.

  /// Ids have no control characters, so that a newline parts them.
  [[nodiscard]] static std::string key(std::string_view node, std::string_view service);
  /// The node and the name of a key.
  [[nodiscard]] static std::pair<std::string, std::string> parts_of(const std::string& key);
  /// Calls visit(name, service) for each service of a node, in the order of their names.
  template <class Visit>
  void each_of(std::string_view node, Visit&& visit) const {
    const auto prefix = key(node, "");
    services.each_from(prefix, [&](const std::string& at, const Shared<Service>& row) {
      if (!at.starts_with(prefix)) return false;
      visit(at.substr(prefix.size()), *row);
      return true;
    });
  }

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("services", self.services);
    visit("nodes", self.nodes);
  }

private:
  Service* row_of(const std::string& node, const std::string& service);
  void forget(const std::string& node);
};

/// Where what a node runs is not what it was planned to run.
struct Drift {
  std::string node, service, problem;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node);
    visit("service", self.service);
    visit("problem", self.problem);
  }
};
/// Of one node: nothing when it never reported.
[[nodiscard]] std::vector<Drift> drift_of(const plans::View& plans, const View& observed,
                                          const std::string& node);
/// Of all nodes that report, at most `limit`.
[[nodiscard]] std::vector<Drift> drift(const plans::View& plans, const View& observed, size_t limit);

}  // namespace muster::services

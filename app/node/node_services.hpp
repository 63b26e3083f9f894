// The services of this node: a thread that makes them what the plan says, and leaves them alone when it goes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/executors.hpp"
#include "adapters/ports/fact_store.hpp"
#include "domain/supervision.hpp"

namespace muster::app {

struct NodeServicesOptions {
  std::string node;
  std::string folder;  ///< Of all services, absolute: each has a folder of its own in it.
  std::string executor;
  supervision::Limits limits;
  FactStore* facts = nullptr;
  std::function<void()> on_fact;  ///< One was kept. On the services' thread.
};

class NodeServices {
public:
  /// Finds what earlier lives left running and begins to watch it. Error: `config.invalid`, `internal`.
  static Result<std::unique_ptr<NodeServices>> start(NodeServicesOptions options);
  ~NodeServices();  ///< Stops.
  NodeServices(const NodeServices&) = delete;
  NodeServices& operator=(const NodeServices&) = delete;

  // Any thread.

  /// From now on this shall run; `executor` is the plan's own, or empty.
  void apply(supervision::Plan plan, std::string executor);
  /// A look at the environment began, or ended: plans wait for it, for a while.
  void hold();
  void release();
  /// Names of those that run, in start order.
  [[nodiscard]] std::vector<std::string> running() const;
  /// Services go on; nobody watches them any more.
  void stop();

private:
  NodeServices();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::app

// Which executor runs which app on this node.
#pragma once

#include <map>
#include <string>

#include "adapters/ports/executor.hpp"

namespace muster {

/// RUNNER_EXECUTOR (supervisor contract, section 6): docker, nerdctl, process or noop; an unknown word is
/// docker. Error: `config.invalid` for systemd, which is not served.
class Executors {
public:
  static Result<Executors> make(const std::string& asked);

  /// For an app of the plan: compose for the kind docker, a process for every other kind, nothing at all
  /// under noop. `by_plan` is the plan's own `executor`; empty leaves it to the node. Error:
  /// `service.unstartable` when this node does not run such an app.
  Result<Executor*> for_app(const plan::App& app, const std::string& by_plan);
  /// By the name that it was kept with; null: there is none.
  [[nodiscard]] Executor* by_name(const std::string& name);

private:
  std::string asked_;
  std::map<std::string, std::unique_ptr<Executor>, std::less<>> all_;
};

}  // namespace muster

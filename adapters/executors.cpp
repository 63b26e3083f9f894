// Choosing executors, and the one that does nothing.
#include "adapters/executors.hpp"

#include "adapters/compose_executor.hpp"
#include "adapters/process_executor.hpp"

namespace muster {
namespace {

class NoopInstance : public Instance {
public:
  [[nodiscard]] Look look() override {
    Look look;
    if (ended_) look = {Look::State::ended, true, 0, 0, ""};
    return look;
  }
  void stop() override { ended_ = true; }
  void kill() override { ended_ = true; }
  [[nodiscard]] std::string record() const override { return "{}"; }

private:
  bool ended_ = false;
};

/// Says that everything runs, and runs nothing: for trying a plan out.
class NoopExecutor : public Executor {
public:
  [[nodiscard]] std::string_view name() const override { return "noop"; }
  Result<std::unique_ptr<Instance>> start(const Order&) override { return made(); }
  Result<std::unique_ptr<Instance>> adopt(const Order& order, const std::string& record) override {
    if (record.empty()) return Error{"not.found", "run " + order.run + " is not there", {}};
    return made();
  }

private:
  static std::unique_ptr<Instance> made() { return std::make_unique<NoopInstance>(); }
};

}  // namespace

Result<Executors> Executors::make(const std::string& asked) {
  if (asked == "systemd")
    return Error{"config.invalid",
                 "RUNNER_EXECUTOR=systemd is not served: processes run without units; use process or docker",
                 {}};
  Executors made;
  made.asked_ = asked == "noop" || asked == "process" || asked == "nerdctl" ? asked : "docker";
  made.all_["process"] = make_process_executor();
  made.all_["docker"] = make_compose_executor("docker");
  made.all_["nerdctl"] = make_compose_executor("nerdctl");
  made.all_["noop"] = std::make_unique<NoopExecutor>();
  return made;
}

Result<Executor*> Executors::for_app(const plan::App& app, const std::string& by_plan) {
  if (asked_ == "noop") return all_["noop"].get();
  if (by_plan == "ns")
    return Error{"service.unstartable", "the plan asks for the executor ns, which is not served here", {}};
  if (app.kind != "docker" || (!by_plan.empty() && by_plan != "docker")) return all_["process"].get();
  if (asked_ == "process")
    return Error{"service.unstartable",
                 app.name + " is of kind docker, and this node runs processes only (RUNNER_EXECUTOR=process)",
                 {}};
  return all_[asked_].get();
}

Executor* Executors::by_name(const std::string& name) {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : found->second.get();
}

}  // namespace muster

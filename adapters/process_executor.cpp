// Building, starting and finding processes again.
#include "adapters/process_executor.hpp"

#include "adapters/child_process.hpp"

namespace muster {
namespace {

/// What is kept of an instance.
struct Kept {
  ProcessId process;
  bool building = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    ProcessId::fields(self.process, visit);
    visit("building", self.building);
  }
};

bool builds(const plan::App& app) {
  return app.build && !app.build->command.empty() && app.build->kind != "none" && !app.build->kind.empty();
}

Result<ChildProcess> spawn(const Order& order, bool building) {
  Spawn spawn;
  spawn.argv = building ? order.app.build->command : order.app.command;
  spawn.env = base_environment();
  for (const auto& [name, value] : order.app.env) spawn.env[name] = value;
  if (building)
    for (const auto& [name, value] : order.app.build->env) spawn.env[name] = value;
  spawn.env["MUSTER_RUN"] = order.run;
  spawn.env["MUSTER_SERVICE"] = order.app.name;
  spawn.cwd = order.app.cwd;
  spawn.output = order.folder + "/log";
  return ChildProcess::start(spawn);
}

class ProcessInstance : public Instance {
public:
  ProcessInstance(Order order, ChildProcess process, bool building)
    : order_(std::move(order)), process_(std::move(process)), building_(building) {}

  Look look() override {
    auto look = process_.look();
    if (!building_) return look;
    if (look.state == Look::State::running) {
      look.state = Look::State::starting;
      return look;
    }
    if (look.known && look.code == 0 && look.signal == 0 && !stopping_) return built();
    look.why = "the build failed";
    return look;
  }
  void stop() override {
    stopping_ = true;
    process_.stop();
  }
  void kill() override {
    stopping_ = true;
    process_.kill();
  }
  [[nodiscard]] int fd() const override { return process_.fd(); }
  [[nodiscard]] uint64_t pid() const override { return process_.id().pid; }
  [[nodiscard]] std::string record() const override { return to_json_text(Kept{process_.id(), building_}); }

private:
  Look built() {
    auto made = spawn(order_, false);
    if (!made) return {Look::State::ended, true, 127, 0, made.error().detail};
    process_ = std::move(*made);
    building_ = false;
    return {};
  }

  Order order_;
  ChildProcess process_;
  bool building_ = false, stopping_ = false;
};

class ProcessExecutor : public Executor {
public:
  [[nodiscard]] std::string_view name() const override { return "process"; }

  Result<std::unique_ptr<Instance>> start(const Order& order) override {
    const bool building = builds(order.app);
    auto process = spawn(order, building);
    if (!process) return process.error();
    return std::unique_ptr<Instance>{new ProcessInstance(order, std::move(*process), building)};
  }

  Result<std::unique_ptr<Instance>> adopt(const Order& order, const std::string& record) override {
    Kept kept;
    if (record.empty()) {  // Cut short between the start and its record.
      const auto found = find_by_environment("MUSTER_RUN=" + order.run);
      if (!found) return Error{"not.found", "run " + order.run + " is not there", {}};
      kept.process = *found;
    } else {
      auto read = from_json_text<Kept>(record);
      if (!read) return read.error();
      kept = std::move(*read);
    }
    auto process = ChildProcess::adopt(kept.process);
    if (!process) return process.error();
    return std::unique_ptr<Instance>{new ProcessInstance(order, std::move(*process), kept.building)};
  }
};

}  // namespace

std::unique_ptr<Executor> make_process_executor() {
  return std::make_unique<ProcessExecutor>();
}

}  // namespace muster

// A run of real scripts, made by hand, and what was told of it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "adapters/run_execution.hpp"
#include "tests/support/eventually.hpp"

namespace muster {

namespace fs = std::filesystem;

/// A run's folders, its order, and what was told of it.
class Run {
public:
  Run() {
    std::string pattern = (fs::temp_directory_path() / "run-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    order.run = "run-1";
    order.folder = root_ + "/run";
    order.memory = root_ + "/memory";
  }
  ~Run() { fs::remove_all(root_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void step(const std::string& id, const std::string& script, std::vector<std::string> needs = {}) {
    StepOrder step;
    step.id = step.name = id;
    step.needs = std::move(needs);
    step.command = {"bash", "-c", script};
    step.env["PATH"] = "/usr/bin:/bin";
    step.env["FILES"] = root_;
    step.folder = root_;
    order.steps.push_back(std::move(step));
  }

  std::shared_ptr<Execution> begin(ScriptLoop& loop) {
    auto begun = Execution::begin(loop, order, hooks(), system_now);
    REQUIRE(begun);
    return *begun;
  }
  Result<std::shared_ptr<Execution>> adopt(ScriptLoop& loop, std::optional<std::string> canceled = {}) {
    return Execution::adopt(loop, order.memory, hooks(), system_now, std::move(canceled));
  }

  RunOutcome outcome() {
    REQUIRE(eventually([this] {
      const std::lock_guard lock{mutex_};
      return outcome_.has_value();
    }));
    return *outcome_;
  }
  /// `step:attempt` as it began, `step=status` as it ended.
  std::vector<std::string> told() {
    const std::lock_guard lock{mutex_};
    return told_;
  }
  [[nodiscard]] bool heard(const std::string& what) {
    const auto all = told();
    return std::find(all.begin(), all.end(), what) != all.end();
  }
  std::string printed() const {
    std::string text;
    JournalReader{order.folder + "/journal", 0}.read([&](const JournalEntry& entry) {
      if (entry.kind != EntryKind::event) text.append(entry.text).append("\n");
      return true;
    });
    return text;
  }
  std::vector<std::string> events() const {
    std::vector<std::string> all;
    JournalReader{order.folder + "/journal", 0}.read([&](const JournalEntry& entry) {
      if (entry.kind == EntryKind::event) all.emplace_back(entry.text.substr(0, entry.text.find(' ')));
      return true;
    });
    return all;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return root_ + "/" + name; }
  void touch(const std::string& name) const { std::ofstream{file(name)} << "x"; }
  [[nodiscard]] bool exists(const std::string& name) const { return fs::exists(file(name)); }

  RunOrder order;

private:
  ExecutionHooks hooks() {
    ExecutionHooks hooks;
    hooks.started = [this](Time) { note("started"); };
    hooks.step_started = [this](const std::string& step, uint64_t attempt, Time) {
      note(step + ":" + std::to_string(attempt));
    };
    hooks.step_finished = [this](const StepOutcome& step, Time) { note(step.step + "=" + step.status); };
    hooks.finished = [this](const RunOutcome& outcome, Time) {
      const std::lock_guard lock{mutex_};
      outcome_ = outcome;
    };
    return hooks;
  }
  void note(const std::string& what) {
    const std::lock_guard lock{mutex_};
    told_.push_back(what);
  }

  std::string root_;
  std::mutex mutex_;
  std::vector<std::string> told_;
  std::optional<RunOutcome> outcome_;
};

}  // namespace muster

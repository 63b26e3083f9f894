// One command of a run as a process of this machine: what it prints comes through pipes with names, so that
// neither its output nor how it ended is lost while nobody listens.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/child_process.hpp"
#include "base/result.hpp"

namespace muster {

struct ScriptOrder {
  std::vector<std::string> argv;  ///< Without a shell.
  std::map<std::string, std::string> env;
  std::string cwd;
  /// A folder of this process's own, absolute: it is made, with mode 0700. Whoever has it removes it, when
  /// what it tells is written down elsewhere.
  std::string pipes;
};

/// Bytes that a pipe holds for a reader who is slow or away; a script that prints more waits.
constexpr int kPipeBytes = 1 << 20;

/// How the script whose pipes these are has ended, as a shell says it; nothing when it has not, or nobody
/// knows.
[[nodiscard]] std::optional<int> exit_status_in(const std::string& pipes);

/// True when the script whose pipes these are has not begun, and never will: from now on whoever was to start
/// it finds that it may not.
[[nodiscard]] bool never_begins(const std::string& pipes);

/// Movable. When it is dropped, what runs is left alone: adopt() finds it again.
class ScriptProcess {
public:
  /// Error: `service.unstartable` with what is missing.
  static Result<ScriptProcess> start(const ScriptOrder& order);
  /// Of an earlier life of this program, which may not have come to write the number down: `id` is empty
  /// then. Error: `not.found` when it is not there any more.
  static Result<ScriptProcess> adopt(const std::string& pipes, const ProcessId& id);
  ScriptProcess(ScriptProcess&& other) noexcept;
  ScriptProcess& operator=(ScriptProcess&& other) noexcept;
  ~ScriptProcess();

  // To be read from, never blocking.
  [[nodiscard]] int out() const { return out_; }
  [[nodiscard]] int err() const { return err_; }
  /// Readable when status() should be asked.
  [[nodiscard]] int status_fd() const { return status_; }
  /// Readable once the process that watches over the script is gone, which only a kill makes it.
  [[nodiscard]] int fd() const { return child_.fd(); }

  /// The script's exit status as a shell gives it, above 128 for a signal; nothing while it runs.
  [[nodiscard]] std::optional<int> status() const { return exit_status_in(pipes_); }
  /// SIGTERM to the script and what is with it, inside its sandbox, too.
  void stop();
  /// Ends all that it started, and its session; also the way to let go of one that has ended.
  void kill();
  [[nodiscard]] const ProcessId& id() const { return child_.id(); }
  /// The process that watches over the script, to be waited for; the last call.
  [[nodiscard]] ChildProcess watcher() && { return std::move(child_); }

private:
  ScriptProcess(ChildProcess child, std::string pipes);
  Status open_pipes();

  ChildProcess child_;
  std::string pipes_;
  int out_ = -1, err_ = -1, status_ = -1;
};

}  // namespace muster

// Processes that outlive this one: started in a session of their own, known again by pid and start time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "adapters/ports/executor.hpp"
#include "events/fields.hpp"

namespace muster {

/// Names one process for ever: pids are used again, their start within a boot is not.
struct ProcessId {
  uint64_t pid = 0, start_ticks = 0;
  std::string boot;
  bool operator==(const ProcessId&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("pid", self.pid);
    visit("start_ticks", self.start_ticks);
    visit("boot", self.boot);
  }
};

/// The id of this boot of the machine.
[[nodiscard]] std::string boot_id();

/// A process that another one started, or one that this started, and so on; `name` is its program's, cut to
/// 15 bytes.
struct Descendant {
  uint64_t pid = 0;
  std::string name;
};
/// Those that are there now, whichever session they are in. What was handed to init is not among them.
[[nodiscard]] std::vector<Descendant> descendants_of(uint64_t pid);

/// The session leader that has `variable` (NAME=value) in its environment.
[[nodiscard]] std::optional<ProcessId> find_by_environment(const std::string& variable);

/// What a service inherits of this process: PATH, HOME, locale, time zone, where its container engine is.
/// Credentials are not among it.
[[nodiscard]] std::map<std::string, std::string> base_environment();

/// Where `program` is in PATH; empty: nowhere.
[[nodiscard]] std::string find_in_path(const std::string& program);

struct Spawn {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string cwd;            ///< Empty: this process's.
  std::string output;         ///< Both outputs are appended to this file.
  std::string errors;         ///< A pipe with a name for the second one; `output` is one, too, then.
  bool fresh_output = false;  ///< The file begins anew.
};

class ChildProcess {
public:
  /// Error: `service.unstartable` with what is missing.
  static Result<ChildProcess> start(const Spawn& spawn);
  /// One of an earlier life, or one of this life that was let go: that one may have ended meanwhile. Error:
  /// `not.found` when that process is not there any more.
  static Result<ChildProcess> adopt(const ProcessId& id);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  /// running or ended. Of one that another process started nobody knows how it ended. What it leaves of its
  /// session is killed.
  [[nodiscard]] Look look();
  void stop();  ///< SIGTERM to its process group.
  void kill();  ///< SIGKILL to all of its session.
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const ProcessId& id() const { return id_; }

private:
  ChildProcess(ProcessId id, int fd, bool ours) : id_(std::move(id)), fd_(fd), ours_(ours) {}
  ProcessId id_;
  int fd_ = -1;
  bool ours_ = false;
  std::optional<Look> ended_;
};

}  // namespace muster

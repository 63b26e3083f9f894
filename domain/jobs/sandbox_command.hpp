// The sandbox of a process job: what bubblewrap is told, and what a host must be able to do.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/container_command.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::jobs {

constexpr int64_t kMaxTmp = int64_t{256} << 20;  ///< Bytes of each private /tmp, /var/tmp and /dev/shm.

/// Absolute paths, without symbolic links: the caller resolved them.
struct SandboxRun {
  Settings settings;                      ///< As they were judged.
  std::string run_folder;                 ///< Writable, and where the script starts.
  std::string secrets;                    ///< Of the run, read-only here and at /run/secrets; empty: none.
  std::vector<std::string> readable;      ///< The tree of scripts; shown even inside of what is hidden.
  std::vector<std::string> hidden;        ///< Folders that look empty: the node's data folder, /root, /home.
  std::vector<std::string> hidden_files;  ///< Files that cannot be read, like /etc/shadow. They exist.
  std::map<std::string, std::string> env;
  CommandLine command;  ///< Interpreter, script, flags.
};

/// bubblewrap's options and, apart from them, what it runs.
struct Sandbox {
  CommandLine options;
  CommandLine command;

  /// `bwrap OPTIONS -- COMMAND`, for whoever wants to see or try it.
  [[nodiscard]] CommandLine line() const;
  /// The options as `bwrap --args FD -- COMMAND` reads them from a file: a NUL after each. So the environment
  /// is in no process's command line, where everybody on the host could read it.
  [[nodiscard]] std::string args_file() const;
};

/// For a run whose settings say `sandboxed`. Under every profile the script gets:
/// - user, process, IPC, host name and cgroup namespaces of its own, in which it can make no more of them, no
///   capability, no way to gain one (bubblewrap sets no-new-privileges), and a session without the terminal;
/// - no network, unless `network` was granted; then also the resolver's files of /run;
/// - the host's files, read-only, or as they are when a writable root was granted; /sys and what sets the
/// kernel
///   in /proc always read-only;
/// - a /proc with its own processes only, a minimal /dev, private /tmp, /var/tmp and /dev/shm of kMaxTmp
/// each, and
///   an empty /run, since a socket there can be written to even where its folder cannot;
/// - its run folder, writable; `readable` and the secrets, read-only; `hidden` empty; where one lies in
/// another,
///   the inner one counts;
/// - exactly the environment that is given.
/// It is not tied to the life of whoever starts it: runs outlive the node's process. bubblewrap ends with the
/// script, with its exit status, but what the script left behind goes on, and ending bubblewrap itself ends
/// nothing: kill the namespace's first process, as its child is, and everything in it is gone. Error:
/// `E_CONFIG` for a path that is not absolute, a NUL, a variable without a proper name, no command.
Result<Sandbox> sandbox(const SandboxRun& run);

/// What the host must be able to do, for `capability.missing`: of `bubblewrap`, `user namespaces`, `cgroup
/// cpu`, `cgroup memory`, `cgroup pids`, in this order. A container needs none of them.
[[nodiscard]] std::vector<std::string_view> needed_capabilities(const Wanted& wanted,
                                                                const Settings& settings);

/// Error: `capability.missing`, naming every one of `missing`, and the profile that asks for it.
[[nodiscard]] Error capability_missing(Profile profile, const std::vector<std::string_view>& missing);

}  // namespace muster::jobs

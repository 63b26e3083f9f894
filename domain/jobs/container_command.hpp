// The command lines for Podman and Docker: every argument in the contract's order.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::jobs {

enum class Runtime : uint8_t { podman, docker };

[[nodiscard]] std::string_view to_text(Runtime runtime);

/// A command's words, its program first; they go to exec as they are, through no shell.
using CommandLine = std::vector<std::string>;

constexpr int kStopSeconds = 10;             ///< From TERM to KILL.
constexpr size_t kMaxContainerName = 63;     ///< Of a step's part of the name.
constexpr size_t kMaxWord = 128 * 1024 - 1;  ///< Bytes of one argument; the kernel takes no longer one.

/// `<run id>-<step>`: the step in lower case, what is outside of [a-z0-9] a `-`, none of them at the ends, at
/// most kMaxContainerName, `step` when nothing is left (contract, section 6).
[[nodiscard]] std::string container_name(std::string_view run, std::string_view step);

/// The names for all steps of a run, in their order. Steps that would share a name (`a_b` and `a-b`) get
/// `-2`,
/// `-3`, ... behind it: they may run at the same time.
[[nodiscard]] std::vector<std::string> container_names(std::string_view run,
                                                       const std::vector<std::string>& steps);

struct Volume {
  std::string from, to;  ///< Absolute, without `:`, which the runtime reads as the end of a path.
  bool writable = false;
};

/// The volumes of a step: the script's folder at its own path, read-only unless it is the run's folder, too;
/// the run's folder; the secrets, if there are any, at /run/secrets.
[[nodiscard]] std::vector<Volume> step_volumes(const std::string& script_folder,
                                               const std::string& run_folder, const std::string& secrets);

struct ContainerRun {
  Runtime runtime = Runtime::podman;
  std::string pull;  ///< `never`, or empty: when the image is not here.
  std::string name;
  Settings settings;   ///< As they were judged, image and extra arguments included.
  std::string folder;  ///< Where it starts: the run's folder.
  std::map<std::string, std::string> env;
  std::vector<Volume> volumes;
  std::vector<std::string>
    entrypoint;        ///< Its first word replaces the image's; the others come before the script.
  std::string script;  ///< Absolute.
  std::string job;     ///< Instead of a script: what the image's own program is told.
  std::vector<std::string> flags;  ///< The script's.
};

/// `RT run --rm [--pull=never] --name NAME --cap-drop=ALL --security-opt=no-new-privileges [--read-only]
/// --network MODE
/// [--cap-add=C ...] --workdir FOLDER [--env K=V ...] [--volume SRC:DST:ro|rw ...] [--cpus N] [--memory
/// BYTES]
/// [--pids-limit N] [--entrypoint E] [extra ...] IMAGE [entrypoint's rest ...] SCRIPT [flags ...]`, or JOB
/// instead of these two. Error: `E_CONFIG` for what no command line can carry: a NUL, a variable's name that
/// is empty or has a `=`, a path that is not absolute or has a `:`, a word that is too long.
Result<CommandLine> run_line(const ContainerRun& run);

/// Podman hands the host's proxies on to a container by itself, passwords included: they are taken out of the
/// runtime's own environment unless the host's environment is inherited.
[[nodiscard]] bool is_proxy_variable(std::string_view name);

/// `rm --force [--ignore] NAME`; only Podman knows `--ignore`.
[[nodiscard]] CommandLine remove_line(Runtime runtime, const std::string& name);
/// `stop --time 10 NAME`, then `kill NAME` for one that this did not end, then remove_line (contract, section
/// 8).
[[nodiscard]] CommandLine stop_line(Runtime runtime, const std::string& name);
[[nodiscard]] CommandLine kill_line(Runtime runtime, const std::string& name);
/// True when the output of one of the three says that there is no such container: then it is done.
[[nodiscard]] bool says_gone(std::string_view output);

[[nodiscard]] CommandLine inspect_line(Runtime runtime, const std::string& image);

/// Prints the manifest of an add-on (contract, section 11). `pull`: pull the image before, else never.
/// Network none and a read-only root, but under `disabled` the network bridge and the runtime's own kind of
/// root.
[[nodiscard]] CommandLine manifest_line(Runtime runtime, Profile profile, bool pull,
                                        const std::string& image);
/// True when the output says that the image has no manifest.
[[nodiscard]] bool says_no_manifest(std::string_view output);

}  // namespace muster::jobs

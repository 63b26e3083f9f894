// Tells bubblewrap what to mount, in an order in which later mounts show through earlier ones.
#include "domain/jobs/sandbox_command.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

/// What the kernel lets the user root write to, even one without any capability; bubblewrap covers some of
/// them, but not when it looks from within a user namespace.
constexpr std::array kProcFiles{"/proc/acpi", "/proc/bus",  "/proc/fs",           "/proc/irq",
                                "/proc/mtrr", "/proc/scsi", "/proc/sysrq-trigger"};

Error config(std::string detail) {
  return {"E_CONFIG", std::move(detail)};
}

Status check(const SandboxRun& run) {
  std::vector<std::string> paths{run.run_folder};
  if (!run.secrets.empty()) paths.push_back(run.secrets);
  for (const auto* list : {&run.readable, &run.hidden, &run.hidden_files})
    paths.insert(paths.end(), list->begin(), list->end());
  for (const auto& path : paths)
    if (!is_absolute_path(path)) return config("the path \"" + shown(path) + "\" is not absolute");
  if (run.command.empty() || run.command.front().empty()) return config("there is no command to run");
  for (const auto& word : run.command)
    if (word.find('\0') != std::string::npos) return config('"' + shown(word) + "\" has a NUL");
  for (const auto& [name, value] : run.env)
    if (name.empty() || (name + value).find('\0') != std::string::npos || name.find('=') != std::string::npos)
      return config("env: \"" + shown(name) + "\" is no name of a variable, or has a NUL");
  return Done{};
}

class Telling {
public:
  explicit Telling(const SandboxRun& run) : run_(run) {}

  CommandLine options() {
    namespaces();
    host();
    folders();
    secrets();
    for (const auto& path : run_.hidden) add({"--remount-ro", path});
    add({"--remount-ro", "/run", "--chdir", run_.run_folder, "--clearenv"});
    for (const auto& [name, value] : run_.env) add({"--setenv", name, value});
    return std::move(options_);
  }

private:
  void add(std::initializer_list<std::string_view> words) {
    options_.insert(options_.end(), words.begin(), words.end());
  }

  [[nodiscard]] bool networked() const { return run_.settings.network != "none"; }

  void namespaces() {
    add({"--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
         "--unshare-cgroup-try"});
    if (!networked()) add({"--unshare-net"});
    add({"--new-session", "--cap-drop", "ALL"});
  }

  void host() {
    add({run_.settings.rootfs_writable ? "--bind" : "--ro-bind", "/", "/"});
    if (run_.settings.rootfs_writable) add({"--ro-bind", "/sys", "/sys"});
    add({"--dev", "/dev", "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"});
    for (const auto* path : kProcFiles) add({"--ro-bind-try", path, path});
    for (const auto* path : {"/dev/shm", "/tmp", "/var/tmp"})
      add({"--perms", "1777", "--size", std::to_string(kMaxTmp), "--tmpfs", path});
    add({"--remount-ro", "/dev"});
    add({"--tmpfs", "/run"});
    if (networked()) add({"--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"});
  }

  /// Each shows what the nearest of its ancestors says: the run's folder inside of the hidden data folder,
  /// and a hidden folder inside of a tree of scripts.
  void folders() {
    std::multimap<std::string_view, std::string_view> mounts;  // Ancestors first; of equals, the first added.
    for (const auto& path : run_.hidden) mounts.emplace(path, "--tmpfs");
    for (const auto& path : run_.hidden_files) mounts.emplace(path, "--ro-bind");
    for (const auto& path : run_.readable) mounts.emplace(path, "--ro-bind");
    mounts.emplace(run_.run_folder, "--bind");
    for (const auto& [path, how] : mounts) {
      const auto& files = run_.hidden_files;
      const bool empty = std::find(files.begin(), files.end(), path) != files.end();
      if (how == "--tmpfs")
        add({how, path});
      else
        add({how, empty ? std::string_view("/dev/null") : path, path});
    }
  }

  void secrets() {
    if (run_.secrets.empty()) return;
    for (const std::string& to : {run_.secrets, std::string("/run/secrets")})
      add({"--ro-bind", run_.secrets, to});
  }

  const SandboxRun& run_;
  CommandLine options_;
};

}  // namespace

CommandLine Sandbox::line() const {
  CommandLine all{"bwrap"};
  all.insert(all.end(), options.begin(), options.end());
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

std::string Sandbox::args_file() const {
  std::string text;
  for (const auto& word : options) (text += word) += '\0';
  return text;
}

Result<Sandbox> sandbox(const SandboxRun& run) {
  if (auto fine = check(run); !fine) return fine.error();
  return Sandbox{Telling(run).options(), run.command};
}

std::vector<std::string_view> needed_capabilities(const Wanted& wanted, const Settings& settings) {
  std::vector<std::string_view> needed;
  if (wanted.in_container) return needed;
  if (settings.sandboxed) needed = {"bubblewrap", "user namespaces"};
  if (settings.cpu) needed.emplace_back("cgroup cpu");
  if (settings.memory) needed.emplace_back("cgroup memory");
  if (settings.processes) needed.emplace_back("cgroup pids");
  return needed;
}

Error capability_missing(Profile profile, const std::vector<std::string_view>& missing) {
  std::string all;
  for (const auto& one : missing) (all += all.empty() ? "" : ", ") += one;
  return {"capability.missing",
          "this host lacks what the profile " + std::string(to_text(profile)) + " needs: " + all};
}

}  // namespace muster::jobs

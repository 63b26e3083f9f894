// Named pipes, and a shell that keeps them open until somebody has read them.
#include "adapters/script_process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace muster {
namespace {

/// Runs the command, writes down how it ended and tells of it, and waits: while it lives the pipes keep what
/// nobody has read. It is ended by a signal that it cannot trap. A command it starts has no such traps. Of
/// those who make `began` the first one alone goes on.
constexpr const char* kWatcher =
  "umask 077; unset MUSTER_WATCHES; trap : TERM INT HUP QUIT; p=$1; shift; exec 3<>\"$p/status\" || exit; "
  "set -C; : >\"$p/began\" || exit; set +C; \"$@\" 3>&-; "
  "echo \"$?\" >\"$p/code\"; echo >&3; until read -r _ <\"$p/hold\"; do [ -p \"$p/hold\" ] || exit; done";

constexpr const char* kMark = "MUSTER_WATCHES";

Error failed(const std::string& what) {
  return {"service.unstartable", what + ": " + std::strerror(errno), {}};
}

Status make_pipes(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), ignored);
  if (::mkdir(folder.c_str(), 0700) != 0) return failed(folder);
  for (const auto* name : {"/out", "/err", "/status", "/hold"})
    if (::mkfifo((folder + name).c_str(), 0600) != 0) return failed(folder + name);
  return Done{};
}

}  // namespace

ScriptProcess::ScriptProcess(ChildProcess child, std::string pipes)
  : child_(std::move(child)), pipes_(std::move(pipes)) {}

Status ScriptProcess::open_pipes() {
  for (auto [name, fd] : {std::pair{"/out", &out_}, {"/err", &err_}, {"/status", &status_}}) {
    *fd = ::open((pipes_ + name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0) return failed(pipes_ + name);
  }
  ::fcntl(out_, F_SETPIPE_SZ, kPipeBytes);  // Smaller ones do, too.
  ::fcntl(err_, F_SETPIPE_SZ, kPipeBytes);
  return Done{};
}

Result<ScriptProcess> ScriptProcess::start(const ScriptOrder& order) {
  if (order.argv.empty() || order.argv.front().empty())
    return Error{"service.unstartable", "there is no command", {}};
  const auto& program = order.argv.front();
  const bool is_path = program.find('/') != std::string::npos;
  if (is_path ? ::access(program.c_str(), X_OK) != 0 : find_in_path(program).empty())
    return Error{"service.unstartable", program + ": no such program that may be run", {}};
  if (auto made = make_pipes(order.pipes); !made) return made.error();
  Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", kWatcher, "muster", order.pipes};
  spawn.argv.insert(spawn.argv.end(), order.argv.begin(), order.argv.end());
  spawn.env = order.env;
  spawn.env[kMark] = order.pipes;  // It is found by this when nobody wrote down its number.
  spawn.cwd = order.cwd;
  spawn.output = order.pipes + "/out";
  spawn.errors = order.pipes + "/err";
  auto child = ChildProcess::start(spawn);
  if (!child) return child.error();
  ScriptProcess made{std::move(*child), order.pipes};
  if (auto opened = made.open_pipes(); !opened) {
    made.kill();
    return opened.error();
  }
  return made;
}

Result<ScriptProcess> ScriptProcess::adopt(const std::string& pipes, const ProcessId& id) {
  const auto found_id = id.pid == 0 ? find_by_environment(std::string{kMark} + "=" + pipes) : id;
  auto child = ChildProcess::adopt(found_id.value_or(ProcessId{}));
  if (!child) return child.error();
  if (child->look().state == Look::State::ended)  // A child of this process is found until it is waited for.
    return Error{"not.found", "the script of " + pipes + " has ended", {}};
  ScriptProcess found{std::move(*child), pipes};
  if (auto opened = found.open_pipes(); !opened) return opened.error();
  return found;
}

ScriptProcess::ScriptProcess(ScriptProcess&& other) noexcept
  : child_(std::move(other.child_)),
    pipes_(std::move(other.pipes_)),
    out_(std::exchange(other.out_, -1)),
    err_(std::exchange(other.err_, -1)),
    status_(std::exchange(other.status_, -1)) {}

ScriptProcess& ScriptProcess::operator=(ScriptProcess&& other) noexcept {
  std::swap(child_, other.child_);
  std::swap(pipes_, other.pipes_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  std::swap(status_, other.status_);
  return *this;
}

ScriptProcess::~ScriptProcess() {
  for (const int fd : {out_, err_, status_})
    if (fd >= 0) ::close(fd);
}

std::optional<int> exit_status_in(const std::string& pipes) {
  std::ifstream in{pipes + "/code"};
  std::string line;
  if (!std::getline(in, line) || in.eof()) return std::nullopt;  // Not there, or not whole.
  int code = 0;
  std::from_chars(line.data(), line.data() + line.size(), code);
  return code;
}

bool never_begins(const std::string& pipes) {
  const int fd = ::open((pipes + "/began").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno == ENOENT;
  ::close(fd);
  return true;
}

void ScriptProcess::stop() {
  const auto all = descendants_of(id().pid);
  const auto is_sandbox = [](const Descendant& one) { return one.name == "bwrap"; };
  if (std::none_of(all.begin(), all.end(), is_sandbox)) return child_.stop();
  // The sandbox itself would go at once, and the script's own end with it.
  for (const auto& one : all)
    if (!is_sandbox(one)) ::kill(static_cast<pid_t>(one.pid), SIGTERM);
}

void ScriptProcess::kill() {
  for (const auto& one : descendants_of(id().pid)) ::kill(static_cast<pid_t>(one.pid), SIGKILL);
  child_.kill();
}

}  // namespace muster

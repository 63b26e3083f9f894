// posix_spawn, pidfd and /proc.
#include "adapters/child_process.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/keys.hpp"

namespace muster {
namespace {

constexpr size_t kMaxStat = 4096;               // Bytes of one line about a process.
constexpr size_t kMaxChildren = 64 * 1024;      // Bytes of a list of a thread's children.
constexpr size_t kMaxEnvironment = 256 * 1024;  // Bytes of a process's environment that are looked at.

struct Stat {
  char state = '?';
  uint64_t parent = 0, session = 0, start_ticks = 0;
  std::string name;
};

/// What fits into `room` of a file of /proc; empty when the process is gone, or not ours to look at. Without
/// a stream: hundreds of these are read for each script that ends.
std::string_view read_proc(uint64_t pid, const char* name, std::span<char> room) {
  std::array<char, 80> path{};
  std::snprintf(path.data(), path.size(), "/proc/%llu/%s", static_cast<unsigned long long>(pid), name);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  size_t size = 0;
  for (ssize_t got = 0;
       size < room.size() && (got = ::read(file, room.data() + size, room.size() - size)) > 0;)
    size += static_cast<size_t>(got);
  ::close(file);
  return {room.data(), size};
}

/// /proc/PID/stat; the name in it may hold anything, so that fields are counted from its last parenthesis.
std::optional<Stat> stat_of(uint64_t pid) {
  std::array<char, kMaxStat + 1> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): it is read into.
  const auto text = read_proc(pid, "stat", std::span{room}.first(kMaxStat));
  const auto end = text.rfind(')'), begin = text.find('(');
  if (end == std::string_view::npos || begin > end) return std::nullopt;
  room[text.size()] = '\0';
  Stat stat;
  stat.name = text.substr(begin + 1, end - begin - 1);
  const char* at = room.data() + end + 1;
  for (int number = 3; *at != '\0'; number++) {
    while (*at == ' ') at++;
    if (number == 3) stat.state = *at;
    if (number == 4) stat.parent = std::strtoull(at, nullptr, 10);
    if (number == 6) stat.session = std::strtoull(at, nullptr, 10);
    if (number == 22) {
      stat.start_ticks = std::strtoull(at, nullptr, 10);
      return stat;
    }
    while (*at != ' ' && *at != '\0') at++;
  }
  return std::nullopt;
}

/// Entries of the folder that are numbers: processes, or threads of one.
template <class Visit>
void each_number(const std::string& path, Visit&& visit) {
  DIR* folder = ::opendir(path.c_str());
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder)) {
    char* end = nullptr;
    const auto pid = std::strtoull(entry->d_name, &end, 10);
    if (pid > 0 && *end == '\0') visit(static_cast<uint64_t>(pid));
  }
  ::closedir(folder);
}

template <class Visit>
void each_process(Visit&& visit) {
  each_number("/proc", visit);
}

/// While any process has the session's number, no new one can get it as its pid.
void kill_session(uint64_t session) {
  each_process([&](uint64_t pid) {
    const auto stat = stat_of(pid);
    if (stat && stat->session == session && stat->state != 'Z') ::kill(static_cast<pid_t>(pid), SIGKILL);
  });
}

/// glibc 2.36 declares its own without C linkage.
int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

Error unstartable(const std::string& what, int error) {
  return {"service.unstartable", what + ": " + std::strerror(error), {}};
}

/// posix_spawn's two structs, freed.
struct SpawnSetup {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
};

/// Own session, default signals, nothing open but the output.
void prepare(SpawnSetup& setup, const Spawn& spawn) {
  posix_spawn_file_actions_addopen(&setup.actions, 0, "/dev/null", O_RDONLY, 0);
  if (spawn.errors.empty()) {
    const int flags = O_WRONLY | O_CREAT | O_APPEND | (spawn.fresh_output ? O_TRUNC : 0);
    posix_spawn_file_actions_addopen(&setup.actions, 1, spawn.output.c_str(), flags, 0600);
    posix_spawn_file_actions_adddup2(&setup.actions, 1, 2);
  } else {  // Open to both sides: what is written waits for a reader who is away, and nobody is told of a
            // broken pipe.
    posix_spawn_file_actions_addopen(&setup.actions, 1, spawn.output.c_str(), O_RDWR, 0);
    posix_spawn_file_actions_addopen(&setup.actions, 2, spawn.errors.c_str(), O_RDWR, 0);
  }
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, 3);
  if (!spawn.cwd.empty()) posix_spawn_file_actions_addchdir_np(&setup.actions, spawn.cwd.c_str());
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  posix_spawnattr_setflags(&setup.attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

std::string boot_id() {
  std::ifstream in{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  in >> id;
  return id;
}

std::vector<Descendant> descendants_of(uint64_t pid) {
  std::vector<Descendant> found;
  std::vector<char> room(kMaxChildren);
  const bool listed = ::access("/proc/thread-self/children", R_OK) == 0;
  std::multimap<uint64_t, Descendant> by_parent;  // Where the kernel does not list children.
  if (!listed)
    each_process([&](uint64_t one) {
      if (auto stat = stat_of(one)) by_parent.emplace(stat->parent, Descendant{one, std::move(stat->name)});
    });
  for (size_t next = 0;; next++) {
    if (listed) {
      each_number("/proc/" + std::to_string(pid) + "/task", [&](uint64_t thread) {
        const auto name = "task/" + std::to_string(thread) + "/children";
        std::istringstream children{std::string{read_proc(pid, name.c_str(), room)}};
        for (uint64_t one = 0; children >> one;)
          if (auto stat = stat_of(one)) found.push_back({one, std::move(stat->name)});
      });
    } else {
      const auto [begin, end] = by_parent.equal_range(pid);
      for (auto at = begin; at != end; ++at) found.push_back(at->second);
    }
    if (next == found.size()) return found;
    pid = found[next].pid;
  }
}

std::optional<ProcessId> find_by_environment(const std::string& variable) {
  std::optional<ProcessId> found;
  const auto wanted = variable + '\0';
  std::vector<char> room(kMaxEnvironment);
  each_process([&](uint64_t pid) {
    if (found) return;
    const auto stat = stat_of(pid);
    if (!stat || stat->session != pid || stat->state == 'Z') return;
    const auto text = read_proc(pid, "environ", room);
    const auto at = text.find(wanted);
    if (at != std::string_view::npos && (at == 0 || text[at - 1] == '\0'))
      found = ProcessId{pid, stat->start_ticks, boot_id()};
  });
  return found;
}

std::map<std::string, std::string> base_environment() {
  std::map<std::string, std::string> kept;
  for (const auto* name :
       {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR",
        "DOCKER_HOST", "DOCKER_CONFIG", "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"})
    if (const char* value = std::getenv(name)) kept[name] = value;
  kept.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  return kept;
}

std::string find_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders{path ? path : "/usr/local/bin:/usr/bin:/bin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    folder.append("/").append(program);
    if (::access(folder.c_str(), X_OK) == 0) return folder;
  }
  return {};
}

Result<ChildProcess> ChildProcess::start(const Spawn& spawn) {
  if (spawn.argv.empty() || spawn.argv.front().empty())
    return Error{"service.unstartable", "there is no command", {}};
  if (!spawn.cwd.empty() && ::access(spawn.cwd.c_str(), X_OK) != 0)
    return unstartable("cwd " + spawn.cwd, errno);
  SpawnSetup setup;
  prepare(setup, spawn);
  std::vector<char*> argv;
  argv.reserve(spawn.argv.size() + 1);
  for (const auto& word : spawn.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> pairs;
  pairs.reserve(spawn.env.size());
  for (const auto& [name, value] : spawn.env) pairs.emplace_back(name).append("=").append(value);
  std::vector<char*> env;
  env.reserve(pairs.size() + 1);
  for (auto& pair : pairs) env.push_back(pair.data());
  env.push_back(nullptr);
  pid_t pid = 0;
  if (const int failed =
        ::posix_spawnp(&pid, argv[0], &setup.actions, &setup.attributes, argv.data(), env.data()))
    return unstartable(spawn.argv.front(), failed);
  const auto stat = stat_of(static_cast<uint64_t>(pid));  // There until it is waited for.
  ProcessId id{static_cast<uint64_t>(pid), stat ? stat->start_ticks : 0, boot_id()};
  return ChildProcess{std::move(id), open_pidfd(pid), true};
}

Result<ChildProcess> ChildProcess::adopt(const ProcessId& id) {
  const Error gone{"not.found", "process " + std::to_string(id.pid) + " is not there any more", {}};
  if (id.pid == 0 || id.boot != boot_id()) return gone;
  const int fd = open_pidfd(static_cast<pid_t>(id.pid));
  if (fd < 0) return gone;
  const auto stat = stat_of(id.pid);  // Looked at with the pidfd open: it is the one the pidfd means.
  const bool ours = stat && stat->parent == static_cast<uint64_t>(::getpid());
  if (stat && stat->start_ticks == id.start_ticks && (ours || stat->state != 'Z'))
    return ChildProcess{id, fd, ours};
  ::close(fd);
  return gone;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
  : id_(std::move(other.id_)),
    fd_(std::exchange(other.fd_, -1)),
    ours_(other.ours_),
    ended_(std::move(other.ended_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(fd_, other.fd_);
  std::swap(ours_, other.ours_);
  std::swap(ended_, other.ended_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (fd_ >= 0) ::close(fd_);
}

Look ChildProcess::look() {
  if (ended_) return *ended_;
  Look look;
  const auto pid = static_cast<pid_t>(id_.pid);
  siginfo_t info{};
  if (ours_ && ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    ours_ = false;  // Another one waited for it.
  if (ours_) {
    if (info.si_pid == 0) return look;
    kill_session(id_.pid);  // Before it is waited for: until then the number is its own.
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
    look.known = true;
    (info.si_code == CLD_EXITED ? look.code : look.signal) = static_cast<uint64_t>(info.si_status);
  } else {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0) return look;
    kill_session(id_.pid);
  }
  look.state = Look::State::ended;
  ended_ = look;
  return look;
}

void ChildProcess::stop() {
  if (look().state != Look::State::ended) ::kill(-static_cast<pid_t>(id_.pid), SIGTERM);
}

void ChildProcess::kill() {
  if (look().state != Look::State::ended) kill_session(id_.pid);
}

}  // namespace muster

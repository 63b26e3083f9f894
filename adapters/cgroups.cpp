// Control groups through their files.
#include "adapters/cgroups.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace muster {
namespace {

constexpr std::array<std::string_view, 3> kNames{"cpu", "memory", "pids"};
constexpr std::array<std::string_view, 3> kMissing{"cgroup cpu", "cgroup memory", "cgroup pids"};
constexpr int64_t kPeriodUs = 100'000;

/// The kernel takes a value with one write, or says why not.
bool write_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool taken = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  ::close(fd);
  errno = why;
  return taken;
}

bool make_folder(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

/// Controller, or "" for version 2, to where this process is in its tree.
std::map<std::string, std::string> own_groups() {
  std::map<std::string, std::string> groups;
  std::ifstream in{"/proc/self/cgroup"};
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::istringstream names{line.substr(first + 1, second - first - 1)};
    std::string name;
    if (second == first + 1) groups[""] = line.substr(second + 1);
    while (std::getline(names, name, ',')) groups[name] = line.substr(second + 1);
  }
  return groups;
}

struct Mount {
  std::string at, kind;
  std::vector<std::string> options;
};

std::vector<Mount> cgroup_mounts() {
  std::vector<Mount> mounts;
  std::ifstream in{"/proc/self/mounts"};
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields{line};
    std::string device, at, kind, options;
    fields >> device >> at >> kind >> options;
    if (kind != "cgroup" && kind != "cgroup2") continue;
    auto& mount = mounts.emplace_back(Mount{at, kind, {}});
    std::istringstream names{options};
    for (std::string name; std::getline(names, name, ',');) mount.options.push_back(name);
  }
  return mounts;
}

/// Inside a container the tree may begin at this process's own group.
std::string group_folder(const std::string& mount, const std::string& own) {
  const auto folder = own == "/" ? mount : mount + own;
  return ::access(folder.c_str(), F_OK) == 0 ? folder : mount;
}

std::vector<pid_t> members_of(const std::string& folder) {
  std::vector<pid_t> pids;
  std::ifstream in{folder + "/cgroup.procs"};
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}

}  // namespace

Cgroups Cgroups::here() {
  Cgroups found;
  const auto own = own_groups();
  const auto group = [&](const std::string& name) {
    const auto at = own.find(name);
    return at == own.end() ? std::string{"/"} : at->second;
  };
  bool any = false;
  for (const auto& mount : cgroup_mounts()) {
    for (auto& controller : found.controllers_) {
      const auto name = std::string{kNames[static_cast<size_t>(controller.kind)]};
      const bool here = std::find(mount.options.begin(), mount.options.end(), name) != mount.options.end();
      if (mount.kind != "cgroup" || !here) continue;
      any = true;
      const auto folder = group_folder(mount.at, group(name)) + "/muster";
      if (make_folder(folder) && ::access((folder + "/cgroup.procs").c_str(), W_OK) == 0)
        controller.folder = folder;
    }
  }
  if (any) return found;
  for (const auto& mount : cgroup_mounts())
    if (mount.kind == "cgroup2") found.look_at_two(mount.at, group(""));
  return found;
}

void Cgroups::look_at_two(const std::string& mount, const std::string& own) {
  two_ = true;
  auto base = group_folder(mount, own);
  constexpr std::string_view kNode = "/muster-node";
  if (base.ends_with(kNode)) base.resize(base.size() - kNode.size());  // It moved there before.
  if (base != mount) {  // The root may hold processes beside groups.
    if (!make_folder(base + std::string{kNode})) return;
    (void)write_file(base + std::string{kNode} + "/cgroup.procs", "0");
  }
  const auto all = base + "/muster";
  for (auto& controller : controllers_) {
    const auto add = '+' + std::string{kNames[static_cast<size_t>(controller.kind)]};
    if (write_file(base + "/cgroup.subtree_control", add) && make_folder(all) &&
        write_file(all + "/cgroup.subtree_control", add))
      controller.folder = all;
  }
}

std::vector<std::string_view> Cgroups::missing() const {
  std::vector<std::string_view> names;
  for (const auto& controller : controllers_)
    if (controller.folder.empty()) names.push_back(kMissing[static_cast<size_t>(controller.kind)]);
  return names;
}

Status Cgroups::limit(const Controller& controller, const std::string& folder, int64_t value) const {
  const auto number = std::to_string(value);
  const auto quota = std::to_string(std::max<int64_t>(1000, value * kPeriodUs / 1000));
  bool taken = false;
  switch (controller.kind) {
    case Kind::cpu:
      taken = two_ ? write_file(folder + "/cpu.max", quota + ' ' + std::to_string(kPeriodUs))
                   : write_file(folder + "/cpu.cfs_period_us", std::to_string(kPeriodUs)) &&
                       write_file(folder + "/cpu.cfs_quota_us", quota);
      break;
    case Kind::memory:
      taken = write_file(folder + (two_ ? "/memory.max" : "/memory.limit_in_bytes"), number);
      // Where swap is not counted there is nothing to say.
      (void)(two_ ? write_file(folder + "/memory.swap.max", "0")
                  : write_file(folder + "/memory.memsw.limit_in_bytes", number));
      break;
    case Kind::pids:
      taken = write_file(folder + "/pids.max", number);
  }
  if (taken) return Done{};
  return Error{"internal", folder + " does not take the limit " + number + ": " + std::strerror(errno), {}};
}

Result<std::vector<std::string>> Cgroups::make(const std::string& name, const CgroupLimits& limits) const {
  std::vector<std::string> files;
  std::string lacks;
  for (const auto& controller : controllers_) {
    const auto& wanted = controller.kind == Kind::cpu      ? limits.cpu
                         : controller.kind == Kind::memory ? limits.memory
                                                           : limits.processes;
    if (!wanted) continue;
    if (controller.folder.empty()) {
      lacks += (lacks.empty() ? "" : ", ") + std::string{kMissing[static_cast<size_t>(controller.kind)]};
      continue;
    }
    const auto folder = controller.folder + '/' + name;
    if (!make_folder(folder)) return Error{"internal", folder + ": " + std::strerror(errno), {}};
    if (auto limited = limit(controller, folder, *wanted); !limited) return limited.error();
    const auto file = folder + "/cgroup.procs";
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  if (lacks.empty()) return files;
  (void)remove(name);
  return Error{"capability.missing", "this machine lacks " + lacks, {}};
}

bool Cgroups::remove(const std::string& name) const {
  bool gone = true;
  for (const auto& controller : controllers_) {
    const auto folder = controller.folder + '/' + name;
    if (controller.folder.empty() || ::access(folder.c_str(), F_OK) != 0) continue;
    if (!two_ || !write_file(folder + "/cgroup.kill", "1"))
      for (const auto pid : members_of(folder)) ::kill(pid, SIGKILL);
    gone = (::rmdir(folder.c_str()) == 0 || errno == ENOENT) && gone;
  }
  return gone;
}

}  // namespace muster

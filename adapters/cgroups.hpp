// Limits that the kernel holds a script to: a control group each, of either version.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace muster {

struct CgroupLimits {
  std::optional<int64_t> cpu;        ///< Thousandths of a core.
  std::optional<int64_t> memory;     ///< Bytes, swap included where it is counted.
  std::optional<int64_t> processes;  ///< And threads.
};

class Cgroups {
public:
  /// Looks at what this machine lets this process do; makes the group below its own that all others are in.
  /// Under version 2 this process moves into a group beside it, since one that has groups below it may not
  /// hold any.
  static Cgroups here();

  /// What cannot be limited: of `cgroup cpu`, `cgroup memory`, `cgroup pids`.
  [[nodiscard]] std::vector<std::string_view> missing() const;

  /// Makes a group. The files that a process writes `0` to, to be in it. Error: `capability.missing` naming
  /// what was asked for and cannot be had, or `internal`.
  [[nodiscard]] Result<std::vector<std::string>> make(const std::string& name,
                                                      const CgroupLimits& limits) const;
  /// Kills all that is in it, and removes it as soon as they are gone; true when it is.
  [[nodiscard]] bool remove(const std::string& name) const;

private:
  enum class Kind : uint8_t { cpu, memory, pids };
  struct Controller {
    Kind kind;
    std::string folder;  ///< Of the group that holds all others; empty: not available.
  };
  [[nodiscard]] Status limit(const Controller& controller, const std::string& folder, int64_t value) const;
  void look_at_two(const std::string& mount, const std::string& own);

  bool two_ = false;  ///< Version 2.
  std::vector<Controller> controllers_{{Kind::cpu, ""}, {Kind::memory, ""}, {Kind::pids, ""}};
};

}  // namespace muster

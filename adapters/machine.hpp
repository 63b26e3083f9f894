// What this machine is: what a node registers with.
#pragma once

#include <string>
#include <vector>

namespace muster {

struct Machine {
  std::string host;
  int cpus = 0;
  int64_t ram_mb = 0;
  std::vector<std::string> video_devices;  ///< /dev/video0 and the like.
  std::string gpu;                         ///< A device, or none.
};

[[nodiscard]] Machine this_machine();

/// Tells this machine from others: its host name, and /etc/machine-id where there is one. For hashes only.
[[nodiscard]] std::string machine_identity();

}  // namespace muster

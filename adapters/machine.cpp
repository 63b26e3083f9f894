// Asking the system about itself.
#include "adapters/machine.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace muster {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
  char host[256] = "node";
  (void)::gethostname(host, sizeof host - 1);
  return host;
}

std::vector<std::string> devices(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.host = host_name();
  machine.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  machine.ram_mb = ::sysconf(_SC_PHYS_PAGES) / 1024 * ::sysconf(_SC_PAGESIZE) / 1024;
  machine.video_devices = devices("/dev", "video");
  auto gpus = devices("/dev", "nvidia0");
  for (auto& one : devices("/dev/dri", "renderD")) gpus.push_back(std::move(one));
  machine.gpu = gpus.empty() ? "none" : gpus.front();
  return machine;
}

std::string machine_identity() {
  std::string id;
  std::getline(std::ifstream("/etc/machine-id"), id);
  return host_name() + "\n" + id;
}

}  // namespace muster

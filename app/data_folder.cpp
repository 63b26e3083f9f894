// Making the data folder and the node's name.
#include "app/data_folder.hpp"

#include <chrono>
#include <filesystem>

#include <unistd.h>

#include "adapters/keys.hpp"

namespace muster::app {

namespace fs = std::filesystem;

Result<std::string> node_id(const config::Config& config, const std::string& data) {
  if (!config.text("node-id").empty()) return config.text("node-id");
  const auto path = data + "/node_id";
  auto stored = read_file(path, 256);
  if (stored) return stored->substr(0, stored->find('\n'));
  if (stored.error().code != "not.found") return stored.error();
  char host[256] = "node";
  (void)::gethostname(host, sizeof host - 1);
  auto id =
    std::string(host) + "-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  if (auto status = write_file_atomically(path, id + "\n", 0600); !status) return status.error();
  return id;
}

Result<std::string> make_data_folder(const config::Config& config) {
  std::error_code error;
  const auto& data = config.text("data");
  fs::create_directories(data, error);
  if (!error && !fs::is_directory(data, error)) error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    return Error{"log.unwritable", "cannot make the data folder " + data + ": " + error.message(), {}};
  fs::permissions(data, fs::perms::owner_all, error);
  return fs::absolute(data).string();
}

}  // namespace muster::app

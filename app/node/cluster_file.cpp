// Reading and writing cluster.json.
#include "app/node/cluster_file.hpp"

#include <filesystem>

#include "adapters/keys.hpp"

namespace muster::app {
namespace {

constexpr size_t kMaxFile = 1 << 20;

std::string path_in(const std::string& folder) {
  return folder + "/cluster.json";
}

}  // namespace

Result<std::optional<ClusterFile>> read_cluster_file(const std::string& folder) {
  const auto text = read_file(path_in(folder), kMaxFile);
  if (!text && text.error().code == "not.found") return std::optional<ClusterFile>{};
  if (!text) return text.error();
  auto file = from_json_text<ClusterFile>(*text);
  if (!file)
    return Error{"config.invalid",
                 path_in(folder) + " is damaged (" + file.error().detail +
                   "): restore it, or remove it to begin as on a first boot",
                 file.error().fields};
  return std::optional<ClusterFile>{std::move(*file)};
}

Status write_cluster_file(const std::string& folder, const ClusterFile& file) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{"internal", "cannot make " + folder + ": " + error.message(), {}};
  const auto json = parse_json(to_json_text(file));
  if (!json) return json.error();
  return write_file_atomically(path_in(folder), json->dump(2) + "\n", 0600);
}

}  // namespace muster::app

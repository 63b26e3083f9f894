// Reading muster.yaml.
#include "app/config/yaml_file.hpp"

#include <fstream>
#include <iterator>
#include <set>

#include <yaml-cpp/yaml.h>

namespace muster::config {
namespace {

std::string place(const std::string& path, const YAML::Mark& mark) {
  return path + ":" + std::to_string(mark.line + 1);
}

}  // namespace

Result<std::vector<Given>> read_yaml(const std::string& text, const std::string& path) {
  try {
    const YAML::Node root = YAML::Load(text);
    std::vector<Given> all;
    if (root.IsNull()) return all;
    if (!root.IsMap()) return Error{"config.invalid", path + ": expected lines of the form name: value"};
    std::set<std::string> seen;
    for (const auto& item : root) {
      const auto where = place(path, item.first.Mark());
      const auto name = item.first.as<std::string>();
      if (!seen.insert(name).second)
        return Error{"config.invalid",
                     std::string(where).append(": '").append(name).append("' stands here twice")};
      if (item.second.IsNull()) {
        all.push_back({name, "", where});
        continue;
      }
      if (!item.second.IsScalar())
        return Error{"config.invalid",
                     std::string(where).append(": '").append(name).append("' has to be one value")};
      all.push_back({name, item.second.as<std::string>(), where});
    }
    return all;
  } catch (const YAML::Exception& error) {
    return Error{"config.invalid", place(path, error.mark) + ": " + error.msg};
  }
}

Result<std::vector<Given>> read_yaml_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return Error{"config.invalid", path + " cannot be read"};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return read_yaml(text, path);
}

}  // namespace muster::config

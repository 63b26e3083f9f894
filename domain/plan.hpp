// Plans: which apps a node should run, read from YAML templates, ordered, compared and published.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace muster::plan {

constexpr size_t kMaxTemplate = 256 * 1024;  ///< Bytes of a template file.
constexpr size_t kMaxApps = 256;             ///< In one template.
constexpr int kDefaultTtlSeconds = 45;

struct Health {
  std::string http;  ///< Probed with GET; 2xx is healthy. Empty: no probe.
  int interval_sec = 0;
  int timeout_sec = 0;
  bool operator==(const Health&) const = default;
};

struct Build {
  std::string kind;  ///< none or nextjs.
  std::string strategy;
  std::vector<std::string> command;
  std::string out_dir;
  std::map<std::string, std::string> env;
  bool operator==(const Build&) const = default;
};

/// AppSpec of the supervisor contract, section 5; names in YAML, JSON and here are the same.
struct App {
  std::string name;
  std::string kind;  ///< docker, go, nextjs; others pass through.
  std::string cwd;   ///< For docker: the folder of the compose project.
  std::vector<std::string> command;
  std::map<std::string, std::string> env;
  std::vector<int> ports;
  std::vector<std::string> after;  ///< Apps that must be applied first.
  std::string restart;             ///< always, on-failure or no.
  std::optional<Health> health;
  std::optional<Build> build;
  bool operator==(const App&) const = default;
};

struct Template {
  std::vector<App> apps;
  std::string generation;  ///< Lower-hex SHA-256 of the canonical JSON of the apps.
};

/// Reads a template. Error `plan.template.invalid`, with every fault at once: a JSON pointer each, and the
/// line in the message. `file` is how messages call it.
Result<Template> parse_template(std::string_view yaml, std::string_view file);

/// Kahn's algorithm; of the apps that are ready, the one listed first is next. Error `plan.template.invalid`
/// with "dependency cycle detected" and the names on the cycle, or the unknown name in an `after`.
Result<std::vector<App>> start_order(const std::vector<App>& apps);

/// The template for a node (contract, section 5), or nothing: server.yaml, camera-proxy.yaml.
[[nodiscard]] std::optional<std::string> select_template(std::string_view role_hint, int64_t video_devices);

/// How many video devices `capabilities` report: a number, or an array of device paths that counts as its
/// length; 0 when absent. Nothing when it is something else.
[[nodiscard]] std::optional<int64_t> video_devices(const Json& capabilities);

/// Empty optional fields are left out.
[[nodiscard]] Json to_json(const App& app);
[[nodiscard]] Json to_json(const std::vector<App>& apps);

/// Reads what to_json wrote: an array of apps, checked as a template's are.
Result<std::vector<App>> apps_from_json(const Json& apps);

/// Names, in the order of the newer list (removed: of the older).
struct Diff {
  std::vector<std::string> added, removed, changed;
  [[nodiscard]] bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
  bool operator==(const Diff&) const = default;
};
[[nodiscard]] Diff diff(const std::vector<App>& before, const std::vector<App>& after);

}  // namespace muster::plan

// Ordering, selecting, comparing and printing apps.
#include "domain/plan.hpp"

#include <algorithm>
#include <map>

namespace muster::plan {
namespace {

Json to_json(const Health& health) {
  Json json = Json::object();
  if (!health.http.empty()) json["http"] = health.http;
  if (health.interval_sec > 0) json["interval_sec"] = health.interval_sec;
  if (health.timeout_sec > 0) json["timeout_sec"] = health.timeout_sec;
  return json;
}

Json to_json(const Build& build) {
  Json json = Json::object();
  if (!build.kind.empty()) json["kind"] = build.kind;
  if (!build.strategy.empty()) json["strategy"] = build.strategy;
  if (!build.command.empty()) json["command"] = build.command;
  if (!build.out_dir.empty()) json["out_dir"] = build.out_dir;
  if (!build.env.empty()) json["env"] = build.env;
  return json;
}

Error cycle(const std::vector<App>& apps, const std::vector<size_t>& waiting) {
  std::string names;
  for (size_t i = 0; i < apps.size(); i++)
    if (waiting[i] > 0) names += (names.empty() ? "" : ", ") + apps[i].name;
  return Error{"plan.template.invalid", "dependency cycle detected: " + names, {}};
}

}  // namespace

Result<std::vector<App>> start_order(const std::vector<App>& apps) {
  std::map<std::string_view, size_t> index;
  for (size_t i = 0; i < apps.size(); i++) index.emplace(apps[i].name, i);
  std::vector<size_t> waiting(apps.size());  // How many apps each still waits for.
  std::vector<std::vector<size_t>> followers(apps.size());
  for (size_t i = 0; i < apps.size(); i++) {
    for (const auto& name : apps[i].after) {
      const auto found = index.find(name);
      if (found == index.end())
        return Error{"plan.template.invalid", "app " + apps[i].name + " comes after " + name +
                                                ", which is not in the plan: dependency cycle detected"};
      waiting[i]++;
      followers[found->second].push_back(i);
    }
  }
  std::vector<App> ordered;
  std::vector<bool> taken(apps.size());
  while (ordered.size() < apps.size()) {
    size_t next = 0;
    while (next < apps.size() && (taken[next] || waiting[next] > 0)) next++;
    if (next == apps.size()) return cycle(apps, waiting);
    taken[next] = true;
    ordered.push_back(apps[next]);
    for (const size_t follower : followers[next]) waiting[follower]--;
  }
  return ordered;
}

std::optional<std::string> select_template(std::string_view role_hint, int64_t video_devices) {
  if (role_hint == "server") return "server.yaml";
  if (role_hint.empty() && video_devices >= 1) return "camera-proxy.yaml";
  return std::nullopt;
}

std::optional<int64_t> video_devices(const Json& capabilities) {
  if (!capabilities.is_object()) return 0;
  const auto found = capabilities.find("video_devices");
  if (found == capabilities.end() || found->is_null()) return 0;
  if (found->is_array()) return static_cast<int64_t>(found->size());
  if (!found->is_number_integer()) return std::nullopt;
  const auto count = found->get<int64_t>();
  if (count < 0) return std::nullopt;
  return count;
}

Json to_json(const App& app) {
  Json json{{"name", app.name}, {"kind", app.kind}};
  if (!app.cwd.empty()) json["cwd"] = app.cwd;
  if (!app.command.empty()) json["command"] = app.command;
  if (!app.env.empty()) json["env"] = app.env;
  if (!app.ports.empty()) json["ports"] = app.ports;
  if (!app.after.empty()) json["after"] = app.after;
  if (!app.restart.empty()) json["restart"] = app.restart;
  if (app.health) json["health"] = to_json(*app.health);
  if (app.build) json["build"] = to_json(*app.build);
  return json;
}

Json to_json(const std::vector<App>& apps) {
  Json json = Json::array();
  for (const auto& app : apps) json.push_back(to_json(app));
  return json;
}

Diff diff(const std::vector<App>& before, const std::vector<App>& after) {
  const auto find = [](const std::vector<App>& apps, const std::string& name) {
    return std::find_if(apps.begin(), apps.end(), [&](const App& app) { return app.name == name; });
  };
  Diff diff;
  for (const auto& app : after) {
    const auto old = find(before, app.name);
    if (old == before.end())
      diff.added.push_back(app.name);
    else if (*old != app)
      diff.changed.push_back(app.name);
  }
  for (const auto& app : before)
    if (find(after, app.name) == after.end()) diff.removed.push_back(app.name);
  return diff;
}

}  // namespace muster::plan

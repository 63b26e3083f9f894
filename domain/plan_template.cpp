// Reading templates: every fault of a file at once, each with its place.
#include <algorithm>
#include <map>
#include <set>

#include "base/hash.hpp"
#include "domain/object_reader.hpp"
#include "domain/plan.hpp"
#include "domain/yaml.hpp"

namespace muster::plan {
namespace {

using names::pointer_to;

constexpr int64_t kMaxSeconds = 86'400;
constexpr size_t kMaxPorts = 64;

Health read_health(ObjectReader reader) {
  Health health;
  health.http = reader.text("http").value_or("");
  if (!health.http.empty())
    if (auto fault = names::url_fault(health.http); !fault.empty()) reader.complain("http", fault);
  health.interval_sec = static_cast<int>(reader.integer("interval_sec", 0, kMaxSeconds).value_or(0));
  health.timeout_sec = static_cast<int>(reader.integer("timeout_sec", 0, kMaxSeconds).value_or(0));
  reader.refuse_unknown();
  return health;
}

Build read_build(ObjectReader reader) {
  Build build;
  build.kind = reader.text("kind").value_or("");
  if (!build.kind.empty() && build.kind != "none" && build.kind != "nextjs")
    reader.complain("kind", "must be none or nextjs");
  build.strategy = reader.text("strategy").value_or("");
  build.command = reader.texts("command");
  build.out_dir = reader.text("out_dir").value_or("");
  build.env = reader.text_map("env");
  reader.refuse_unknown();
  return build;
}

std::vector<int> read_ports(ObjectReader& reader, names::Check& check) {
  std::vector<int> ports;
  const auto at = pointer_to(reader.pointer(), "ports");
  const Json& given = reader.array("ports", kMaxPorts);
  for (size_t i = 0; i < given.size(); i++) {
    const auto port = given[i].is_number_integer() ? given[i].get<int64_t>() : 0;
    if (port < 1 || port > 65535)
      check.fault(pointer_to(at, i), "must be a port from 1 to 65535");
    else
      ports.push_back(static_cast<int>(port));
  }
  return ports;
}

App read_app(const Json& value, const std::string& pointer, names::Check& check) {
  ObjectReader reader(value, pointer, check, TextFrom::scalars);
  App app;
  app.name = reader.text("name", Need::required).value_or("");
  if (!app.name.empty())
    if (auto fault = names::id_fault(app.name); !fault.empty()) reader.complain("name", fault);
  app.kind = reader.text("kind", Need::required).value_or("");
  app.cwd = reader.text("cwd").value_or("");
  app.command = reader.texts("command");
  app.env = reader.text_map("env");
  app.ports = read_ports(reader, check);
  app.after = reader.texts("after");
  app.restart = reader.text("restart").value_or("");
  if (!app.restart.empty() && app.restart != "always" && app.restart != "on-failure" && app.restart != "no")
    reader.complain("restart", "must be always, on-failure or no");
  if (const Json* health = reader.object("health"))
    app.health = read_health({*health, pointer_to(pointer, "health"), check, TextFrom::scalars});
  if (const Json* build = reader.object("build"))
    app.build = read_build({*build, pointer_to(pointer, "build"), check, TextFrom::scalars});
  reader.refuse_unknown();
  return app;
}

/// Follows `after` from an app on a cycle until a name comes again: "a, b, a".
std::string cycle_through(const std::vector<App>& apps, const std::set<std::string>& stuck) {
  std::map<std::string, const App*> by_name;
  for (const auto& app : apps) by_name.emplace(app.name, &app);
  std::vector<std::string> path{*stuck.begin()};
  for (;;) {
    const auto& after = by_name.at(path.back())->after;
    const auto next = std::find_if(after.begin(), after.end(), [&](const auto& n) { return stuck.count(n); });
    const auto seen = std::find(path.begin(), path.end(), *next);
    if (seen == path.end()) {
      path.push_back(*next);
      continue;
    }
    std::string text;
    for (auto it = seen; it != path.end(); ++it) text += *it + " after ";
    return text + *next;
  }
}

void check_order(const std::vector<App>& apps, const std::string& pointer, names::Check& check) {
  std::map<std::string, size_t> first;
  for (size_t i = 0; i < apps.size(); i++) {
    if (apps[i].name.empty()) continue;
    const auto [known, fresh] = first.emplace(apps[i].name, i);
    if (!fresh)
      check.fault(pointer_to(pointer_to(pointer, i), "name"),
                  "\"" + apps[i].name + "\" is also the name of " + pointer_to(pointer, known->second));
  }
  std::set<std::string> stuck;
  for (size_t i = 0; i < apps.size(); i++) {
    for (size_t k = 0; k < apps[i].after.size(); k++) {
      if (first.count(apps[i].after[k])) continue;
      check.fault(pointer_to(pointer_to(pointer_to(pointer, i), "after"), k),
                  "no app is named \"" + apps[i].after[k] + "\"");
    }
    if (!apps[i].name.empty()) stuck.insert(apps[i].name);
  }
  for (bool moved = true; moved;) {  // Takes away what can start, until only cycles and their followers stay.
    moved = false;
    for (const auto& app : apps) {
      const bool waits =
        std::any_of(app.after.begin(), app.after.end(), [&](const auto& n) { return stuck.count(n) > 0; });
      if (!waits) moved |= stuck.erase(app.name) > 0;
    }
  }
  if (stuck.empty() || first.size() != apps.size()) return;
  const size_t at = first.at(*stuck.begin());
  check.fault(pointer_to(pointer_to(pointer, at), "after"),
              "dependency cycle detected: " + cycle_through(apps, stuck));
}

std::vector<App> read_apps(const Json& value, const std::string& pointer, names::Check& check) {
  std::vector<App> apps;
  apps.reserve(value.size());
  for (size_t i = 0; i < value.size(); i++) apps.push_back(read_app(value[i], pointer_to(pointer, i), check));
  check_order(apps, pointer, check);
  return apps;
}

}  // namespace

Result<Template> parse_template(std::string_view yaml, std::string_view file) {
  yaml::Limits limits;
  limits.bytes = kMaxTemplate;
  auto document = yaml::parse(yaml, limits);
  if (!document) {
    const auto& error = document.error();
    return Error{"plan.template.invalid", std::string(file) + ": " + error.detail, error.fields};
  }
  names::Check check;
  ObjectReader root(document->value, "", check, TextFrom::scalars);
  root.any("apps", Need::required);
  const Json& listed = root.array("apps", kMaxApps);
  root.refuse_unknown();
  Template made;
  made.apps = read_apps(listed, "/apps", check);
  if (!check.faults().empty()) return yaml::refusal("plan.template.invalid", file, check.faults(), *document);
  made.generation = sha256_hex(canonical_json(to_json(made.apps)));
  return made;
}

Result<std::vector<App>> apps_from_json(const Json& apps) {
  names::Check check;
  if (!apps.is_array()) check.fault("", "must be an array");
  if (apps.size() > kMaxApps) check.fault("", "has more than " + std::to_string(kMaxApps) + " entries");
  if (!check.faults().empty()) return yaml::refusal("plan.template.invalid", "apps", check.faults(), {});
  auto read = read_apps(apps, "", check);
  if (!check.faults().empty()) return yaml::refusal("plan.template.invalid", "apps", check.faults(), {});
  return read;
}

}  // namespace muster::plan

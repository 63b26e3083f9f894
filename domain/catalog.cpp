// The catalog's entries.
#include "domain/catalog.hpp"

#include <algorithm>

namespace muster::catalog {

Index build_index() {
  return Index({
    {"storage", "reconciler", {"bucket", "versioning", "lifecycle", "tags"}, ""},
    {"broker", "reconciler", {"exchange", "queue", "binding", "confirms"}, ""},
    {"index", "reconciler", {"class", "properties"}, ""},
    {"server.yaml", "template", {}, "role_hint is server"},
    {"camera-proxy.yaml", "template", {}, "role_hint is empty and video_devices is at least 1"},
  });
}

const Entry* Index::find(std::string_view name) const {
  const auto found =
    std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Json to_json(const Index& index) {
  Json json{{"reconcilers", Json::array()}, {"templates", Json::array()}};
  for (const auto& entry : index.catalog()) {
    Json item{{"name", entry.name}, {"kind", entry.kind}};
    if (entry.kind == "template") {
      item["when"] = entry.when;
      json["templates"].push_back(std::move(item));
    } else {
      item["operations"] = entry.operations;
      json["reconcilers"].push_back(std::move(item));
    }
  }
  return json;
}

}  // namespace muster::catalog

// Keys in the `local` column: vectors/class/<folded name> and vectors/object/<folded name>/<uuid>; values are
// CBOR, which keeps a number of a vector in five bytes.
#include "adapters/memory_index.hpp"

#include <cstdint>
#include <map>

#include <spdlog/spdlog.h>

#include "adapters/index_store.hpp"
#include "domain/index_rules.hpp"

namespace muster {
namespace {

using index_rules::folded;
using log::Column;
using profile::IndexClass;
using profile::Property;

constexpr std::string_view kClasses = "vectors/class/", kBehindClasses = "vectors/class0";
constexpr std::string_view kObjects = "vectors/object/", kBehindObjects = "vectors/object0";

std::string class_key(const std::string& name) {
  return std::string(kClasses) + folded(name);
}

std::string object_key(const std::string& class_name, const std::string& uuid) {
  return std::string(kObjects) + folded(class_name) + '/' + uuid;
}

std::string to_bytes(const Json& json) {
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

/// Throws Json::exception, as reading its members does, when nobody here wrote these bytes.
Json from_bytes(std::string_view bytes) {
  return Json::from_cbor(bytes.begin(), bytes.end());
}

IndexClass class_from(std::string_view bytes) {
  const Json json = from_bytes(bytes);
  IndexClass spec{json.at("name").get<std::string>(), {}};
  for (const auto& property : json.at("properties"))
    spec.properties.push_back(
      {property.at("name").get<std::string>(), property.at("type").get<std::string>()});
  return spec;
}

VectorObject object_from(const std::string& uuid, std::string_view bytes) {
  Json json = from_bytes(bytes);
  return {uuid, json.at("vector").get<std::vector<float>>(), std::move(json.at("meta"))};
}

/// What cannot be read is left where it is: nothing here deletes. Throws log::Unreadable.
template <class Take>
void each(const log::Disk& disk, std::string_view from, std::string_view to, const Take& take) {
  disk.scan(Column::local, from, to, [&](std::string_view key, std::string_view bytes) {
    try {
      take(key, bytes);
    } catch (const Json::exception& why) {
      spdlog::warn("vectors key={} error={}", key, why.what());
    }
    return true;
  });
}

Error full(const std::string& what) {
  return {"backend.limit", "the embedded index has " + what + " already"};
}

class MemoryStore : public IndexStore {
public:
  MemoryStore(log::Disk& disk, MemoryIndexLimits limits) : disk_(disk), limits_(limits) {}

  /// Throws log::Unreadable.
  void load() {
    each(disk_, kClasses, kBehindClasses, [&](std::string_view, std::string_view bytes) {
      auto spec = class_from(bytes);
      classes_[folded(spec.name)].spec = std::move(spec);
    });
    each(disk_, kObjects, kBehindObjects, [&](std::string_view key, std::string_view bytes) {
      const auto slash = key.find('/', kObjects.size());
      const auto found = classes_.find(std::string(key.substr(kObjects.size(), slash - kObjects.size())));
      if (slash == std::string_view::npos || found == classes_.end()) return;
      auto object = object_from(std::string(key.substr(slash + 1)), bytes);
      keep(found->second, std::move(object), bytes.size());
    });
  }

  Result<std::optional<ActualClass>> find_class(const std::string& name) override {
    const auto found = classes_.find(folded(name));
    if (found == classes_.end()) return std::optional<ActualClass>{};
    return std::optional<ActualClass>{{found->second.spec}};
  }

  Result<Objection> add_class(const IndexClass& spec, const std::string&) override {
    if (classes_.size() >= limits_.classes) return full(std::to_string(limits_.classes) + " classes");
    if (auto status = write(spec); !status) return status.error();
    classes_[folded(spec.name)].spec = spec;
    return Objection{};
  }

  Result<Objection> add_property(const std::string& class_name, const Property& property,
                                 const std::string&) override {
    auto& held = classes_.at(folded(class_name));
    auto spec = held.spec;
    if (spec.properties.size() >= index_rules::kMaxProperties)
      return full(std::to_string(spec.properties.size()) + " properties in class " + spec.name);
    spec.properties.push_back(property);
    if (auto status = write(spec); !status) return status.error();
    held.spec = std::move(spec);
    return Objection{};
  }

  Result<size_t> vector_length(const std::string& class_name) override {
    const auto& objects = classes_.at(folded(class_name)).objects;
    return objects.empty() ? size_t{0} : objects.begin()->second.object.vector.size();
  }

  Status put_object(const std::string& class_name, const VectorObject& object) override {
    auto& held = classes_.at(folded(class_name));
    const auto bytes = to_bytes({{"vector", object.vector}, {"meta", object.meta}});
    const auto old = held.objects.find(object.id);
    const bool fresh = old == held.objects.end();
    if (fresh && objects_ >= limits_.objects) return full(std::to_string(limits_.objects) + " objects");
    if (bytes_ + bytes.size() > limits_.bytes + (fresh ? 0 : old->second.bytes))
      return full(std::to_string(limits_.bytes) + " bytes of objects, or nearly so,");
    log::Batch batch;
    batch.put(Column::local, object_key(class_name, object.id), bytes);
    if (auto status = disk_.write(batch, true); !status) return status;
    keep(held, object, bytes.size());
    return Done{};
  }

  Result<std::optional<VectorObject>> find_object(const std::string& class_name,
                                                  const std::string& uuid) override {
    const auto& objects = classes_.at(folded(class_name)).objects;
    const auto found = objects.find(uuid);
    if (found == objects.end()) return std::optional<VectorObject>{};
    return std::optional{found->second.object};
  }

  Result<std::vector<std::string>> class_names() override {
    std::vector<std::string> names;
    for (const auto& [key, held] : classes_) names.push_back(held.spec.name);
    return names;
  }

private:
  struct HeldObject {
    VectorObject object;
    size_t bytes = 0;
  };
  struct Held {
    IndexClass spec;
    std::map<std::string, HeldObject> objects;  // By UUID.
  };

  Status write(const IndexClass& spec) {
    log::Batch batch;
    batch.put(Column::local, class_key(spec.name), to_bytes(profile::to_json(spec)));
    return disk_.write(batch, false);  // Batches become durable in order: no object without its class.
  }

  void keep(Held& held, VectorObject object, size_t bytes) {
    auto& place = held.objects[object.id];
    if (place.bytes == 0) objects_++;
    bytes_ += bytes - place.bytes;
    place = {std::move(object), bytes};
  }

  log::Disk& disk_;
  const MemoryIndexLimits limits_;
  std::map<std::string, Held> classes_;  // By folded name.
  size_t objects_ = 0, bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<VectorIndex>> make_memory_index(log::Disk& disk, MemoryIndexLimits limits) {
  auto store = std::make_unique<MemoryStore>(disk, limits);
  try {
    store->load();
  } catch (const log::Unreadable& why) {
    return why.error();
  }
  return make_vector_index(std::move(store));
}

Result<std::vector<std::string>> kept_classes(const log::Disk& disk) {
  std::vector<std::string> names;
  try {
    each(disk, kClasses, kBehindClasses,
         [&](std::string_view, std::string_view bytes) { names.push_back(class_from(bytes).name); });
  } catch (const log::Unreadable& why) {
    return why.error();
  }
  return names;
}

}  // namespace muster

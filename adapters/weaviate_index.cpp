// Classes and objects as Weaviate's REST interface has them (backends contract, section 5).
#include "adapters/weaviate_index.hpp"

#include <algorithm>

#include "adapters/index_store.hpp"
#include "base/uuid.hpp"
#include "domain/index_rules.hpp"
#include "domain/names.hpp"

namespace muster {
namespace {

using index_rules::folded;
using profile::IndexClass;
using profile::Property;

constexpr size_t kMaxName = 300;  // Bytes of a name, type or module: no Weaviate has longer ones.

Error nonsense(const std::string& what) {
  return {"backend.reply", "the server's " + what + " cannot be right"};
}

/// The member, or null when there is none.
const Json& member(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

bool is_name(const Json& json) {
  return json.is_string() && names::line_fault(json.get_ref<const std::string&>(), kMaxName).empty();
}

/// Several types are one text that no desired type equals.
std::optional<Property> read_property(const Json& json, const WeaviateHttp& http) {
  const Json &name = member(json, "name"), &types = member(json, "dataType");
  if (!is_name(name) || !types.is_array() || !std::all_of(types.begin(), types.end(), is_name))
    return std::nullopt;
  std::vector<std::string> read;
  for (const auto& type : types) {
    const auto known = index_rules::property_type(type.get_ref<const std::string&>());
    read.push_back(known.empty() ? type.get<std::string>() : known);
  }
  std::sort(read.begin(), read.end());
  Property property{name.get<std::string>(), {}};
  for (const auto& type : read) property.type += (property.type.empty() ? "" : ",") + type;
  property.type = http.clean(property.type);
  return property;
}

/// Named vectors are no vectors of the class: muster puts none there. Nothing: no server has such a name.
std::optional<std::string> vectorizer_of(const Json& json, const WeaviateHttp& http) {
  const Json& named = member(json, "vectorConfig");
  if (named.is_object() && !named.empty()) {
    if (!is_name(named.begin().key())) return std::nullopt;
    return "named vectors, " + http.clean(named.begin().key()) + " first";
  }
  const Json& vectorizer = member(json, "vectorizer");
  if (!vectorizer.is_string() || vectorizer == "") return "none";
  if (!is_name(vectorizer)) return std::nullopt;
  return http.clean(vectorizer.get_ref<const std::string&>());
}

Result<ActualClass> read_class(const Json& json, const WeaviateHttp& http) {
  const Json &name = member(json, "class"), &properties = member(json, "properties");
  const auto vectorizer = vectorizer_of(json, http);
  if (!is_name(name) || !vectorizer || !(properties.is_array() || properties.is_null()))
    return nonsense("class");
  ActualClass actual{{name.get<std::string>(), {}},
                     *vectorizer,
                     member(member(json, "multiTenancyConfig"), "enabled") == Json(true)};
  for (const auto& each : properties) {
    auto property = read_property(each, http);
    if (!property) return nonsense("class " + http.clean(actual.spec.name));
    actual.spec.properties.push_back(std::move(*property));
  }
  return actual;
}

Json to_json(const Property& property) {
  return {{"name", property.name}, {"dataType", Json::array({property.type})}};
}

/// Nothing when it is no list of numbers; empty when there is none.
std::optional<std::vector<float>> read_vector(const Json& object) {
  const Json& json = member(object, "vector");
  std::vector<float> vector;
  if (json.is_null()) return vector;
  if (!json.is_array() || json.size() > index_rules::kMaxDimensions) return std::nullopt;
  for (const auto& number : json) {
    if (!number.is_number()) return std::nullopt;
    vector.push_back(number.get<float>());
  }
  return vector;
}

bool has_id(const Json& object, const std::string& uuid) {
  const Json& id = member(object, "id");
  return id.is_string() && read_uuid(id.get_ref<const std::string&>()) == uuid;
}

class WeaviateStore : public IndexStore {
public:
  explicit WeaviateStore(WeaviateSettings settings) : http_(std::move(settings)) {}

  void begin() override { http_.begin(); }
  [[nodiscard]] Millis retry_after() const override { return http_.retry_after(); }
  void cancel() override { http_.cancel(); }

  Result<std::optional<ActualClass>> find_class(const std::string& name) override {
    const auto answer = http_.ask({.path = "/schema/" + name}, {404, 422});
    if (!answer) return answer.error();
    if (answer->status != 200) return search_class(name);
    auto actual = read_class(answer->body, http_);
    if (!actual) return actual.error();
    if (folded(actual->spec.name) != folded(name))
      return Error{"backend.conflict", name + " is another name of class " + http_.clean(actual->spec.name)};
    return std::optional{std::move(*actual)};
  }

  Result<Objection> add_class(const IndexClass& spec, const std::string& key) override {
    Json properties = Json::array();
    for (const auto& property : spec.properties) properties.push_back(to_json(property));
    return add({"POST",
                "/schema",
                {{"class", spec.name}, {"vectorizer", "none"}, {"properties", std::move(properties)}},
                key});
  }

  Result<Objection> add_property(const std::string& class_name, const Property& property,
                                 const std::string& key) override {
    return add({"POST", "/schema/" + class_name + "/properties", to_json(property), key});
  }

  /// The first object's, as it is what made the length of all.
  Result<size_t> vector_length(const std::string& class_name) override {
    const auto answer =
      http_.ask({.path = "/objects?class=" + class_name + "&limit=1&include=vector"}, {404});
    if (!answer) return answer.error();
    const Json& objects = member(answer->body, "objects");
    if (answer->status == 404 || objects.is_null()) return size_t{0};
    if (!objects.is_array()) return nonsense("list of objects");
    if (objects.empty()) return size_t{0};
    const auto vector = read_vector(objects[0]);
    if (!vector) return nonsense("vector");
    return vector->size();
  }

  /// PUT replaces and never creates, POST creates and never replaces; somebody else may be in between.
  Status put_object(const std::string& class_name, const VectorObject& object) override {
    const Json body = {
      {"class", class_name}, {"id", object.id}, {"vector", object.vector}, {"properties", object.meta}};
    const WeaviateHttp::Request put{"PUT", "/objects/" + class_name + '/' + object.id, body};
    auto answer = http_.ask(put, {404, 422});
    if (answer && answer->status == 404) answer = http_.ask({"POST", "/objects", body}, {422});
    if (answer && answer->status == 422) {
      const auto words = answer->words;
      answer = http_.ask(put, {404, 422});
      if (answer && answer->status != 200)
        return Error{"backend.refused", "the object was not taken: " + words};
    }
    if (!answer) return explain(answer.error(), class_name, object);
    if (!has_id(answer->body, object.id)) return nonsense("object");
    return Done{};
  }

  Result<std::optional<VectorObject>> find_object(const std::string& class_name,
                                                  const std::string& uuid) override {
    const auto answer = http_.ask({.path = "/objects/" + class_name + '/' + uuid + "?include=vector"}, {404});
    if (!answer) return answer.error();
    if (answer->status == 404) return std::optional<VectorObject>{};
    auto vector = read_vector(answer->body);
    const Json& meta = member(answer->body, "properties");
    if (!vector || !has_id(answer->body, uuid) || !(meta.is_object() || meta.is_null()))
      return nonsense("object");
    return std::optional{VectorObject{uuid, std::move(*vector), meta.is_null() ? Json::object() : meta}};
  }

  Result<std::vector<std::string>> class_names() override {
    const auto all = schema();
    if (!all) return all.error();
    std::vector<std::string> names;
    for (const auto& actual : *all) names.push_back(actual.spec.name);
    return names;
  }

private:
  Result<std::vector<ActualClass>> schema() {
    const auto answer = http_.ask({.path = "/schema"}, {});
    if (!answer) return answer.error();
    const Json& classes = member(answer->body, "classes");
    if (!answer->body.is_object() || !(classes.is_array() || classes.is_null())) return nonsense("schema");
    std::vector<ActualClass> all;
    for (const auto& each : classes) {
      auto actual = read_class(each, http_);
      if (!actual) return actual.error();
      all.push_back(std::move(*actual));
    }
    return all;
  }

  /// A name is looked up as it is written, but may not be taken again in another case.
  Result<std::optional<ActualClass>> search_class(const std::string& name) {
    auto all = schema();
    if (!all) return all.error();
    for (auto& actual : *all)
      if (folded(actual.spec.name) == folded(name)) return std::optional{std::move(actual)};
    return std::optional<ActualClass>{};
  }

  /// A server that is not ready, as one without a leader, refuses what is right.
  Result<Objection> add(const WeaviateHttp::Request& request) {
    auto answer = http_.ask(request, {422});
    if (!answer) return answer.error();
    if (answer->status == 200) return Objection{};
    if (auto status = http_.ready(); !status) return status.error();
    return answer->words.empty() ? Objection{"422"} : std::move(answer->words);
  }

  /// A vector of another length is answered with 500: when another node put the first object meanwhile.
  Error explain(const Error& error, const std::string& class_name, const VectorObject& object) {
    if (error.code != "backend.failed") return error;
    const auto length = vector_length(class_name);
    if (!length || *length == 0 || *length == object.vector.size()) return error;
    return {"field.invalid", "vectors of class " + class_name + " have " + std::to_string(*length) +
                               " numbers, not " + std::to_string(object.vector.size())};
  }

  WeaviateHttp http_;
};

}  // namespace

Result<std::unique_ptr<VectorIndex>> make_weaviate_index(WeaviateSettings settings) {
  if (auto status = check(settings); !status) return status.error();
  return make_vector_index(std::make_unique<WeaviateStore>(std::move(settings)));
}

}  // namespace muster

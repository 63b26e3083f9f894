// What a property of each type may be.
#include <cmath>
#include <map>

#include "base/time.hpp"
#include "base/uuid.hpp"
#include "domain/index_rules.hpp"
#include "domain/names.hpp"

namespace muster::index_rules {
namespace {

bool is_number(const Json& value) {
  return value.is_number() && std::isfinite(value.get<double>());
}

bool has_number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && is_number(*found);
}

/// What a value of this type is, for people; nothing when `value` is one.
const char* value_fault(std::string_view type, const Json& value) {
  if (type == "text") return value.is_string() ? nullptr : "text";
  if (type == "int") return value.is_number_integer() ? nullptr : "a whole number";
  if (type == "number") return is_number(value) ? nullptr : "a number";
  if (type == "boolean") return value.is_boolean() ? nullptr : "true or false";
  if (type == "date")
    return value.is_string() && parse_rfc3339(value.get_ref<const std::string&>())
             ? nullptr
             : "a time with its zone, as in RFC 3339";
  if (type == "uuid")
    return value.is_string() && read_uuid(value.get_ref<const std::string&>()) ? nullptr : "a UUID";
  if (type == "blob" || type == "blobHash") return value.is_string() ? nullptr : "text in base64";
  if (type == "geoCoordinates")
    return value.is_object() && has_number(value, "latitude") && has_number(value, "longitude")
             ? nullptr
             : "an object with latitude and longitude";
  if (type == "phoneNumber")
    return value.is_object() && value.contains("input") ? nullptr : "an object with input";
  if (type == "object") return value.is_object() ? nullptr : "an object";
  return value.is_array() ? nullptr : "a list of references";
}

std::string value_fault(const profile::Property& property, const Json& value) {
  std::string_view type = property.type;
  const char* fault = nullptr;
  if (type.ends_with("[]")) {
    type.remove_suffix(2);
    if (!value.is_array()) return "must be a list, as \"" + property.name + "\" is " + property.type;
    for (const auto& entry : value)
      if (fault == nullptr) fault = value_fault(type, entry);
  } else {
    fault = value_fault(type, value);
  }
  if (fault == nullptr) return {};
  return "must be " + std::string(fault) + ", as \"" + property.name + "\" is " + property.type;
}

/// Texts that came from a caller's program need not be UTF-8, and are no JSON then.
bool too_large(const Json& meta) {
  try {
    return meta.dump().size() > kMaxMeta;
  } catch (const Json::exception&) {
    return true;
  }
}

}  // namespace

Result<Json> canonical_meta(const profile::IndexClass& actual, const Json& meta) {
  Json made = Json::object();
  if (meta.is_null()) return made;
  if (!meta.is_object()) return Error{"field.invalid", "meta is an object"};
  if (too_large(meta))
    return Error{"field.invalid",
                 "meta has at most " + std::to_string(kMaxMeta) + " bytes, all of them UTF-8"};
  std::map<std::string, const profile::Property*> declared;
  for (const auto& property : actual.properties) declared.emplace(folded(property.name), &property);
  names::Check check;
  for (const auto& [key, value] : meta.items()) {
    const auto at = names::pointer_to("/meta", key);
    const auto found = declared.find(folded(key));
    if (found == declared.end()) {
      check.fault(at, "class " + actual.name + " declares no such property");
      continue;
    }
    const auto& property = *found->second;
    if (made.contains(property.name)) check.fault(at, "\"" + property.name + "\" is there twice");
    if (value.is_null()) continue;
    if (auto fault = value_fault(property, value); !fault.empty()) check.fault(at, std::move(fault));
    made[property.name] = value;
  }
  if (auto status = check.done(); !status) return status.error();
  return made;
}

}  // namespace muster::index_rules

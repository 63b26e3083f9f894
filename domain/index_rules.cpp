// Names, types and comparison of the vector index; index_values.cpp has the values.
#include "domain/index_rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>

#include "base/nearest.hpp"
#include "base/uuid.hpp"
#include "domain/names.hpp"

namespace muster::index_rules {
namespace {

constexpr size_t kMaxClassName = 255, kMaxPropertyName = 231;

/// Under which ids that are none become UUIDs; never to be changed, or objects would be there twice.
constexpr std::string_view kSpace = "5178c309-8346-572d-b13d-c8b68cff10be";

constexpr size_t kListable = 6;  // The first ones may be lists.
constexpr std::array<std::string_view, 12> kTypes{"text", "int",      "number",         "boolean",
                                                  "date", "uuid",     "geoCoordinates", "phoneNumber",
                                                  "blob", "blobHash", "object",         "object[]"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSynonyms{
  {{"string", "text"}, {"bool", "boolean"}, {"float", "number"}}};

constexpr std::array<std::string_view, 3> kReserved{"id", "_id", "_additional"};
constexpr std::array<std::string_view, 6> kReservedEnds{"_searchable",  "_rangeable",      "_temp",
                                                        "__meta_count", "_propertyLength", "_nullState"};

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

bool is_letter(char c) {
  return is_capital(c) || (c >= 'a' && c <= 'z');
}

char small(char c) {
  return is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || c == '_' || (c >= '0' && c <= '9'); });
}

template <class List>
bool has(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// The reason `name`, as the index would write it, is no name of a class; or nothing.
std::string class_fault(std::string_view name) {
  if (name.empty() || name.size() > kMaxClassName || !is_capital(name[0]) || !is_word(name))
    return "a class's name begins with a letter and has at most " + std::to_string(kMaxClassName) +
           " letters, digits and underscores";
  return {};
}

std::string property_fault(std::string_view name) {
  if (name.empty() || name.size() > kMaxPropertyName || !(is_letter(name[0]) || name[0] == '_') ||
      !is_word(name))
    return "a property's name begins with a letter or underscore and has at most " +
           std::to_string(kMaxPropertyName) + " letters, digits and underscores";
  if (has(kReserved, name)) return "\"" + std::string(name) + "\" is a name of the index's own";
  for (const auto end : kReservedEnds)
    if (name.ends_with(end)) return "the index has names that end in \"" + std::string(end) + "\" for itself";
  return {};
}

/// By folded name.
std::map<std::string, const profile::Property*> by_name(const profile::IndexClass& spec) {
  std::map<std::string, const profile::Property*> found;
  for (const auto& property : spec.properties) found.emplace(folded(property.name), &property);
  return found;
}

}  // namespace

std::string class_name(std::string_view name) {
  std::string written(name);
  if (!written.empty() && is_letter(written[0]) && !is_capital(written[0]))
    written[0] = static_cast<char>(written[0] - 'a' + 'A');
  return written;
}

std::string property_name(std::string_view name) {
  std::string written(name);
  if (!written.empty()) written[0] = small(written[0]);
  return written;
}

std::string folded(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), small);
  return lower;
}

std::string property_type(std::string_view type) {
  if (has(kTypes, type) || (!type.empty() && is_capital(type[0]) && class_fault(type).empty()))
    return std::string(type);
  const bool list = type.ends_with("[]");
  if (list) type.remove_suffix(2);
  for (const auto& [word, meant] : kSynonyms)
    if (type == word) type = meant;
  if (!has(std::span(kTypes).first(kListable), type)) return {};
  return std::string(type) + (list ? "[]" : "");
}

std::string type_fault(std::string_view type) {
  if (!property_type(type).empty()) return {};
  return "unknown property type \"" + std::string(type) + '"' + did_you_mean(type, kTypes);
}

Result<profile::IndexClass> canonical(const profile::IndexClass& spec) {
  names::Check check;
  profile::IndexClass made{class_name(spec.name), {}};
  if (const auto fault = class_fault(made.name); !fault.empty()) check.fault("/name", fault);
  if (spec.properties.size() > kMaxProperties)
    check.fault("/properties", "a class has at most " + std::to_string(kMaxProperties) + " properties");
  std::map<std::string, std::string> types;  // By folded name.
  for (size_t i = 0; i < spec.properties.size(); i++) {
    const auto& given = spec.properties[i];
    const auto at = names::pointer_to("/properties", i);
    profile::Property property{property_name(given.name), property_type(given.type)};
    if (const auto fault = property_fault(property.name); !fault.empty()) check.fault(at + "/name", fault);
    if (const auto fault = type_fault(given.type); !fault.empty()) check.fault(at + "/type", fault);
    const auto [known, fresh] = types.emplace(folded(property.name), property.type);
    if (fresh)
      made.properties.push_back(std::move(property));
    else if (known->second != property.type)
      check.fault(at, "\"" + given.name + "\" is there twice, in two types");
  }
  if (auto status = check.done(); !status) return status.error();
  return made;
}

Difference compare(const profile::IndexClass& desired, const profile::IndexClass& actual) {
  Difference difference;
  const auto there = by_name(actual);
  for (const auto& property : desired.properties) {
    const auto found = there.find(folded(property.name));
    if (found == there.end())
      difference.missing.push_back(property);
    else if (found->second->type != property.type)
      difference.conflicting.emplace_back(property, *found->second);
  }
  return difference;
}

Result<ObjectId> object_id(std::string_view class_name, std::string_view id) {
  if (id.empty() || id.size() > kMaxId || !is_utf8(id))
    return Error{"field.invalid", "an object's id has 1 to " + std::to_string(kMaxId) + " bytes of UTF-8"};
  if (auto uuid = read_uuid(id)) return ObjectId{std::move(*uuid), false};
  return ObjectId{uuid_v5(kSpace, std::string(class_name) + ":" + std::string(id)), true};
}

Status check_vector(const std::vector<float>& vector) {
  if (vector.empty() || vector.size() > kMaxDimensions)
    return Error{"field.invalid", "a vector has 1 to " + std::to_string(kMaxDimensions) + " numbers"};
  if (!std::all_of(vector.begin(), vector.end(), [](float number) { return std::isfinite(number); }))
    return Error{"field.invalid", "a vector has finite numbers only"};
  return Done{};
}

}  // namespace muster::index_rules

// What a vector index takes: names, property types, ids and values, and how a class differs from the desired
// one. The same rules whatever keeps the index (backends contract, section 5).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/profile.hpp"

namespace muster::index_rules {

constexpr size_t kMaxProperties = 1'000;   ///< Of a class.
constexpr size_t kMaxDimensions = 65'535;  ///< Numbers of a vector.
constexpr size_t kMaxId = 1'024;           ///< Bytes of an object's id.
constexpr size_t kMaxMeta = 1024 * 1024;   ///< Bytes of an object's meta as JSON.
constexpr const char* kTextType = "text";
/// Where an id that is no UUID is kept.
constexpr const char* kExternalId = "externalId";

/// The name as the index writes it: a class begins with a capital letter, a property with a small one.
[[nodiscard]] std::string class_name(std::string_view name);
[[nodiscard]] std::string property_name(std::string_view name);
/// Two names are one when they differ in case only.
[[nodiscard]] std::string folded(std::string_view name);

/// The type as the index writes it; "" when there is no such type. `string`, `bool` and `float` are other
/// words for text, boolean and number; a capitalised one refers to a class.
[[nodiscard]] std::string property_type(std::string_view type);
/// The reason `type` is none, or nothing.
[[nodiscard]] std::string type_fault(std::string_view type);

/// The class as the index writes it; a property that is there twice in one type is there once. Error:
/// `field.invalid` with every fault.
Result<profile::IndexClass> canonical(const profile::IndexClass& spec);

/// What of the desired properties is not there, and what is there in another type: (desired, actual).
struct Difference {
  std::vector<profile::Property> missing;
  std::vector<std::pair<profile::Property, profile::Property>> conflicting;
};
[[nodiscard]] Difference compare(const profile::IndexClass& desired, const profile::IndexClass& actual);

/// An object's UUID: its id when it is one, otherwise made of class and id.
struct ObjectId {
  std::string uuid;
  bool external = false;  ///< The id was none.
};
/// Error: `field.invalid`.
Result<ObjectId> object_id(std::string_view class_name, std::string_view id);

/// Error: `field.invalid` for a vector without numbers, with too many, or with one that is not finite.
Status check_vector(const std::vector<float>& vector);

/// Meta under the names that the class has its properties by; null counts as absent. Error: `field.invalid`
/// with every property that the class does not declare, and every value of another type than declared.
Result<Json> canonical_meta(const profile::IndexClass& actual, const Json& meta);

}  // namespace muster::index_rules

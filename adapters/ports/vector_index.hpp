// The vector index port: classes with their properties, and vectors. In memory and on disk by default,
// Weaviate where there is one.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster {

/// Each ensure reads what is there, adds what is missing, and says what it did; a second one changes nothing.
/// Names are compared as the server canonizes them; a property of another type is incompatible and stays.
/// Nothing is ever deleted (backends contract, section 5). Calls block; one thread at a time. Errors: as
/// ObjectStorage.
class VectorIndex {
public:
  virtual ~VectorIndex() = default;

  /// The class is there; when it is missing it is made with its properties.
  virtual Result<environment::Ensured> ensure_class(const profile::IndexClass& spec,
                                                    const environment::Ask& ask) = 0;
  /// Its properties are there; what the class has beyond them stays.
  virtual Result<environment::Ensured> ensure_properties(const profile::IndexClass& spec,
                                                         const environment::Ask& ask) = 0;
  /// Puts or replaces an object. An `id` that is no UUID becomes a UUIDv5 of class and id, and is kept as
  /// property `externalId`. Error: also `field.invalid` for a vector of another length than the class has,
  /// for meta that the class does not declare, and for a class that is not there.
  virtual Status upsert_vector(const std::string& class_name, const std::string& id,
                               const std::vector<float>& vector, const Json& meta) = 0;
  /// Names of the classes that are there.
  virtual Result<std::vector<std::string>> classes() = 0;
};

}  // namespace muster

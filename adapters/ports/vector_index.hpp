// The vector index port: classes with their properties, and vectors. In memory and on disk by default,
// Weaviate where there is one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster {

/// An object of a class as it is kept.
struct VectorObject {
  std::string id;  ///< A UUID in lower case.
  std::vector<float> vector;
  Json meta;  ///< An object; its keys are the class's properties.
};

/// Each ensure reads what is there, adds what is missing, and says what it did; a second one changes nothing.
/// Names are compared as the server canonizes them, ignoring case; a property of another type is incompatible
/// and stays. Nothing is ever deleted (backends contract, section 5). Calls block; one thread at a time.
/// Errors: as ObjectStorage, and `backend.limit` when the embedded one is full.
class VectorIndex {
public:
  virtual ~VectorIndex() = default;

  /// The class is there; when it is missing it is made with its properties. One whose vectors are made by the
  /// server, or that has tenants, has drifted.
  virtual Result<environment::Ensured> ensure_class(const profile::IndexClass& spec,
                                                    const environment::Ask& ask) = 0;
  /// Its properties are there; what the class has beyond them stays. Makes the class when it is missing.
  virtual Result<environment::Ensured> ensure_properties(const profile::IndexClass& spec,
                                                         const environment::Ask& ask) = 0;
  /// Puts or replaces an object. An `id` that is no UUID becomes a UUIDv5 of class and id, and is kept as
  /// property `externalId`, which the class is given when it has none. Error: also `field.invalid` for a
  /// vector of another length than the class has, for meta that the class does not declare or that is of
  /// another type, and for a class that is not there.
  virtual Status upsert_vector(const std::string& class_name, const std::string& id,
                               const std::vector<float>& vector, const Json& meta) = 0;
  /// The object that upsert_vector() put under this id, if there is one.
  virtual Result<std::optional<VectorObject>> find_vector(const std::string& class_name,
                                                          const std::string& id) = 0;
  /// Names of the classes that are there.
  virtual Result<std::vector<std::string>> classes() = 0;

  /// How long the server asked to be left alone when the last call failed; 0: it did not say.
  [[nodiscard]] virtual Millis retry_after() const { return Millis{0}; }
  /// Ends the running call, and every later one, at once; from any thread.
  virtual void cancel() {}
};

}  // namespace muster

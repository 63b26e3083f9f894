// What the vector indexes differ in: where classes and objects are. What is missing, what fits and what is
// told is the same for all and is decided in one place.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/vector_index.hpp"

namespace muster {

/// A class as it is there; types are canonical.
struct ActualClass {
  profile::IndexClass spec;
  std::string vectorizer = "none";  ///< Who makes its vectors; "none": those who put objects.
  bool tenants = false;             ///< Its objects belong to tenants.
};

/// Keeps what it is given, all of it checked and canonical. Errors as VectorIndex.
class IndexStore {
public:
  /// Why something was not taken, in the store's words; empty: it was. No word is trusted: what is there
  /// afterwards counts.
  using Objection = std::string;

  virtual ~IndexStore() = default;
  /// A call of the port begins: its time limit runs from here.
  virtual void begin() {}
  /// The class of that name, ignoring case.
  virtual Result<std::optional<ActualClass>> find_class(const std::string& name) = 0;
  virtual Result<Objection> add_class(const profile::IndexClass& spec, const std::string& key) = 0;
  /// `class_name` is as find_class() gave it, here and below.
  virtual Result<Objection> add_property(const std::string& class_name, const profile::Property& property,
                                         const std::string& key) = 0;
  /// Of every vector of the class; 0: it has none yet.
  virtual Result<size_t> vector_length(const std::string& class_name) = 0;
  /// Puts or replaces.
  virtual Status put_object(const std::string& class_name, const VectorObject& object) = 0;
  virtual Result<std::optional<VectorObject>> find_object(const std::string& class_name,
                                                          const std::string& uuid) = 0;
  virtual Result<std::vector<std::string>> class_names() = 0;
  [[nodiscard]] virtual Millis retry_after() const { return Millis{0}; }
  virtual void cancel() {}
};

[[nodiscard]] std::unique_ptr<VectorIndex> make_vector_index(std::unique_ptr<IndexStore> store);

}  // namespace muster

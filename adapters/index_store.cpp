// Making a class as it is desired, and putting objects, over any store.
#include "adapters/index_store.hpp"

#include "domain/index_rules.hpp"

namespace muster {
namespace {

using environment::Ask;
using environment::Ensured;
using environment::Outcome;
using profile::IndexClass;
using profile::Property;

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string list(const std::vector<Property>& properties) {
  std::string text;
  for (const auto& property : properties)
    text += (text.empty() ? "" : ", ") + property.name + " (" + property.type + ")";
  return text;
}

/// 422 may be said of what is right, and 200 of what was not done.
Error not_there(const std::string& what, const IndexStore::Objection& objection) {
  if (!objection.empty()) return {"backend.refused", what + " was not taken: " + objection};
  return {"backend.reply", what + " was said to be made, and is not there"};
}

Ensured told(Outcome outcome, std::string detail, Json desired, Json actual) {
  return {outcome, std::move(detail), std::move(desired), std::move(actual)};
}

Json how(const ActualClass& actual) {
  return {{"name", actual.spec.name}, {"vectorizer", actual.vectorizer}, {"tenants", actual.tenants}};
}

/// The class may be there in all that the profile says and still take no vectors as muster puts them.
Ensured judge_class(const ActualClass& actual) {
  ActualClass wanted;
  wanted.spec.name = actual.spec.name;
  if (how(actual) == how(wanted)) return {};
  return told(Outcome::drifted,
              "class " + actual.spec.name + " is left as it is: " +
                (actual.tenants ? "its objects belong to tenants"
                                : "its vectors are made by " + quoted(actual.vectorizer)),
              how(wanted), how(actual));
}

/// `added` is what was, or would be, added of the difference.
Ensured judge_properties(const std::string& class_name, const index_rules::Difference& before,
                         const std::vector<Property>& added, const Ask& ask) {
  if (added.empty() && before.conflicting.empty()) return {};
  IndexClass desired{class_name, added}, actual{class_name, {}};
  std::string detail;
  if (!added.empty())
    detail =
      std::string(ask.dry_run ? "would add" : "added") + " to class " + class_name + ": " + list(added);
  for (const auto& [wanted, there] : before.conflicting) {
    desired.properties.push_back(wanted);
    actual.properties.push_back(there);
    detail += (detail.empty() ? "" : "; ") + class_name + "." + there.name + " is " + there.type +
              " and stays, " + wanted.type + " is desired";
  }
  auto judged = told(before.conflicting.empty() ? Outcome::changed : Outcome::incompatible, std::move(detail),
                     profile::to_json(desired), profile::to_json(actual));
  judged.also_added = !added.empty() && judged.outcome != Outcome::changed;
  return judged;
}

Error no_class(const std::string& name) {
  return {"field.invalid", "there is no class named " + quoted(name)};
}

class StoredIndex : public VectorIndex {
public:
  explicit StoredIndex(std::unique_ptr<IndexStore> store) : store_(std::move(store)) {}

  Result<Ensured> ensure_class(const IndexClass& spec, const Ask& ask) override {
    store_->begin();
    const auto wanted = index_rules::canonical(spec);
    if (!wanted) return wanted.error();
    const auto actual = store_->find_class(wanted->name);
    if (!actual) return actual.error();
    return *actual ? judge_class(**actual) : make_class(*wanted, ask);
  }

  Result<Ensured> ensure_properties(const IndexClass& spec, const Ask& ask) override {
    store_->begin();
    const auto wanted = index_rules::canonical(spec);
    if (!wanted) return wanted.error();
    const auto actual = store_->find_class(wanted->name);
    if (!actual) return actual.error();
    return *actual ? make_properties(*wanted, **actual, ask) : make_class(*wanted, ask);
  }

  Status upsert_vector(const std::string& name, const std::string& id, const std::vector<float>& vector,
                       const Json& meta) override {
    store_->begin();
    if (auto status = index_rules::check_vector(vector); !status) return status;
    const auto actual = must_find(name);
    if (!actual) return actual.error();
    const auto& spec = actual->spec;
    auto named = index_rules::object_id(spec.name, id);
    if (!named) return named.error();
    auto kept = index_rules::canonical_meta(spec, meta);
    if (!kept) return kept.error();
    if (named->external)
      if (auto status = keep_external_id(*actual, id, *kept); !status) return status;
    const auto length = store_->vector_length(spec.name);
    if (!length) return length.error();
    if (*length > 0 && *length != vector.size())
      return Error{"field.invalid", "vectors of class " + spec.name + " have " + std::to_string(*length) +
                                      " numbers, not " + std::to_string(vector.size())};
    return store_->put_object(spec.name, {std::move(named->uuid), vector, std::move(*kept)});
  }

  Result<std::optional<VectorObject>> find_vector(const std::string& name, const std::string& id) override {
    store_->begin();
    const auto actual = must_find(name);
    if (!actual) return actual.error();
    const auto named = index_rules::object_id(actual->spec.name, id);
    if (!named) return named.error();
    return store_->find_object(actual->spec.name, named->uuid);
  }

  Result<std::vector<std::string>> classes() override {
    store_->begin();
    return store_->class_names();
  }

  [[nodiscard]] Millis retry_after() const override { return store_->retry_after(); }
  void cancel() override { store_->cancel(); }

private:
  Result<Ensured> make_class(const IndexClass& wanted, const Ask& ask) {
    const auto what = "class " + wanted.name + " with " + std::to_string(wanted.properties.size()) +
                      (wanted.properties.size() == 1 ? " property" : " properties");
    if (!ask.dry_run) {
      const auto objection = store_->add_class(wanted, ask.key);
      if (!objection) return objection.error();
      const auto made = store_->find_class(wanted.name);
      if (!made) return made.error();
      if (!*made) return not_there("class " + wanted.name, *objection);
      if (!objection->empty()) return make_properties(wanted, **made, ask);  // Somebody else made it.
    }
    return told(Outcome::changed, (ask.dry_run ? "would make " : "made ") + what, profile::to_json(wanted),
                nullptr);
  }

  /// Properties that are refused do not keep the others from being added.
  Result<Ensured> make_properties(const IndexClass& wanted, const ActualClass& actual, const Ask& ask) {
    const auto before = index_rules::compare(wanted, actual.spec);
    if (ask.dry_run || before.missing.empty())
      return judge_properties(actual.spec.name, before, before.missing, ask);
    IndexStore::Objection objections;
    std::vector<Property> added;
    for (const auto& property : before.missing) {
      const auto objection = store_->add_property(actual.spec.name, property, ask.key);
      if (!objection) return objection.error();
      if (objection->empty())
        added.push_back(property);
      else
        objections += (objections.empty() ? "" : "; ") + *objection;
    }
    const auto made = store_->find_class(actual.spec.name);
    if (!made) return made.error();
    if (!*made) return not_there("class " + actual.spec.name, objections);
    const auto after = index_rules::compare(wanted, (*made)->spec);
    if (!after.missing.empty())
      return not_there("of class " + actual.spec.name + " " + list(after.missing), objections);
    return judge_properties(actual.spec.name, after, added, ask);
  }

  Result<ActualClass> must_find(const std::string& name) {
    const auto wanted = index_rules::canonical({name, {}});
    if (!wanted) return wanted.error();
    auto actual = store_->find_class(wanted->name);
    if (!actual) return actual.error();
    if (!*actual) return no_class(wanted->name);
    return std::move(**actual);
  }

  /// Puts the id into `meta`, for which the class may have to be given a property.
  Status keep_external_id(const ActualClass& actual, const std::string& id, Json& meta) {
    const Property kept{index_rules::kExternalId, index_rules::kTextType};
    const auto made = make_properties({actual.spec.name, {kept}}, actual, {});
    if (!made) return made.error();
    if (made->outcome == Outcome::incompatible) return Error{"field.invalid", made->detail};
    std::string name = kept.name;
    for (const auto& property : actual.spec.properties)
      if (index_rules::folded(property.name) == index_rules::folded(name)) name = property.name;
    if (meta.contains(name) && meta[name] != id)
      return Error{"field.invalid", "meta has another " + name + " than the object's id"};
    meta[name] = id;
    return Done{};
  }

  std::unique_ptr<IndexStore> store_;
};

}  // namespace

std::unique_ptr<VectorIndex> make_vector_index(std::unique_ptr<IndexStore> store) {
  return std::make_unique<StoredIndex>(std::move(store));
}

}  // namespace muster

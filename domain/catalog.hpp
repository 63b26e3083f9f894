// What this node can reconcile and which plan templates it knows, as GET /v1/catalog lists them.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace muster::catalog {

/// A component and its operations in the order in which a reconciler does them.
struct Entry {
  std::string name;
  std::string kind;  ///< reconciler or template.
  std::vector<std::string> operations;
  std::string when;  ///< For a template: which nodes get it.
  bool operator==(const Entry&) const = default;
};

class Index {
public:
  explicit Index(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  /// Every entry: reconcilers in the order in which they run, then templates in the order they are tried.
  [[nodiscard]] const std::vector<Entry>& catalog() const { return entries_; }

  /// The entry of that name, or null.
  [[nodiscard]] const Entry* find(std::string_view name) const;

private:
  std::vector<Entry> entries_;
};

[[nodiscard]] Index build_index();

/// {"reconcilers": [...], "templates": [...]}
[[nodiscard]] Json to_json(const Index& index);

}  // namespace muster::catalog

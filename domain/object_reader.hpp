// Reading a JSON object field by field: every wrong one is reported, so that a caller learns all at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "domain/names.hpp"

namespace muster {

enum class Need { optional, required };

/// Strict: a string is a string. Written: a number or boolean counts as the text that was written, which is
/// what `PORT: 8080` means in a YAML map of strings.
enum class TextFrom { strings, scalars };

/// Reads one object. Every accessor notes its key as known and reports a wrong type to the names::Check; JSON
/// null counts as absent.
class ObjectReader {
public:
  ObjectReader(const Json& value, std::string pointer, names::Check& errors,
               TextFrom text = TextFrom::strings);

  [[nodiscard]] std::optional<std::string> text(std::string_view key, Need need = Need::optional,
                                                size_t max = names::kMaxText);
  [[nodiscard]] std::optional<int64_t> integer(std::string_view key, int64_t min, int64_t max,
                                               Need need = Need::optional);
  [[nodiscard]] std::optional<double> number(std::string_view key);
  [[nodiscard]] std::optional<bool> flag(std::string_view key);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key, size_t max_items = names::kMaxEntries);
  [[nodiscard]] std::map<std::string, std::string> text_map(std::string_view key);
  [[nodiscard]] const Json* object(std::string_view key, Need need = Need::optional);
  /// Never null: an absent array reads as an empty one.
  [[nodiscard]] const Json& array(std::string_view key, size_t max_items);

  /// Notes `key` as known, without reading it.
  const Json* any(std::string_view key, Need need = Need::optional);

  /// Reports every key that no accessor asked for, with the nearest that one did.
  void refuse_unknown() const;

  [[nodiscard]] const std::string& pointer() const { return pointer_; }
  void complain(std::string_view key, std::string message);

private:
  std::optional<std::string> as_text(const Json& value, std::string pointer, size_t max);

  const Json* value_;
  std::string pointer_;
  names::Check* errors_;
  TextFrom text_;
  std::vector<std::string_view> known_;
};

}  // namespace muster

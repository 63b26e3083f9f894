// What ids, URLs and fields of commands may look like; all faults of a command at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "events/fields.hpp"

namespace muster::names {

constexpr size_t kMaxId = 128;        ///< Characters of an id.
constexpr size_t kMaxText = 4096;     ///< Bytes of a text field.
constexpr size_t kMaxUrl = 2048;      ///< Bytes of a URL.
constexpr size_t kMaxEntries = 256;   ///< Entries of a list or map.
constexpr size_t kMaxObject = 16384;  ///< Bytes of a JSON object that is kept as it came.

/// The reason `text` is no id, or nothing. An id is 1 to kMaxId printable characters of UTF-8 without '/' and
/// with no space at its ends; what is drawn as nothing or turns the direction of writing is
/// not printable here.
[[nodiscard]] std::string id_fault(std::string_view text);

/// The reason `text` is not one line of at most `limit` bytes, or nothing. A line may be empty.
[[nodiscard]] std::string line_fault(std::string_view text, size_t limit);

/// The reason `text` is no absolute http or https URL with a host, or nothing.
[[nodiscard]] std::string url_fault(std::string_view text);

/// `pointer` + "/" + `key`, escaped as RFC 6901 wants it.
[[nodiscard]] std::string pointer_to(std::string_view pointer, std::string_view key);
[[nodiscard]] std::string pointer_to(std::string_view pointer, size_t index);

/// Collects the faults of one command. `pointer` is the JSON pointer of the field.
class Check {
public:
  void id(std::string pointer, std::string_view value);
  void text(std::string pointer, std::string_view value);      ///< May be empty.
  void required(std::string pointer, std::string_view value);  ///< A text that is not empty.
  void url(std::string pointer, std::string_view value);       ///< http or https, with a host.
  void list(std::string pointer, const std::vector<std::string>& value);
  void map(std::string pointer, const StringMap& value);
  /// Absent, or an object.
  void object(std::string pointer, const RawJson& value, size_t limit = kMaxObject);
  void one_of(std::string pointer, std::string_view value, const std::vector<std::string_view>& allowed);
  void fault(std::string pointer, std::string message);

  /// At most kMaxFieldErrors of them.
  [[nodiscard]] const std::vector<FieldError>& faults() const { return faults_; }

  /// `field.invalid` with every fault, or done.
  [[nodiscard]] Status done();

private:
  std::vector<FieldError> faults_;
};

}  // namespace muster::names

// Why a call was refused: one stable code, one sentence, and every field that was wrong.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace muster {

/// One bad field; `pointer` is a JSON pointer into the request body (RFC 6901), "" for the whole.
struct FieldError {
  std::string pointer;
  std::string message;
  bool operator==(const FieldError&) const = default;
};

/// `code` is stable and listed in docs/errors.md; base/error_catalog.hpp maps it to an HTTP status, an exit
/// status and whether a retry may help.
struct Error {
  std::string code;
  std::string detail;
  std::vector<FieldError> fields{};
  /// True when the request may still take effect (leadership was lost under it).
  bool outcome_unknown = false;

  bool operator==(const Error&) const = default;
};

}  // namespace muster

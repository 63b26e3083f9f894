// The one table of error codes: HTTP status, exit status, title, cause and remedy. docs/errors.md is its
// print.
#pragma once

#include <span>
#include <string_view>

namespace muster {

/// Exit statuses of the command line (docs/errors.md): 0 done, 1 failed, 2 usage, 3 denied, 4 precondition or
/// conflict, 5 unavailable.
struct ErrorKind {
  std::string_view code;
  int status;  ///< HTTP status.
  int exit;
  bool retryable;  ///< The same request may succeed later, unchanged.
  std::string_view title;
  std::string_view cause;
  std::string_view remedy;
};

/// Every code, sorted by code.
[[nodiscard]] std::span<const ErrorKind> error_catalog();

/// The entry of `code`; an unknown code is answered with that of `internal`.
[[nodiscard]] const ErrorKind& error_kind(std::string_view code);

}  // namespace muster

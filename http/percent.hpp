// Percent-encoding of paths and queries (RFC 3986).
#pragma once

#include <string>
#include <string_view>

namespace muster::http {

/// Sets `into` to the decoded `text`; with `plus`, '+' is a space. False for a broken escape, a NUL, a DEL
/// or text that is not UTF-8.
[[nodiscard]] bool percent_decode(std::string_view text, bool plus, std::string& into);

/// True when ASCII letters of either case are the same.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace muster::http

// JSON for people: fields, nested groups and tables, whatever a node sends.
#pragma once

#include <iosfwd>
#include <string>

#include "app/cli/table.hpp"
#include "app/cli/verb.hpp"

namespace muster::cli {

/// A member as text, "" when it is absent or null; a list becomes "a, b".
[[nodiscard]] std::string text_of(const Json& object, std::string_view name);

/// A time member as "12s ago", any other text as it is.
[[nodiscard]] std::string when(const Json& object, std::string_view name, Time now);

/// `text` in the colour of what it says: healthy, stale, error.
[[nodiscard]] Cell status_cell(std::string text);

/// Members of an object one a line; objects in it as groups, lists of objects as tables. Times are relative,
/// members that end in _bytes human.
void print_fields(std::ostream& out, const Json& object, const Terminal& terminal, Time now);

}  // namespace muster::cli

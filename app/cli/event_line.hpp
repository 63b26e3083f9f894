// One event as a line for people.
#pragma once

#include <string>
#include <string_view>

#include "app/cli/terminal.hpp"

namespace muster::cli {

/// "    42  12:03:05  node.registered  node/n1  alice  {...}", cut to the terminal. What is not an event is
/// returned as it is, made printable.
[[nodiscard]] std::string event_line(std::string_view line, const Terminal& terminal);

/// With the date, since a history is older than a day.
[[nodiscard]] std::string dated_event_line(std::string_view line, const Terminal& terminal);

}  // namespace muster::cli

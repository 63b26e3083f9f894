// The rules for the value of one argument, whoever it came from.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// Why an argument was not bound. `malformed`: it is not of its type, or no argument is of that type.
struct ArgFault {
  const Arg* arg = nullptr;
  bool malformed = false;
  std::string message;
};

/// `text` in quotes, for a message; of a secret nothing.
[[nodiscard]] std::string shown(const Arg& arg, std::string_view text);

/// True when `required` is met without anybody giving a value.
[[nodiscard]] bool has_default(const Arg& arg);

/// The value that `arg` gets when `given` was given, which is of the right JSON type; its default when
/// nothing was; nothing when there is none.
struct Settled {
  std::optional<Json> value;
  std::optional<ArgFault> fault;
};
[[nodiscard]] Settled settle(const Arg& arg, std::optional<Json> given);

/// `k=v`, cut at the first '='; the key is trimmed. The message when it is no pair.
[[nodiscard]] std::string add_pair(const Arg& arg, std::string_view pair, Json& object);

}  // namespace muster::jobs

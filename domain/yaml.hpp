// YAML from people's files as JSON values that know their lines; small limits, no surprises.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace muster::yaml {

struct Limits {
  size_t bytes = 256 * 1024;
  size_t nodes = 10'000;  ///< After aliases were expanded: an alias bomb ends here.
  size_t depth = 32;
  size_t keys = 1024;  ///< In one map.
};

/// One document. Plain `true`, `false`, `null`, `~` and whole numbers are what they say; every other scalar
/// is a string, as written: no `yes` that turns into a boolean, no 1.10 that turns into 1.1.
struct Document {
  /// Both from 1. What an alias brought has no place of its own.
  struct Place {
    int line = 0, column = 0;
    auto operator<=>(const Place&) const = default;
  };
  Json value;
  std::map<std::string, Place> places;  ///< By JSON pointer; in their order, keys stand as in the file.

  /// The line of `pointer` or of its nearest ancestor; 0 when nothing is known.
  [[nodiscard]] int line_of(std::string_view pointer) const;
};

/// Reads exactly one document. Errors have the code `bad.yaml` and one field error whose message names the
/// line.
Result<Document> parse(std::string_view text, const Limits& limits = {});

/// What was wrong in `file` as one error: its detail begins with the file's name, each message with its line.
[[nodiscard]] Error refusal(std::string code, std::string_view file, std::vector<FieldError> faults,
                            const Document& document);

}  // namespace muster::yaml

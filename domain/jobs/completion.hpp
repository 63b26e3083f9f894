// Candidates for the word under the cursor, over all commands of a job tree.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// Something that can be typed: a job, an alias of one, or a verb of the program's own (its words begin with
/// ':' then).
struct Command {
  /// A flag that is not an argument of the job.
  struct Flag {
    std::string name;
    char letter = 0;  ///< 0: none.
    std::string help;
    bool takes_value = false;
    bool hidden = false;
    std::vector<std::string> values;  ///< Those that are known.
  };

  std::vector<std::string> words;  ///< demo build
  std::string summary;             ///< Of an alias: its description.
  const Job* job = nullptr;        ///< Its arguments are flags, and so are the common ones.
  std::string alias_of;            ///< The path that an alias stands for; empty: no alias.
  std::vector<Flag> flags;
};

struct Candidate {
  enum class Type : uint8_t { segment, flag, value };
  std::string insert, display;
  Type type = Type::segment;
  bool operator==(const Candidate&) const = default;
};

/// Those that begin with the last word, letters in either case, sorted by what they insert. The last word is
/// the one being completed; a bare `--` before it does not count.
[[nodiscard]] std::vector<Candidate> complete(std::span<const Command> commands,
                                              std::span<const std::string> words);

/// {"insert","display","type"}, one line without its end.
[[nodiscard]] std::string candidate_line(const Candidate& candidate);

}  // namespace muster::jobs

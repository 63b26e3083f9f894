// What came of making one resource as the profile says: the same words for every backend.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "events/bootstrap.hpp"

namespace muster::environment {

enum class Outcome : uint8_t {
  in_sync,       ///< It was as desired; nothing was written.
  changed,       ///< Something was missing and was added; in a dry run: would be.
  drifted,       ///< It differs in what is never changed by itself, and was left alone.
  incompatible,  ///< It exists in a form that the desired one cannot be made of; it was left alone.
};

[[nodiscard]] constexpr std::string_view to_text(Outcome outcome) {
  constexpr std::string_view kTexts[] = {"in_sync", "changed", "drifted", "incompatible"};
  return kTexts[static_cast<size_t>(outcome)];
}

struct Ensured {
  Outcome outcome = Outcome::in_sync;
  std::string detail{};  ///< One line for a person: what was, or would be, done, or why it was left alone.
  /// Both sides, as the profile writes them, when they differ; null: there is none.
  Json desired{}, actual{};
  /// Something was added beside what was left alone; in a dry run: would be.
  bool also_added = false;
  /// Of the rules or tags of a bucket: those that were, or would be, added; without the bucket's name.
  std::vector<bootstrap::Thing> added{};
  /// Of a dry run: nobody can see whether it is there, so that it is written once, which changes nothing
  /// where it is.
  bool unseen = false;
};

/// How a resource is asked for.
struct Ask {
  std::string key{};     ///< Idempotency key (supervisor contract, section 11); goes out with every write.
  bool dry_run = false;  ///< Reads and compares as ever, and writes nothing.
};

}  // namespace muster::environment

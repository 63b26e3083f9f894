// Sources of jobs: which there are, and what their refs were pinned to.
#pragma once

#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/sources.hpp"

namespace muster::sources {

/// POST /sources, once what it asks for was looked up and allowed. The same record changes nothing.
struct Add {
  Added record;
};
/// The ref was resolved later than at once; what is empty stays as it was.
struct Pin {
  Pinned pin;
};
/// DELETE /sources/{name}.
struct Remove {
  std::string name;
};
using Command = std::variant<Add, Pin, Remove>;

/// What a later decision needs of a source.
struct Source {
  std::string digest;  ///< SHA-256 of the record as JSON, hex.
  Pinned pin;          ///< What it is pinned to.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("digest", self.digest);
    visit("pin", self.pin);
  }
};

struct State {
  PagedMap<std::string, Source> sources;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("sources", self.sources);
  }
};

constexpr size_t kMaxSources = 1'000;  ///< Sources at once.
constexpr size_t kMaxAliases = 1'000;  ///< Of one source.
constexpr size_t kMaxField = 1'024;    ///< Bytes of a name or text in a source's record.

/// The result of Add is {"name":"...","replaced":bool}; of the others {}. Errors: `field.invalid`,
/// `rate.limited` beyond kMaxSources, `not.found`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Added& event);
State evolve(State state, const Pinned& event);
State evolve(State state, const Removed& event);

}  // namespace muster::sources

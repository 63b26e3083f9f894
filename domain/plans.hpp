// Which templates and profile are in use, and which plan each node was last given.
#pragma once

#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/plans.hpp"
#include "events/shared.hpp"

namespace muster::plans {

/// A template file was read well. The same generation again is no event, unless the file was rejected in
/// between.
struct LoadTemplate {
  TemplateLoaded loaded;
};
/// A template file is missing or broken. The same reason again is no event.
struct RejectTemplate {
  TemplateRejected rejected;
};
struct LoadProfile {
  ProfileLoaded loaded;
};
struct RejectProfile {
  ProfileRejected rejected;
};
/// A node asked for its plan and gets this one. The plan it has already is no event.
struct Issue {
  Issued plan;
};
using Command = std::variant<LoadTemplate, RejectTemplate, LoadProfile, RejectProfile, Issue>;

/// A template file or the profile.
struct Source {
  std::string generation;  ///< Of the last good one; empty when there was none.
  std::string error;       ///< Why the last read was rejected; empty when it was good.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("generation", self.generation);
    visit("error", self.error);
  }
};

struct State {
  Source profile;
  PagedMap<std::string, Source> templates;       ///< By file name.
  PagedMap<std::string, Shared<Issued>> issued;  ///< By node id.
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("profile", self.profile);
    visit("templates", self.templates);
    visit("issued", self.issued);
  }
};

/// Template files, at most.
constexpr size_t kMaxTemplates = 1'000;
/// Bytes of a template's apps or of the profile: what fits an event. Larger ones are rejected, by an event.
constexpr size_t kMaxContent = size_t{768} << 10;

/// Errors: `field.invalid`, `rate.limited` beyond kMaxTemplates.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const TemplateLoaded& event);
State evolve(State state, const TemplateRejected& event);
State evolve(State state, const Issued& event);
State evolve(State state, const Shared<Issued>& event);
State evolve(State state, const ProfileLoaded& event);
State evolve(State state, const ProfileRejected& event);

}  // namespace muster::plans

// Every event there is: one line for each domain.
#pragma once

#include <cstdint>
#include <variant>

#include "events/bootstrap.hpp"
#include "events/claims.hpp"
#include "events/cluster.hpp"
#include "events/lease.hpp"
#include "events/nodes.hpp"
#include "events/plans.hpp"
#include "events/runs.hpp"
#include "events/secrets.hpp"
#include "events/services.hpp"
#include "events/sources.hpp"
#include "events/tokens.hpp"

namespace muster {

/// The feature level: event types up to it are known to this build. A type that older builds do not know
/// raises it, and is written only once the cluster's level was raised to it (docs/upgrade.md).
constexpr uint64_t kFeatureLevel =
  5;  // 2: members, join tokens, services. 3: other cluster keys, co-signers. 4: runs, sources. 5: intents,
      // pauses and what was added of the environment, the outbox.

/// A type this build does not know: written by a newer one. Folds pass over it, tails and hashes carry it on.
struct UnknownEvent {
  static constexpr std::string_view type{};
  std::string name, stream_name;

  [[nodiscard]] std::string stream() const { return stream_name; }
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
  bool operator==(const UnknownEvent&) const = default;
};

namespace detail {
template <class... Variants>
struct Join;
template <class... As, class... Bs, class... Rest>
struct Join<std::variant<As...>, std::variant<Bs...>, Rest...> : Join<std::variant<As..., Bs...>, Rest...> {};
template <class Variant>
struct Join<Variant> {
  using Type = Variant;
};
}  // namespace detail

using EventVariant = detail::Join<std::variant<UnknownEvent>, cluster::Event, nodes::Event, lease::Event,
                                  claims::Event, tokens::Event, secrets::Event, plans::Event,
                                  bootstrap::Event, services::Event, runs::Event, sources::Event>::Type;

/// Any of them. What copies, moves and destroys all alternatives is compiled once, in catalog.cpp, and not by
/// every file that holds a line.
struct AnyEvent : EventVariant {
  using EventVariant::EventVariant;
  AnyEvent() noexcept;
  AnyEvent(const AnyEvent& other);
  AnyEvent(AnyEvent&& other) noexcept;
  AnyEvent& operator=(const AnyEvent& other);
  AnyEvent& operator=(AnyEvent&& other) noexcept;
  ~AnyEvent();
};

}  // namespace muster

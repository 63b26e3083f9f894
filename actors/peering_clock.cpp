// A member whose clock is off does not lead: event times come from whoever does.
#include <algorithm>

#include "actors/peering_impl.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kHandOnAgain{1000};  // Longer than an election takes.

bool votes(const consensus::Members& members, consensus::MemberId id) {
  return std::any_of(members.begin(), members.end(), [&](const consensus::Member& member) {
    return member.id == id && member.role == consensus::Role::voter;
  });
}

}  // namespace

void Peering::Impl::compare_clocks(System& at) {
  const auto members = at.members();
  if (!members) return;
  const auto now = SteadyClock::now();
  const auto wall = options.now();
  size_t voters = 0;
  for (const auto& member : *members)
    voters += member.role == consensus::Role::voter && member.id != options.self.id ? 1 : 0;
  const std::lock_guard lock{mutex};
  std::vector<Millis> ahead;
  for (const auto& [node, one] : heard)
    if (node != options.self.node && now - one.at <= kFresh && votes(*members, one.hello.id))
      ahead.push_back(one.clock.ahead(wall, now));
  clock.off = clock_off(std::move(ahead), voters);
  clock.may_lead = clock_allows(clock.off, clock.may_lead);
}

/// To the voter with the longest log of those whose clocks are right.
void Peering::Impl::hand_on_for_clock(System& at) {
  const auto members = at.members();
  const auto now = SteadyClock::now();
  consensus::MemberId heir = 0;
  {
    const auto wall = options.now();
    const std::lock_guard lock{mutex};
    if (clock.may_lead || !clock.off || !members || now < next_handing_on) return;
    uint64_t furthest = 0;
    for (const auto& [node, one] : heard) {
      const auto off = one.clock.ahead(wall, now) + *clock.off;
      if (node == options.self.node || now - one.at > kFresh || std::chrono::abs(off) > kMostClockOff ||
          !votes(*members, one.hello.id) || (heir != 0 && one.hello.index <= furthest))
        continue;
      heir = one.hello.id;
      furthest = one.hello.index;
    }
  }
  if (heir == 0) return;
  next_handing_on = now + kHandOnAgain;
  at.change([heir](consensus::Replica& replica) { return replica.transfer(heir); }, {});
}

bool Peering::may_lead() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->clock.may_lead && !impl_->has_no_log;
}

ClockState Peering::clock() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->clock;
}

}  // namespace muster

// Who should vote.
#include "consensus/membership.hpp"

#include <algorithm>

namespace muster::consensus {
namespace {

using Kind = Change::Kind;

/// One view of the members, and the questions that the rules ask.
class Judge {
public:
  Judge(const Membership& seen, const MembershipPolicy& policy) : seen_(seen), policy_(policy) {}

  [[nodiscard]] std::optional<Change> next() const {
    if (auto change = hand_over()) return change;
    if (auto change = demote_lost()) return change;
    if (auto change = promote()) return change;
    if (auto change = leave_even()) return change;
    if (auto change = remove()) return change;
    if (auto change = add()) return change;
    return stand_by();
  }

private:
  [[nodiscard]] bool leads(const Seen& member) const { return member.id == seen_.leader; }
  [[nodiscard]] bool alive(const Seen& m) const { return leads(m) || m.silent_ms <= policy_.grace_ms; }
  [[nodiscard]] bool fresh(const Seen& m) const { return leads(m) || m.silent_ms <= policy_.fresh_ms; }
  /// Counts in the table.
  [[nodiscard]] bool stays(const Seen& member) const { return alive(member) && !member.leaving; }
  [[nodiscard]] static bool votes(const Seen& member) { return member.role == Role::voter; }
  [[nodiscard]] bool ready(const Seen& member) const {
    return member.role == Role::standby && stays(member) && fresh(member) &&
           member.behind <= policy_.max_behind;
  }

  template <class Is>
  [[nodiscard]] size_t count(Is is) const {
    return size_t(std::count_if(seen_.members.begin(), seen_.members.end(), is));
  }
  /// The best of those that are meant: what `before` puts first.
  template <class Is, class Before>
  [[nodiscard]] const Seen* best(Is is, Before before) const {
    const Seen* found = nullptr;
    for (const auto& member : seen_.members)
      if (is(member) && (found == nullptr || before(member, *found))) found = &member;
    return found;
  }
  static bool nearer(const Seen& a, const Seen& b) { return a.behind < b.behind; }
  static bool more_silent(const Seen& a, const Seen& b) { return a.silent_ms > b.silent_ms; }

  [[nodiscard]] size_t voters() const { return count(votes); }
  [[nodiscard]] size_t ready_count() const {
    return count([this](auto& m) { return ready(m); });
  }
  /// How many voters the table gives to those who are there.
  [[nodiscard]] size_t wanted() const {
    const auto staying = count([this](auto& m) { return stays(m) && m.role; });
    const size_t odd = staying >= 5 ? 5 : staying >= 3 ? 3 : 1;
    return std::min(odd, policy_.max_voters);
  }
  /// Whether a majority of the voters is up once `member` is no voter, or one.
  [[nodiscard]] bool safe_with(const Seen& member, bool voting) const {
    const auto up = count([&](auto& m) { return (m.id == member.id ? voting : votes(m)) && fresh(m); });
    const auto all = voters() + (voting ? 1 : 0) - (votes(member) ? 1 : 0);
    return all > 0 && up > all / 2;
  }
  [[nodiscard]] std::optional<Change> demote(const Seen* member, Role role) const {
    if (member == nullptr || !safe_with(*member, false)) return std::nullopt;
    return Change{Kind::assign, member->id, role};
  }

  /// A leader that leaves hands over to who has the most of its log; it needs another voter first.
  [[nodiscard]] std::optional<Change> hand_over() const {
    const auto leaves = count([this](auto& m) { return leads(m) && m.leaving; }) > 0;
    if (!leaves) return std::nullopt;
    const auto* heir = best(
      [this](auto& m) {
        return votes(m) && !leads(m) && stays(m) && fresh(m) && m.behind <= policy_.max_behind;
      },
      nearer);
    if (heir != nullptr) return Change{Kind::transfer, heir->id, Role::voter};
    const auto* next = best([this](auto& m) { return ready(m); }, nearer);
    if (next == nullptr || voters() != 1 || !safe_with(*next, true)) return std::nullopt;
    return Change{Kind::assign, next->id, Role::voter};
  }

  /// A voter that is dead or leaves, when another is ready or fewer are to vote.
  [[nodiscard]] std::optional<Change> demote_lost() const {
    const auto* lost = best([this](auto& m) { return votes(m) && !leads(m) && !stays(m); }, more_silent);
    if (lost == nullptr) return std::nullopt;
    const auto good = count([this](auto& m) { return votes(m) && stays(m); });
    if (ready_count() == 0 && good < wanted() && voters() % 2 == 1) return std::nullopt;
    return demote(lost, Role::spare);
  }

  /// One of two that are ready, or the one that makes an even number odd.
  [[nodiscard]] std::optional<Change> promote() const {
    const auto now = voters();
    const auto* next = best([this](auto& m) { return ready(m); }, nearer);
    if (next == nullptr || now >= wanted() || !safe_with(*next, true)) return std::nullopt;
    if (now % 2 == 1 && (ready_count() < 2 || lost_voter())) return std::nullopt;
    return Change{Kind::assign, next->id, Role::voter};
  }
  [[nodiscard]] bool lost_voter() const {
    return count([this](auto& m) { return votes(m) && !stays(m); }) > 0;
  }

  /// Nobody follows: an even number of voters survives no more losses than one voter less.
  [[nodiscard]] std::optional<Change> leave_even() const {
    if (voters() % 2 == 1) return std::nullopt;
    const auto* last = best([this](auto& m) { return votes(m) && !leads(m); },
                            [](auto& a, auto& b) {
                              return std::pair{a.silent_ms, a.id} > std::pair{b.silent_ms, b.id};
                            });
    return demote(last, standbys() < policy_.max_standbys ? Role::standby : Role::spare);
  }

  [[nodiscard]] std::optional<Change> remove() const {
    for (const auto& member : seen_.members)
      if (member.leaving && member.role && !votes(member) && !leads(member))
        return Change{Kind::remove, member.id, *member.role};
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Change> add() const {
    for (const auto& member : seen_.members)
      if (!member.leaving && !member.role && count([](auto& m) { return m.role.has_value(); }) < kMaxMembers)
        return Change{Kind::add, member.id, Role::spare};
    return std::nullopt;
  }

  [[nodiscard]] size_t standbys() const {
    return count([](auto& m) { return m.role == Role::standby; });
  }

  /// A spare gets the log when there is room, or in place of a standby that is dead.
  [[nodiscard]] std::optional<Change> stand_by() const {
    const auto* spare = best([this](auto& m) { return m.role == Role::spare && stays(m) && fresh(m); },
                             [](auto& a, auto& b) { return a.id < b.id; });
    if (spare == nullptr) return std::nullopt;
    if (standbys() < policy_.max_standbys) return Change{Kind::assign, spare->id, Role::standby};
    const auto* dead = best([this](auto& m) { return m.role == Role::standby && !alive(m); }, more_silent);
    if (dead == nullptr) return std::nullopt;
    return Change{Kind::assign, dead->id, Role::spare};
  }

  const Membership& seen_;
  const MembershipPolicy& policy_;
};

}  // namespace

std::optional<Change> next_change(const Membership& seen, const MembershipPolicy& policy) {
  if (seen.pending) return std::nullopt;
  const bool votes = std::any_of(seen.members.begin(), seen.members.end(), [&](const Seen& member) {
    return member.id == seen.leader && member.role == Role::voter;
  });
  if (!votes) return std::nullopt;
  return Judge{seen, policy}.next();
}

}  // namespace muster::consensus

// Members beyond those that hold the log: who leads says which these are, and tells them who is there.
#include <algorithm>
#include <set>

#include "actors/peering_impl.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kSettled{3000};

std::set<consensus::MemberId> with_role(const consensus::Members& members, consensus::Role role) {
  std::set<consensus::MemberId> all;
  for (const auto& member : members)
    if (member.role == role) all.insert(member.id);
  return all;
}

/// As answered to kRoster.
struct Roster {
  std::vector<RosterEntry> members;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("members", self.members);
  }
};

}  // namespace

/// While there is room for a voter or a standby, nobody stays without.
std::vector<std::string> Peering::Impl::members_without_log(System& at) const {
  std::vector<std::string> all;
  const auto members = at.members();
  if (!members) return all;
  auto holders = with_role(*members, consensus::Role::standby);
  if (holders.size() < options.policy.max_standbys) return all;
  const auto voters = with_role(*members, consensus::Role::voter);
  holders.insert(voters.begin(), voters.end());
  const std::lock_guard lock{mutex};
  const size_t table = roster.size() >= 5 ? 5 : roster.size() >= 3 ? 3 : 1;
  if (voters.size() < std::min(table, options.policy.max_voters)) return all;
  for (const auto& [node, entry] : roster)
    if (!holders.contains(entry.id)) all.push_back(node);
  return all;
}

const Peering::Impl::Heard* Peering::Impl::told_leader() const {
  const Heard* leader = nullptr;
  const auto now = SteadyClock::now();
  for (const auto& [node, one] : heard)
    if (node != options.self.node && one.hello.leader == one.hello.id && now - one.at <= kFresh &&
        roster.contains(node) && (!leader || one.hello.term > leader->hello.term))
      leader = &one;
  return leader;
}

bool Peering::Impl::without_log() const {
  return has_no_log && told_leader() != nullptr;
}

/// Who leads says so. One that Raft made a standby hears of that by Raft first, and one that was a standby
/// hears nothing of Raft any more: what is said for a while counts.
void Peering::Impl::look_for_log(System& at) {
  const auto now = SteadyClock::now();
  const std::lock_guard lock{mutex};
  const auto* leader = at.gauges().leading ? nullptr : told_leader();
  const bool listed = leader && std::count(leader->hello.without_log.begin(), leader->hello.without_log.end(),
                                           options.self.node) > 0;
  if (!listed) {
    has_no_log = false;
    return listed_since.reset();
  }
  if (!listed_since) listed_since = now;
  const auto members = at.members();
  const bool given_one =
    members && (with_role(*members, consensus::Role::standby).contains(options.self.id) ||
                with_role(*members, consensus::Role::voter).contains(options.self.id));
  has_no_log = !given_one || now - *listed_since > kSettled;
}

void Peering::Impl::answer_roster(std::function<void(std::string)> reply) {
  Roster all;
  {
    const std::lock_guard lock{mutex};
    for (const auto& [node, entry] : roster) all.members.push_back(entry);
  }
  reply(to_json_text(all));
}

/// Who has the log reads there who the members are. Answers come while the system is there: see received().
void Peering::Impl::ask_roster(const std::string& leader) {
  {
    const std::lock_guard lock{mutex};
    if (!without_log()) return;
  }
  (void)asks.ask(leader, std::string(1, kRoster), [this](const Result<std::string>& answer) {
    if (answer) take_roster(*answer);
  });
}

void Peering::Impl::take_roster(const std::string& text) {
  auto told = from_json_text<Roster>(text);
  if (!told) return;
  std::vector<consensus::Peer> others;
  {
    const std::lock_guard lock{mutex};
    if (!without_log()) return;
    std::map<std::string, RosterEntry> now;
    for (auto& entry : told->members) now[entry.node] = entry;
    if (!now.contains(options.self.node)) return;  // It is being removed: others say so.
    roster = std::move(now);
    others = name_members();
  }
  if (peers) peers->set_members(std::move(others));
  if (options.on_roster) options.on_roster(told->members);
}

bool Peering::without_log() const {
  return impl_->has_no_log;
}

std::vector<RosterEntry> Peering::roster() const {
  std::vector<RosterEntry> all;
  const std::lock_guard lock{impl_->mutex};
  for (const auto& [node, entry] : impl_->roster) all.push_back(entry);
  return all;
}

}  // namespace muster

// What a member does from time to time: says who it is, tells beats, and, when it leads, keeps the
// membership.
#include <algorithm>
#include <utility>

#include "actors/peering_impl.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kHelloEvery{1000}, kBeatsEvery{2000}, kRolesEvery{250},
  kRosterEvery{5000};
constexpr size_t kBeatsAFrame = 8'000;

using Listed = std::map<consensus::MemberId, std::pair<std::string, uint64_t>>;

/// On the log's thread: the next step towards the members that are listed.
Status keep_roles_of(consensus::Replica& replica, consensus::MemberId self, const Listed& listed,
                     const consensus::MembershipPolicy& policy) {
  const auto progress = replica.progress();
  if (!progress) return Done{};
  consensus::Membership seen{self, progress->change_pending, {}};
  for (const auto& member : replica.members()) {
    consensus::Seen one{member.id, member.role, 0, 0, !listed.contains(member.id)};
    if (!one.leaving) one.silent_ms = listed.at(member.id).second;
    for (const auto& of : progress->members)
      if (of.id == member.id && of.match_index < progress->last_index)
        one.behind = progress->last_index - of.match_index;
    seen.members.push_back(one);
  }
  for (const auto& [id, about] : listed)
    if (std::none_of(seen.members.begin(), seen.members.end(),
                     [id = id](const auto& one) { return one.id == id; }))
      seen.members.push_back({id, std::nullopt, about.second, 0, false});
  const auto change = next_change(seen, policy);
  if (!change) return Done{};
  switch (change->kind) {
    case consensus::Change::Kind::add:
      return replica.add({change->id, listed.at(change->id).first, consensus::Role::spare});
    case consensus::Change::Kind::assign:
      return replica.assign(change->id, change->role);
    case consensus::Change::Kind::remove:
      return replica.remove(change->id);
    case consensus::Change::Kind::transfer:
      return replica.transfer(change->id);
  }
  return Done{};
}

}  // namespace

void Peering::tick() {
  impl_->with_system([this](System& at, consensus::Peers& network) {
    auto& impl = *impl_;
    impl.asks.sweep();
    impl.look_for_log(at);
    const auto leader = impl.leader_node(at);
    if (leader != impl.asked_leader) {
      impl.asked_leader = leader;
      if (!leader.empty()) impl.asks.lose_all_but(leader);
    }
    const auto now = SteadyClock::now();
    if (const auto ago = impl.leader_heard_ms(at, network); ago >= 0)
      impl.led = now - std::chrono::milliseconds{ago};
    if (now >= impl.next_hello) {
      impl.next_hello = now + kHelloEvery;
      impl.say_hello(at, network, false);
      impl.compare_clocks(at);
    }
    if (now >= impl.next_roster && !leader.empty()) {
      impl.next_roster = now + kRosterEvery;
      impl.ask_roster(leader);
    }
    if (!at.ready() || !at.gauges().leading) return;
    if (now >= impl.next_beats) {
      impl.next_beats = now + kBeatsEvery;
      impl.say_beats(at, network);
    }
    if (now >= impl.next_roles) {
      impl.next_roles = now + kRolesEvery;
      impl.record_starts(at);
      impl.keep_roles(at, network);
      impl.hand_on_for_clock(at);
    }
  });
}

void Peering::Impl::say_hello(System& at, consensus::Peers& network, bool stopping) {
  auto hello = options.self;
  const auto gauges = at.gauges();
  hello.seq = gauges.seq;
  hello.index = gauges.index;
  hello.term = gauges.term;
  hello.leader = gauges.leader;
  hello.time = options.now();
  hello.stopping = stopping;
  hello.rows = true;
  if (gauges.leading) hello.without_log = members_without_log(at);
  for (const auto& [node, state] : network.states())
    if (state.heard) hello.sees.push_back(node);
  std::vector<std::string> others;
  {
    const std::lock_guard lock{mutex};
    for (const auto& [node, entry] : roster)
      if (node != options.self.node) others.push_back(node);
    hello.ca = cluster_key.ca;
    hello.also = cluster_key.also;
    auto& self = heard[options.self.node];
    self.hello = hello;
    self.at = SteadyClock::now();
    self.clock.heard(hello.time, self.at);
  }
  const auto text = to_json_text(hello);
  for (const auto& node : others) network.send(node, {consensus::Kind::hello, text});
}

/// A member that moved says so itself, before its log can: whoever is to answer it has to know where it is.
void Peering::Impl::hear_hello(System& at, consensus::Peers& network, const std::string& from,
                               const std::string& body) {
  auto hello = from_json_text<Hello>(body);
  if (!hello || hello->node != from) return;
  bool elsewhere = false;
  {
    const std::lock_guard lock{mutex};
    auto& said = heard[from];
    said.hello = std::move(*hello);
    said.at = SteadyClock::now();
    said.clock.heard(said.hello.time, said.at);
    const auto known = roster.find(from);
    const auto& address = said.hello.address;
    if (known != roster.end() && known->second.id == said.hello.id && !address.empty()) {
      const auto where = moved.find(from);
      elsewhere = address != (where == moved.end() ? known->second.address : where->second);
      if (elsewhere) moved[from] = address;
    }
  }
  if (elsewhere) show_roster(at, network);
}

/// Beats that changed since they were last told, and of whom.
void Peering::Impl::say_beats(System& at, consensus::Peers& network) {
  const auto beats = at.beats();
  const auto since = beats_told;
  std::vector<std::string> texts;
  std::string text;
  size_t rows = 0;
  beats->each([&](const std::string& node, Time time) {
    if (time <= since) return;
    beats_told = std::max(beats_told, time);
    text += text.empty() ? "{" : ",";
    append_json_string(text, node);
    text += ':' + std::to_string(time.time_since_epoch().count());
    if (++rows % kBeatsAFrame == 0) texts.push_back(std::exchange(text, {}) + "}");
  });
  if (!text.empty()) texts.push_back(text + "}");
  if (texts.empty()) return;
  for (const auto& [node, state] : network.states())
    for (const auto& piece : texts)
      if (state.connected) network.send(node, {consensus::Kind::beats, piece});
}

void Peering::Impl::hear_beats(System& at, const std::string& body) {
  const auto told = parse_json(body);
  if (!told || !told->is_object() || at.gauges().leading) return;
  std::vector<std::pair<std::string, Time>> beats;
  for (const auto& [node, time] : told->items())
    if (time.is_number_integer()) beats.emplace_back(node, Time{Millis{time.get<int64_t>()}});
  at.hear_beats(beats);
}

/// Members say which process they are; the log says of which one it knows.
void Peering::Impl::record_starts(System& at) {
  const auto views = at.views();
  const auto& members = view<cluster::View>(*views).members;
  std::vector<Hello> starts, stops;
  {
    const std::lock_guard lock{mutex};
    const auto now = SteadyClock::now();
    for (const auto& [node, one] : heard) {
      const auto* known = members.find(node);
      const auto& hello = one.hello;
      if (node == options.self.node || !known || known->key != hello.key || now - one.at > kFresh) continue;
      const auto mark = hello.boot + (hello.stopping ? " stops" : "");
      const bool recorded_already = known->boot == hello.boot && known->running == !hello.stopping;
      if (recorded_already || recorded[node] == mark) continue;
      recorded[node] = mark;
      (hello.stopping ? stops : starts).push_back(hello);
    }
  }
  for (auto& hello : starts) {
    cluster::Start start;
    start.member = {hello.node,    hello.version, hello.feature_level, hello.public_key, hello.id,
                    hello.address, hello.url,     hello.key,           hello.boot};
    at.ask(cluster::Command{std::move(start)}, {}, {});
  }
  for (auto& hello : stops) at.ask(cluster::Command{cluster::Stop{hello.node}}, {}, {});
}

/// Raft's members follow the log's, one change at a time.
void Peering::Impl::keep_roles(System& at, const consensus::Peers& network) {
  std::map<consensus::MemberId, std::pair<std::string, uint64_t>> listed;  // Name and silence of each.
  const auto ways = network.states();
  const auto up = std::chrono::duration_cast<Millis>(SteadyClock::now() - started).count();
  {
    const std::lock_guard lock{mutex};
    for (const auto& [node, entry] : roster) {
      const auto way = ways.find(node);
      const auto last = way == ways.end() ? -1 : way->second.last_heard_ms;
      const auto silent = node == options.self.node ? 0 : last < 0 ? up : last;
      listed[entry.id] = {node, static_cast<uint64_t>(silent)};
    }
  }
  at.change([listed = std::move(listed), self = options.self.id, policy = options.policy](
              consensus::Replica& replica) { return keep_roles_of(replica, self, listed, policy); },
            {});
}

}  // namespace muster

// What a member does from time to time: says who it is, tells beats, and, when it leads, keeps the membership.
#include <algorithm>
#include <utility>

#include "actors/peering_impl.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kHelloEvery{1000}, kBeatsEvery{2000}, kRolesEvery{250};
constexpr std::chrono::milliseconds kFresh{3000};  // A hello that is older says nothing any more.
constexpr size_t kBeatsAFrame = 8'000;

}  // namespace

void Peering::tick() {
  impl_->with_system([this](System& at, consensus::Peers& network) {
    auto& impl = *impl_;
    impl.asks.sweep();
    const auto leader = impl.leader_node(at);
    if (leader != impl.asked_leader) {
      impl.asked_leader = leader;
      if (!leader.empty()) impl.asks.lose_all_but(leader);
    }
    const auto now = SteadyClock::now();
    if (now >= impl.next_hello) {
      impl.next_hello = now + kHelloEvery;
      impl.say_hello(at, network, false);
    }
    if (!at.ready() || !at.gauges().leading) return;
    if (now >= impl.next_beats) {
      impl.next_beats = now + kBeatsEvery;
      impl.say_beats(at, network);
    }
    if (now >= impl.next_roles) {
      impl.next_roles = now + kRolesEvery;
      impl.record_starts(at);
      impl.keep_roles(at);
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
  for (const auto& [node, state] : network.states())
    if (state.heard) hello.sees.push_back(node);
  const auto text = to_json_text(hello);
  std::vector<std::string> others;
  {
    const std::lock_guard lock{mutex};
    for (const auto& [node, entry] : roster)
      if (node != options.self.node) others.push_back(node);
  }
  for (const auto& node : others) network.send(node, {consensus::Kind::hello, text});
}

void Peering::Impl::hear_hello(const std::string& from, const std::string& body) {
  auto hello = from_json_text<Hello>(body);
  if (!hello || hello->node != from) return;
  const auto ahead = (hello->time - options.now()).count();
  const std::lock_guard lock{mutex};
  heard[from] = {std::move(*hello), SteadyClock::now(), ahead};
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
      if (!known || known->key != hello.key || now - one.at > kFresh) continue;
      const auto mark = hello.boot + (hello.stopping ? " stops" : "");
      const bool recorded_already = known->boot == hello.boot && known->running == !hello.stopping;
      if (recorded_already || recorded[node] == mark) continue;
      recorded[node] = mark;
      (hello.stopping ? stops : starts).push_back(hello);
    }
  }
  for (auto& hello : starts) {
    cluster::Start start;
    start.member = {hello.node, hello.version, hello.feature_level, hello.public_key, hello.id,
                    hello.address, hello.url, hello.key, hello.boot};
    at.ask(cluster::Command{std::move(start)}, {}, {});
  }
  for (auto& hello : stops) at.ask(cluster::Command{cluster::Stop{hello.node}}, {}, {});
}

/// Raft's members follow the log's, one change at a time.
void Peering::Impl::keep_roles(System& at) {
  const auto raft = at.members();
  if (!raft) return;
  std::vector<RosterEntry> entries;
  {
    const std::lock_guard lock{mutex};
    for (const auto& [node, entry] : roster) entries.push_back(entry);
  }
  std::function<Status(consensus::Replica&)> change;
  for (const auto& entry : entries) {
    const auto known = std::find_if(raft->begin(), raft->end(), [&](auto& m) { return m.id == entry.id; });
    if (known == raft->end())
      change = [entry](auto& replica) {
        return replica.add({entry.id, entry.node, consensus::Role::spare});
      };
    else if (known->role == consensus::Role::spare)
      change = [id = entry.id](auto& replica) { return replica.assign(id, consensus::Role::standby); };
    else if (known->role == consensus::Role::standby && entries.size() >= 3)
      change = [id = entry.id](auto& replica) { return replica.assign(id, consensus::Role::voter); };
    if (change) break;
  }
  if (change) at.change(std::move(change), {});
}

}  // namespace muster

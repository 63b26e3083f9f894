// What the network, the system and the edge ask of a peering.
#include "actors/peering.hpp"

#include <algorithm>
#include <utility>

#include "actors/peering_impl.hpp"
#include "consensus/wire.hpp"

namespace muster {
namespace {

constexpr char kHttp = 'H', kBarrier = 'B';
constexpr std::chrono::seconds kFollowed{10};  // Since the leader's last hello.
constexpr uint64_t kCloseEnough = 1'000;       // Lines behind it.

/// Raft's frames say first who sent them, as Raft knows it: the log may not have told its name yet.
std::string with_sender(consensus::MemberId from, const std::string& frame) {
  std::string body;
  body.reserve(8 + frame.size());
  consensus::Writer{body}.u64(from).fixed(frame);
  return body;
}

}  // namespace

Peering::Impl::Impl(PeeringOptions o)
  : options(std::move(o)),
    asks(
      [this](const std::string& node, consensus::Envelope envelope) {
        with_system([&](System&, consensus::Peers& network) { network.send(node, std::move(envelope)); });
      },
      AskLimits{.open = options.max_asks, .bytes = options.max_answer, .timeout = options.ask_timeout}) {
  for (const auto& entry : options.roster) {
    roster[entry.node] = entry;
    names[entry.id] = entry.node;
  }
}

Peering::Peering(PeeringOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}
Peering::~Peering() {
  stop();
}

void Peering::attach(System& system, consensus::Peers& peers, OnRequest on_request) {
  {
    const std::unique_lock lock{impl_->running};
    impl_->system = &system;
    impl_->peers = &peers;
    impl_->on_request = std::move(on_request);
  }
  folded();
}

void Peering::stop() {
  {
    const std::unique_lock lock{impl_->running};
    impl_->system = nullptr;
    impl_->peers = nullptr;
  }
  impl_->asks.lose_all_but({});
}

void Peering::received(const std::string& from, consensus::Envelope envelope) {
  auto& impl = *impl_;
  impl.with_system([&](System& at, consensus::Peers& network) {
    switch (envelope.kind) {
      case consensus::Kind::raft: {
        consensus::Reader head{envelope.body};
        const auto id = head.u64();
        if (!head.ok() || id == 0) return;
        {
          const std::lock_guard lock{impl.mutex};
          const auto name = impl.names.find(id);
          if (name == impl.names.end() || name->second != from) return;
        }
        envelope.body.erase(0, 8);
        return at.receive(id, std::move(envelope.body));
      }
      case consensus::Kind::hello:
        return impl.hear_hello(at, network, from, envelope.body);
      case consensus::Kind::beats:
        return impl.hear_beats(at, envelope.body);
      case consensus::Kind::answer:
        return impl.asks.answered(from, envelope.body);
      case consensus::Kind::ask:
        return impl.asks.asked(from, envelope.body, [&](std::string request, auto reply) {
          impl.answer(at, from, std::move(request), std::move(reply));
        });
      default:
        return;
    }
  });
}

bool Peering::knows_rows(consensus::MemberId id) const {
  const std::lock_guard lock{impl_->mutex};
  const auto name = impl_->names.find(id);
  const auto said = name == impl_->names.end() ? impl_->heard.end() : impl_->heard.find(name->second);
  return said != impl_->heard.end() && said->second.hello.rows;
}

void Peering::send(consensus::MemberId to, std::string frame) {
  auto& impl = *impl_;
  impl.with_system([&](System&, consensus::Peers& network) {
    std::string node;
    {
      const std::lock_guard lock{impl.mutex};
      const auto found = impl.names.find(to);
      if (found == impl.names.end()) return;
      node = found->second;
    }
    network.send(node, {consensus::Kind::raft, with_sender(impl.options.self.id, frame)});
  });
}

void Peering::folded() {
  impl_->with_system([this](System& at, consensus::Peers& network) { impl_->show_roster(at, network); });
}

/// Members are whom the log names; before it names any, whom one was told of when joining.
void Peering::Impl::show_roster(System& at, consensus::Peers& network) {
  std::map<std::string, RosterEntry> now;
  view<cluster::View>(*at.views()).members.each([&](const std::string& node, const auto& member) {
    if (!member.key.empty()) now[node] = {node, member.id, member.address, member.url, member.key};
  });
  std::vector<consensus::Peer> others;
  {
    const std::lock_guard lock{mutex};
    // A joiner's first lines may be older than its joining: whoever let it in is still there, under the key
    // that it showed, though these lines may name one from before a restore.
    const auto own = now.find(options.self.node);
    const bool joined = own != now.end() && own->second.id == options.self.id;
    if (!now.empty() && !joined) {
      auto told = roster;
      told.merge(now);
      now = std::move(told);
    }
    if (!now.empty()) roster = std::move(now);  // Empty: nothing of the log has come yet.
    others = name_members();
  }
  network.set_members(std::move(others));
}

std::vector<consensus::Peer> Peering::Impl::name_members() {
  std::vector<consensus::Peer> others;
  names.clear();
  for (const auto& [node, entry] : roster) {
    names[entry.id] = node;
    const auto elsewhere = moved.find(node);
    if (elsewhere != moved.end() && elsewhere->second == entry.address) moved.erase(elsewhere);
    if (node != options.self.node)
      others.push_back({node, moved.contains(node) ? moved[node] : entry.address, entry.key});
  }
  return others;
}

void Peering::seen_at(const std::string& node, const std::string& address) {
  impl_->with_system([&](System& at, consensus::Peers& network) {
    const auto states = network.states();
    const auto state = states.find(node);
    if (state == states.end() || state->second.heard || state->second.connected) return;
    {
      const std::lock_guard lock{impl_->mutex};
      const auto known = impl_->roster.find(node);
      if (known == impl_->roster.end() || known->second.address == address) return;
      if (!impl_->moved.emplace(node, address).second) impl_->moved.erase(node);
    }
    impl_->show_roster(at, network);
  });
}

std::string Peering::Impl::leader_node(System& at) const {
  const auto leader = at.gauges().leader;
  const std::lock_guard lock{mutex};
  if (without_log()) return told_leader()->hello.node;
  const auto found = names.find(leader);
  return leader == 0 || found == names.end() ? std::string{} : found->second;
}

bool Peering::leader_elsewhere() const {
  bool elsewhere = false;
  impl_->with_system([&](System& at, consensus::Peers&) {
    const auto node = impl_->leader_node(at);
    elsewhere = !node.empty() && node != impl_->options.self.node;
  });
  return elsewhere;
}

bool Peering::follows_closely() const {
  bool closely = false;
  impl_->with_system([&](System& at, consensus::Peers&) {
    const auto leader = impl_->leader_node(at);
    const auto seq = at.views()->seq;
    const std::lock_guard lock{impl_->mutex};
    if (impl_->without_log()) return void(closely = true);  // Who leads answers for it.
    const auto heard = impl_->heard.find(leader);
    if (leader == impl_->options.self.node || heard == impl_->heard.end() || seq == 0) return;
    closely =
      SteadyClock::now() - heard->second.at < kFollowed && heard->second.hello.seq <= seq + kCloseEnough;
  });
  return closely;
}

void Peering::ask_leader(std::string request, std::function<void(Result<std::string>)> reply) {
  std::string leader;
  impl_->with_system([&](System& at, consensus::Peers&) { leader = impl_->leader_node(at); });
  if (leader.empty() || leader == impl_->options.self.node)
    return reply(Error{"leader.starting", "no other member is known to lead", {}});
  request.insert(request.begin(), kHttp);
  if (auto asked = impl_->asks.ask(leader, std::move(request), reply); !asked) reply(asked.error());
}

void Peering::ask_member(const std::string& node, std::string request,
                         std::function<void(Result<std::string>)> reply) {
  ask(node, kHttp, std::move(request), std::move(reply));
}

void Peering::barrier(std::function<void(Result<uint64_t>)> then) {
  std::string leader;
  bool here = false;
  impl_->with_system([&](System& at, consensus::Peers&) {
    leader = impl_->leader_node(at);
    here = leader.empty() || leader == impl_->options.self.node;
    if (here)
      at.barrier(
        Answer{[then](Result<Receipt> outcome) { outcome ? then(outcome->seq) : then(outcome.error()); }});
  });
  if (here) return;
  const auto told = [then](const Result<std::string>& answer) {
    if (!answer) return then(answer.error());
    consensus::Reader from{*answer};
    const bool good = from.u8() != 0;
    const auto seq = from.u64();
    if (good && from.finished()) return then(seq);
    then(Error{"leader.starting", "the member that was asked does not lead", {}});
  };
  if (auto asked = impl_->asks.ask(leader, std::string(1, kBarrier), told); !asked) then(asked.error());
}

void Peering::serve(char matter, OnAsk on_ask) {
  impl_->on_ask[matter] = std::move(on_ask);
}

void Peering::ask(const std::string& node, char matter, std::string request,
                  std::function<void(Result<std::string>)> reply) {
  request.insert(request.begin(), matter);
  if (auto asked = impl_->asks.ask(node, std::move(request), reply); !asked) reply(asked.error());
}

void Peering::Impl::answer(System& at, const std::string& from, std::string request,
                           std::function<void(std::string)> reply) {
  if (request.empty()) return;
  const auto op = request.front();
  request.erase(0, 1);
  if (op == kBarrier) return answer_barrier(at, std::move(reply));
  if (op == kJoin) return answer_join(at, request, std::move(reply));
  if (op == kRoster) return answer_roster(std::move(reply));
  if (op == kHttp && on_request) return on_request(std::move(request), std::move(reply));
  if (const auto other = on_ask.find(op); other != on_ask.end())
    other->second(from, std::move(request), std::move(reply));
}

void Peering::Impl::answer_barrier(System& at, std::function<void(std::string)> reply) {
  at.barrier(Answer{[reply = std::move(reply)](const Result<Receipt>& outcome) {
    std::string answer;
    consensus::Writer{answer}.u8(outcome ? 1 : 0).u64(outcome ? outcome->seq : 0);
    reply(std::move(answer));
  }});
}

int64_t Peering::leader_heard_ms() const {
  int64_t ago = -1;
  impl_->with_system(
    [&](System& at, consensus::Peers& network) { ago = impl_->leader_heard_ms(at, network); });
  return ago;
}

int64_t Peering::Impl::leader_heard_ms(System& at, const consensus::Peers& network) const {
  if (at.gauges().leading) return 0;
  const auto leader = leader_node(at);
  if (leader.empty()) return -1;
  const auto states = network.states();
  const auto found = states.find(leader);
  return found == states.end() ? -1 : found->second.last_heard_ms;
}

std::chrono::milliseconds Peering::leaderless() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - impl_->led.load());
}

std::map<std::string, MemberState> Peering::members() const {
  std::map<std::string, MemberState> all;
  impl_->with_system([&](System& at, consensus::Peers& network) {
    const auto ways = network.states();
    const auto raft = at.members();
    const auto now = SteadyClock::now();
    const auto wall = impl_->options.now();
    const std::lock_guard lock{impl_->mutex};
    for (const auto& [node, entry] : impl_->roster) {
      auto& state = all[node];
      if (const auto way = ways.find(node); way != ways.end()) state.way = way->second;
      state.heard_ms = node == impl_->options.self.node ? 0 : state.way.last_heard_ms;
      if (const auto heard = impl_->heard.find(node);
          heard != impl_->heard.end() && now - heard->second.at < std::chrono::seconds{10}) {
        state.hello = heard->second.hello;
        state.clock_ahead = heard->second.clock.ahead(wall, now);
      }
      if (!raft) continue;
      for (const auto& member : *raft)
        if (member.id == entry.id) state.role = member.role;
    }
  });
  return all;
}

std::string Peering::node_of(consensus::MemberId id) const {
  const std::lock_guard lock{impl_->mutex};
  const auto found = impl_->names.find(id);
  return found == impl_->names.end() ? std::string{} : found->second;
}

void Peering::say_stopping() {
  impl_->with_system([this](System& at, consensus::Peers& network) { impl_->say_hello(at, network, true); });
}

void Peering::set_cluster_key(ClusterKey key) {
  const std::lock_guard lock{impl_->mutex};
  impl_->cluster_key = std::move(key);
}

}  // namespace muster

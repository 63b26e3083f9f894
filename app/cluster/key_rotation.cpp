// The steps of a change of the cluster key, as whoever leads sees to them and every member takes them.
#include "app/cluster/key_rotation.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "app/cluster/search.hpp"
#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace muster::app {

struct KeyRotation::Order {
  std::string phase;    ///< staged, switched, rotated; dropped: nothing came of it.
  std::string to, key;  ///< The authority, and the key that it follows from, hex.
  uint64_t term = 0;    ///< Of who leads.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("phase", self.phase);
    visit("to", self.to);
    visit("key", self.key);
    visit("term", self.term);
  }
};

struct KeyRotation::Poll {
  std::mutex mutex;
  size_t voters = 0, kept = 0, open = 0;
  bool settled = false;
  cluster::KeyStaged staged;
  Origin origin;
  Answer answer;
};

namespace {

constexpr char kOrder = 'K', kAskKey = 'k';
constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::seconds kCallEvery{3};
constexpr std::chrono::milliseconds kCallPatience{2000};
constexpr int64_t kAloneMs = 3'000;  // Without a leader for so long, a member wonders about its key.
constexpr size_t kIdBytes = 8;
constexpr std::string_view kDone = "ok";
constexpr std::string_view kOtherAuthority = "another authority";

/// Whether a member is where `change` needs it for the next step.
bool is_there(const std::string& ca, const std::string& also, const cluster::View::Identity::KeyChange& key) {
  return ca == key.to || (key.phase == "staged" && also == key.to);
}

}  // namespace

KeyRotation::KeyRotation(Credentials& credentials, Peering& peering, JoinRequest self,
                         std::function<void()> changed)
  : credentials_(credentials), peering_(peering), self_(std::move(self)), changed_(std::move(changed)) {
  peering_.serve(kOrder, [this](const std::string&, const std::string& text, auto reply) {
    auto order = from_json_text<Order>(text);
    auto* system = system_.load();
    // One who led before may not know how far the change is by now.
    if (!order || !system || order->term < system->gauges().term) return reply("");
    system->read_slowly([this, order = std::move(*order), reply = std::move(reply)] {
      obey(order);
      reply(fault_of(order).empty() ? std::string{kDone} : std::string{});
    });
  });
  peering_.serve(kAskKey, [this](const std::string&, const std::string& ca, auto reply) {
    reply(to_hex(credentials_.key_of(ca)));
  });
}

/// What is wrong with an order, or with how far this member came with it.
std::string KeyRotation::fault_of(const Order& order) const {
  const auto now = credentials_.shared();
  if (order.phase == "dropped") return now.also == order.to ? "it is still trusted" : "";
  const auto authority = Authority::from_key(key_bytes(order.key));
  if (!authority || authority->fingerprint() != order.to) return "the key is of another authority";
  if (order.phase == "staged") return now.ca == order.to || now.also == order.to ? "" : "it is not kept";
  if (now.ca != order.to) return "it is not shown";
  return order.phase == "rotated" && !now.also.empty() ? "the old one is still trusted" : "";
}

/// On the thread for slow readings. Each step may come again, and a later one without the earlier ones.
void KeyRotation::obey(const Order& order) {
  if (fault_of(order).empty()) return;
  const auto views = system_.load()->views();
  const auto& key = view<cluster::View>(*views).identity->key;
  if (order.phase == "staged" && key && key->phase != "rotated" && key->to != order.to)
    return spdlog::warn("cluster key step=staged ca={} refused: it is being changed to {}", order.to,
                        key->to);
  const auto before = credentials_.shared();
  Status done = Done{};
  if (order.phase == "dropped") {
    if (before.also == order.to) done = credentials_.drop_next();
  } else {
    const auto bytes = key_bytes(order.key);
    const auto authority = Authority::from_key(bytes);
    if (!authority || authority->fingerprint() != order.to) return;
    done = credentials_.stage(bytes);
    if (done && order.phase != "staged") done = credentials_.switch_over();
    if (done && order.phase == "rotated") done = credentials_.finish();
  }
  if (!done) spdlog::error("cluster key step={} error={}", order.phase, done.error().detail);
  const auto after = credentials_.shared();
  if (after.ca == before.ca && after.also == before.also) return;
  changed_();
  spdlog::info("cluster key step={} ca={}", order.phase, order.to);
}

void KeyRotation::begin(bool forced, Origin origin, Answer answer) {
  auto* system = system_.load();
  if (!system) return answer(Error{"leader.starting", "the node is starting", {}});
  if (forced) return force(std::move(origin), std::move(answer));
  const auto views = system->views();
  const auto& key = view<cluster::View>(*views).identity->key;
  // One that has begun may not be shown yet; a second key would take the place of the first on every disk.
  const bool busy = (key && key->phase != "rotated") || views->seq < begun_seq_;
  const bool low = view<cluster::View>(*views).identity->feature_level < cluster::kKeysLevel;
  if (busy || low)  // The domain says why not.
    return system->ask(cluster::Command{cluster::RotateKey{}}, std::move(origin), std::move(answer));
  if (beginning_.exchange(true))
    return answer(Error{"conflict", "the cluster key is being changed already", {}});
  system->read_slowly([this, origin = std::move(origin), answer = std::move(answer)]() mutable {
    propose(std::move(origin), std::move(answer));
  });
}

/// A new key has to be on the disks of a majority before the log tells of it: whoever leads next finds it.
void KeyRotation::propose(Origin origin, Answer answer) {
  auto& system = *system_.load();
  const auto bytes = random_bytes(kClusterKeyBytes);
  const auto authority = Authority::from_key(bytes);
  if (!authority) {
    beginning_ = false;
    return answer(authority.error());
  }
  const Order order{"staged", authority->fingerprint(), to_hex(bytes), system.gauges().term};
  auto asked = std::make_shared<Poll>();
  asked->staged = {random_hex(kIdBytes), credentials_.ca(), order.to};
  asked->origin = std::move(origin);
  asked->answer = std::move(answer);
  obey(order);
  if (fault_of(order).empty()) return poll(asked, order);
  beginning_ = false;
  asked->answer(Error{"internal", "the new key cannot be kept", {}});
}

void KeyRotation::poll(const std::shared_ptr<Poll>& poll, const Order& order) {
  std::vector<std::string> others;
  for (const auto& [node, state] : peering_.members()) {
    if (state.role != consensus::Role::voter) continue;
    poll->voters++;
    if (node == self_.node)
      poll->kept++;
    else if (state.way.heard)
      others.push_back(node);
  }
  poll->open = others.size() + 1;
  for (const auto& node : others)
    peering_.ask(node, kOrder, to_json_text(order), [this, poll](const Result<std::string>& said) {
      const std::lock_guard lock{poll->mutex};
      if (said && *said == kDone) poll->kept++;
      poll->open--;
      settle(*poll);
    });
  const std::lock_guard lock{poll->mutex};
  poll->open--;
  settle(*poll);
}

/// As soon as a majority keeps it: one that was lost just now is not waited for.
void KeyRotation::settle(Poll& poll) {
  const bool enough = poll.voters == 0 || poll.kept * 2 > poll.voters;
  if (poll.settled || (!enough && poll.open > 0)) return;
  poll.settled = true;
  if (!enough) {
    beginning_ = false;
    return poll.answer(
      Error{"conflict",
            std::to_string(poll.kept) + " of " + std::to_string(poll.voters) + " voters keep the new key",
            {}});
  }
  system_.load()->ask(cluster::Command{cluster::RotateKey{poll.staged}}, std::move(poll.origin),
                      Answer{[this, answer = poll.answer](const Result<Receipt>& outcome) {
                        if (outcome) begun_seq_ = outcome->seq;
                        beginning_ = false;
                        answer(outcome);
                      }});
}

void KeyRotation::force(Origin origin, Answer answer) {
  auto& system = *system_.load();
  const auto views = system.views();
  system.ask(cluster::Command{cluster::ForceKey{behind(view<cluster::View>(*views), true)}},
             std::move(origin), std::move(answer));
}

/// The members that are not where the change needs them; those only that are silent, too.
std::vector<std::string> KeyRotation::behind(const cluster::View& cluster, bool silent_only) const {
  std::vector<std::string> found;
  const auto& key = cluster.identity->key;
  if (!key || key->phase == "rotated") return found;
  const auto states = peering_.members();
  const auto own = credentials_.shared();
  cluster.members.each([&](const std::string& node, const auto&) {
    if (std::find(key->without.begin(), key->without.end(), node) != key->without.end()) return;
    const auto state = states.find(node);
    const bool heard = state != states.end() && state->second.way.heard && state->second.hello;
    const bool there = node == self_.node
                         ? is_there(own.ca, own.also, *key)
                         : heard && is_there(state->second.hello->ca, state->second.hello->also, *key);
    if (!there && (!silent_only || (!heard && node != self_.node))) found.push_back(node);
  });
  return found;
}

void KeyRotation::tick() {
  auto* system = system_.load();
  const auto now = SteadyClock::now();
  if (!system || now < next_look_) return;
  next_look_ = now + kLookEvery;
  if (!system->gauges().leading) return come_back();
  if (!system->ready() || beginning_) return;
  const auto views = system->views();
  const auto& cluster = view<cluster::View>(*views);
  const auto& key = cluster.identity->key;
  if (!key || key->phase == "rotated") return clear_away(cluster);
  lead(cluster);
}

void KeyRotation::lead(const cluster::View& cluster) {
  auto& system = *system_.load();
  const auto& key = *cluster.identity->key;
  const auto bytes = credentials_.key_of(key.to);
  if (bytes.empty()) return find_key(key.to);
  const auto waiting = behind(cluster, false);
  const Order order{key.phase, key.to, to_hex(bytes), system.gauges().term};
  for (const auto& node : waiting) send(node, order);
  for (const auto& node : key.without) send(node, order);
  if (!waiting.empty()) return;
  const auto next = key.phase == "staged" ? "switched" : "rotated";
  system.ask(cluster::Command{cluster::AdvanceKey{key.rotation, next}}, {}, {});
}

/// After a change the old key is trusted no more; and a key that was kept, of which nothing came, is dropped.
void KeyRotation::clear_away(const cluster::View& cluster) {
  const auto& key = cluster.identity->key;
  const auto term = system_.load()->gauges().term;
  const auto clear = [&](const std::string& node, const std::string& ca, const std::string& also) {
    if (also.empty()) return;
    if (key && ca == key->to && credentials_.ca() == ca)
      send(node, {"rotated", key->to, to_hex(credentials_.cluster_key()), term});
    else
      send(node, {"dropped", also, "", term});
  };
  const auto own = credentials_.shared();
  clear(self_.node, own.ca, own.also);
  for (const auto& [node, state] : peering_.members())
    if (node != self_.node && state.hello && state.way.heard) clear(node, state.hello->ca, state.hello->also);
}

void KeyRotation::send(const std::string& node, const Order& order) {
  if (node == self_.node) return system_.load()->read_slowly([this, order] { obey(order); });
  peering_.ask(node, kOrder, to_json_text(order),
               [](const auto&) {});  // Its next hello says what came of it.
}

/// This member was away when the key was handed out, and leads now: others have it.
void KeyRotation::find_key(const std::string& ca) {
  for (const auto& [node, state] : peering_.members()) {
    if (node == self_.node || !state.way.heard) continue;
    peering_.ask(node, kAskKey, ca, [this, ca](const Result<std::string>& said) {
      const auto key = said ? key_bytes(*said) : std::string{};
      if (key.empty()) return;
      system_.load()->read_slowly([this, ca, key] { obey({"staged", ca, to_hex(key), 0}); });
    });
  }
}

/// Nobody leads as far as this member hears, and others are of another authority: the key may have been
/// changed while it was away. It asks them by its own key, and knows them by theirs.
void KeyRotation::come_back() {
  const auto now = SteadyClock::now();
  const auto heard = peering_.leader_heard_ms();
  if ((heard >= 0 && heard < kAloneMs) || now < next_call_ || asking_) return;
  const auto states = peering_.members();
  const bool others = std::any_of(states.begin(), states.end(), [](const auto& one) {
    return one.second.way.trouble.find(kOtherAuthority) != std::string::npos;
  });
  if (!others) return;
  next_call_ = now + kCallEvery;
  std::vector<std::string> keys, addresses;
  for (const auto& member : peering_.roster()) {  // A member without a log knows them, too.
    if (member.node == self_.node || member.key.empty()) continue;
    keys.push_back(member.key);
    addresses.push_back(member.address);
  }
  if (addresses.empty()) return;
  asking_ = true;
  system_.load()->read_slowly([this, keys, address = addresses[calls_++ % addresses.size()]] {
    ask_back_in(address, keys);
    asking_ = false;
  });
}

void KeyRotation::ask_back_in(const std::string& address, std::vector<std::string> keys) {
  auto own = credentials_.issue(system_now());
  if (!own) return;
  consensus::JoinCall call;
  call.address = address;
  call.fingerprint = credentials_.ca();
  call.keys = std::move(keys);
  call.own = std::move(*own);
  call.timeout = kCallPatience;
  const auto answer = ask_once(call, self_);
  if (!answer) return spdlog::warn("cluster key asked={} error={}", address, answer.error().detail);
  const auto key = key_bytes(answer->cluster_key);
  if (key.empty() || key == credentials_.cluster_key()) return;
  auto done = credentials_.stage(key);
  if (done) done = credentials_.switch_over();
  if (!done) return spdlog::error("cluster key error={}", done.error().detail);
  changed_();
  spdlog::info("cluster key changed while this member was away ca={} by={}", credentials_.ca(), address);
}

}  // namespace muster::app

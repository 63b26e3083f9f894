// Shows the boot decision: whom a starting node joins, when it begins on its own, which of two clusters gives
// way.
#include "domain/finding.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::finding;

namespace {

constexpr Time kNoon{Millis{1'767'355'200'000}};
const std::string kCa = "0123456789abcdef";
const Waits kWaits;

Own starting(const std::string& node = "n1") {
  Own own;
  own.node = node;
  own.created_at = kNoon;
  own.ca = kCa + "0123456789abcdef";
  return own;
}

Own with_cluster(const std::string& cluster, Log log) {
  auto own = starting();
  own.cluster = cluster;
  own.log = log;
  return own;
}

Advert neighbour(const std::string& node, Role role, const std::string& cluster = "c1") {
  Advert advert;
  advert.node = node;
  advert.cluster = role == Role::searching ? "" : cluster;
  advert.ca = kCa;
  advert.role = role;
  advert.epoch = 3;
  advert.address = node + ":7000";
  advert.url = "http://" + node + ":8070";
  advert.boot = "b";
  advert.created_at = kNoon;
  return advert;
}

Sight sees(std::vector<Advert> adverts, Millis searched = Millis{0}) {
  Sight sight;
  sight.adverts = std::move(adverts);
  sight.searched = searched;
  return sight;
}

std::string joins(const Own& own, const Sight& sight) {
  const auto step = next(own, sight);
  const auto* join = std::get_if<Join>(&step);
  if (join == nullptr) return "";
  return join->target.address.empty() ? join->target.url : join->target.address;
}

std::optional<Millis> searches_until(const Own& own, const Sight& sight) {
  const auto step = next(own, sight);
  const auto* search = std::get_if<Search>(&step);
  return search == nullptr ? std::nullopt : std::optional(search->until);
}

template <class Kind>
bool is(const Step& step) {
  return std::holds_alternative<Kind>(step);
}

}  // namespace

TEST_CASE("a node that finds nobody begins a cluster after a short random wait", "[S2-50]") {
  auto sight = sees({});
  sight.random = 0.5;
  const auto until = kWaits.silence + kWaits.jitter / 2;
  CHECK(searches_until(starting(), sight) == until);
  sight.searched = until - Millis{1};
  CHECK(searches_until(starting(), sight) == until);
  sight.searched = until;
  CHECK(is<Begin>(next(starting(), sight)));
}

TEST_CASE("a neighbour of the same CA is joined at once, its leader first", "[S2-04]") {
  auto own = starting();
  own.join_urls = {"http://control:8070"};
  const auto old_leader = [] {
    auto advert = neighbour("old", Role::leader);
    advert.epoch = 2;
    return advert;
  }();
  CHECK(joins(own, sees({neighbour("a", Role::member), old_leader, neighbour("z", Role::leader)})) ==
        "z:7000");
  CHECK(joins(own, sees({neighbour("b", Role::member), neighbour("a", Role::member)})) == "a:7000");
}

TEST_CASE("a neighbour that does not answer is left out until nobody is left", "[S2-04][S2-05][S2-06]") {
  auto own = starting();
  own.join_urls = {"http://one:8070", "http://two:8070"};
  auto other = neighbour("x", Role::member, "c2");
  other.created_at = kNoon + Millis{1};
  auto sight = sees({neighbour("z", Role::leader), neighbour("a", Role::member), other}, kWaits.listen);
  for (const auto* next_one : {"z:7000", "a:7000", "x:7000", "http://one:8070", "http://two:8070"}) {
    CHECK(joins(own, sight) == next_one);
    sight.failed.insert(next_one);
  }
  // They may be busy: whoever is there gets no rival at once, and whoever was does not hold a new one up for
  // ever.
  CHECK(searches_until(own, sight) == kWaits.listen + kWaits.unanswered);
  sight.searched = kWaits.listen + kWaits.unanswered;
  CHECK(is<Begin>(next(own, sight)));
  sight.adverts.clear();
  sight.searched = kWaits.silence;
  CHECK(is<Begin>(next(own, sight)));
}

TEST_CASE("a join URL waits until neighbours would have been heard", "[S2-04][S2-05]") {
  auto own = starting();
  own.join_urls = {"", "http://control:8070"};
  CHECK(searches_until(own, sees({})) == kWaits.listen);
  CHECK(joins(own, sees({}, kWaits.listen)) == "http://control:8070");
  own.listens = false;
  CHECK(joins(own, sees({})) == "http://control:8070");
}

TEST_CASE("without multicast and without a URL nobody is waited for long", "[S2-06]") {
  auto own = starting();
  own.listens = false;
  CHECK(is<Begin>(next(own, sees({}))));
}

TEST_CASE("a neighbour of another CA, or without one, is nobody's business") {
  auto own = starting();
  auto other = neighbour("a", Role::leader);
  other.ca = "fedcba9876543210";
  auto without = neighbour("b", Role::leader);
  without.ca.clear();
  CHECK(searches_until(own, sees({other, without})));
  own.ca.clear();
  CHECK(searches_until(own, sees({other, without})));
  CHECK(is<Stay>(next(with_cluster("c2", Log::bare), sees({other, without}))));
}

TEST_CASE("for development two nodes join without a CA, on loopback only") {
  auto own = starting();
  own.ca.clear();
  own.dev = true;
  auto local = neighbour("a", Role::leader), far = neighbour("b", Role::leader);
  local.dev = far.dev = true;
  local.ca.clear();
  far.ca.clear();
  for (const auto* host : {"127.0.0.1:7000", "127.0.0.2:7000", "localhost:7000", "[::1]:7000"}) {
    local.address = host;
    CHECK(joins(own, sees({far, local})) == host);
  }
  CHECK(joins(own, sees({far})).empty());
  local.dev = false;
  CHECK(joins(own, sees({local})).empty());
}

TEST_CASE("a node that is told to be alone asks nobody") {
  auto own = starting();
  own.alone = true;
  own.join_urls = {"http://control:8070"};
  CHECK(is<Begin>(next(own, sees({neighbour("a", Role::leader)}))));
  auto bare = with_cluster("c2", Log::bare);
  bare.alone = true;
  CHECK(is<Stay>(next(bare, sees({neighbour("a", Role::leader)}))));
}

TEST_CASE("a node that has a history stays with its cluster") {
  auto own = with_cluster("c9", Log::history);
  own.join_urls = {"http://control:8070"};
  const auto step = next(own, sees({neighbour("a", Role::leader)}, Millis{60'000}));
  REQUIRE(is<Stay>(step));
  CHECK(std::get<Stay>(step).rival == "c1");
}

TEST_CASE("a rival is another cluster of the same CA that has a history, too") {
  const auto own = with_cluster("c1", Log::history);
  auto bare = neighbour("a", Role::leader, "c2");
  bare.bare = true;
  for (const auto& advert : {bare, neighbour("b", Role::leader, "c1"), neighbour("c", Role::searching)})
    CHECK(std::get<Stay>(next(own, sees({advert}))).rival.empty());
}

TEST_CASE("a node whose log is gone goes back to its cluster, and begins none") {
  const auto own = with_cluster("c2", Log::empty);
  CHECK(searches_until(own, sees({neighbour("a", Role::leader)}, Millis{600'000})) == Millis::max());
  CHECK(joins(own, sees({neighbour("a", Role::leader), neighbour("b", Role::member, "c2")})) == "b:7000");
  auto told = own;
  told.join_urls = {"http://control:8070"};
  CHECK(joins(told, sees({}, kWaits.listen)) == "http://control:8070");
}

TEST_CASE("what another process says under the node's own id is not followed") {
  CHECK(searches_until(starting("a"), sees({neighbour("a", Role::leader)})));
}

TEST_CASE("of several that search the one that started first begins", "[S2-06]") {
  auto own = starting("n2");
  auto earlier = neighbour("n3", Role::searching), later = neighbour("n1", Role::searching);
  earlier.created_at = kNoon - Millis{1};
  later.created_at = kNoon + Millis{1};
  CHECK(searches_until(own, sees({later})) == kWaits.listen);
  CHECK(searches_until(own, sees({later, earlier})) == kWaits.listen + kWaits.step);
  SECTION("started in one moment, by node") {
    CHECK(searches_until(own, sees({neighbour("n1", Role::searching)})) == kWaits.listen + kWaits.step);
    CHECK(searches_until(own, sees({neighbour("n3", Role::searching)})) == kWaits.listen);
  }
  SECTION("however many go first, it does not wait for ever") {
    std::vector<Advert> many;
    for (int i = 0; i < 100; i++) many.push_back(neighbour("m" + std::to_string(i), Role::searching));
    CHECK(searches_until(own, sees(many)) == kWaits.listen + static_cast<int>(kWaits.steps) * kWaits.step);
  }
  SECTION("nobody waits for those it would not join") {
    earlier.ca = "fedcba9876543210";
    CHECK(searches_until(own, sees({earlier})) == kWaits.silence);
  }
}

TEST_CASE("a bare cluster gives way to an older one of its CA that answers, and to one with a history",
          "[S0-07]") {
  auto own = with_cluster("c2", Log::bare);
  auto other = neighbour("a", Role::leader, "c1");
  other.bare = true;
  SECTION("older by its time") {
    other.cluster = "c9";
    other.created_at = kNoon - Millis{1};
  }
  SECTION("older by its id") {}
  SECTION("with a history") {
    other.bare = false;
    other.created_at = kNoon + Millis{1000};
  }
  auto sight = sees({other});
  const auto step = next(own, sight);
  REQUIRE(is<GiveWay>(step));
  CHECK(std::get<GiveWay>(step).target == Target{other.cluster, "a:7000", "http://a:8070"});
  sight.failed = {"a:7000"};
  CHECK(is<Stay>(next(own, sight)));
}

TEST_CASE("a bare cluster stays when the other is bare and younger, unless a URL names it, or its own") {
  const auto own = with_cluster("c2", Log::bare);
  auto other = neighbour("a", Role::leader, "c1");
  other.bare = true;
  other.created_at = kNoon + Millis{1};
  CHECK(is<Stay>(next(own, sees({other}))));
  CHECK(is<Stay>(next(own, sees({neighbour("a", Role::member, "c2")}))));
  other.named = true;
  CHECK(is<GiveWay>(next(own, sees({other}))));
  CHECK(is<Stay>(next(with_cluster("c2", Log::history), sees({other}))));
}

TEST_CASE("of clusters of one CA that see each other at most those with a history stay, else exactly one",
          "[S0-07]") {
  CHECK(rc::check("any number of clusters", [] {
    struct Cluster {
      int id, created;
      bool bare;
    };
    const auto count = *rc::gen::inRange(2, 6);
    std::vector<Cluster> clusters;
    for (int i = 0; i < count; i++)
      clusters.push_back({i, *rc::gen::inRange(0, 3), *rc::gen::arbitrary<bool>()});
    std::vector<Advert> adverts;
    for (const auto& cluster : clusters) {
      auto advert =
        neighbour("n" + std::to_string(cluster.id), Role::leader, "c" + std::to_string(cluster.id));
      advert.created_at = kNoon + Millis{cluster.created};
      advert.bare = cluster.bare;
      adverts.push_back(advert);
    }
    std::vector<int> staying;
    for (const auto& cluster : clusters) {
      auto own = with_cluster("c" + std::to_string(cluster.id), cluster.bare ? Log::bare : Log::history);
      own.node = "n" + std::to_string(cluster.id);
      own.created_at = kNoon + Millis{cluster.created};
      const auto step = next(own, sees(adverts));
      RC_ASSERT(is<Stay>(step) || is<GiveWay>(step));
      if (is<Stay>(step)) staying.push_back(cluster.id);
      if (!cluster.bare) RC_ASSERT(is<Stay>(step));
    }
    const auto with_history =
      std::count_if(clusters.begin(), clusters.end(), [](auto& c) { return !c.bare; });
    RC_ASSERT(static_cast<long>(staying.size()) == std::max(1L, static_cast<long>(with_history)));
  }));
}

namespace {

/// Nodes that start close together on one network, in steps of 10 ms; an advert takes `delay` to be seen.
class Network {
public:
  Network(const std::vector<int>& starts, int delay) : delay_(delay) {
    for (size_t i = 0; i < starts.size(); i++) {
      Node node;
      node.own = starting("n" + std::to_string(i));
      node.own.created_at = kNoon + Millis{starts[i]};
      node.starts = starts[i];
      nodes_.push_back(node);
    }
  }

  void run(int until) {
    for (int now = 0; now <= until; now += 10)
      for (size_t i = 0; i < nodes_.size(); i++)
        if (now >= nodes_[i].starts) act(i, now);
  }

  [[nodiscard]] std::set<std::string> clusters() const {
    std::set<std::string> ids;
    for (const auto& node : nodes_) ids.insert(node.own.cluster);
    return ids;
  }

  int begun = 0, gave_way = 0;

private:
  struct Node {
    Own own;
    int starts = 0;
    std::map<int, Advert> said;  // By when it can be seen.
  };

  void act(size_t i, int now) {
    auto& node = nodes_[i];
    if (node.said.empty()) say(node, now, Role::searching);
    Sight sight;
    sight.searched = Millis{now - node.starts};
    for (size_t k = 0; k < nodes_.size(); k++) {
      const auto& said = nodes_[k].said;
      const auto after = said.upper_bound(now);
      if (k != i && after != said.begin()) sight.adverts.push_back(std::prev(after)->second);
    }
    const auto step = next(node.own, sight);
    if (is<Begin>(step)) {
      begun++;
      node.own.cluster = "c-" + node.own.node;
      node.own.log = Log::bare;
      node.own.created_at = kNoon + Millis{now};
      say(node, now, Role::leader);
    } else if (is<Join>(step) || is<GiveWay>(step)) {
      if (is<GiveWay>(step)) gave_way++;
      const auto& target = is<Join>(step) ? std::get<Join>(step).target : std::get<GiveWay>(step).target;
      const auto asked = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& other) {
        return target.address == other.own.node + ":7000";
      });
      node.own.cluster = asked->own.cluster;  // Which it may have joined since.
      for (auto& other : nodes_)              // Its log has a member more now.
        if (other.own.cluster == node.own.cluster) {
          other.own.log = Log::history;
          say(other, now, "c-" + other.own.node == other.own.cluster ? Role::leader : Role::member);
        }
    }
  }

  void say(Node& node, int now, Role role) {
    auto advert = neighbour(node.own.node, role, node.own.cluster);
    advert.created_at = node.own.created_at;
    advert.bare = node.own.log == Log::bare;
    node.said[now + delay_] = advert;
  }

  int delay_;
  std::vector<Node> nodes_;
};

}  // namespace

TEST_CASE("nodes that are started at once and soon see each other become one cluster within three seconds",
          "[S0-07][S2-06]") {
  CHECK(rc::check("three to five nodes", [] {
    std::vector<int> starts(static_cast<size_t>(*rc::gen::inRange(3, 6)));
    for (auto& start : starts) start = *rc::gen::inRange(0, 30) * 10;
    Network network(starts, *rc::gen::inRange(1, 90) * 10);
    network.run(3000);
    RC_ASSERT(network.clusters().size() == 1U);
    RC_ASSERT(network.begun == 1);
    RC_ASSERT(network.gave_way == 0);
  }));
}

TEST_CASE("two nodes that see each other late become one cluster all the same", "[S0-07]") {
  CHECK(rc::check("two nodes", [] {
    Network network({*rc::gen::inRange(0, 300) * 10, 0}, *rc::gen::inRange(1, 500) * 10);
    network.run(15'000);
    RC_ASSERT(network.clusters().size() == 1U);
    RC_ASSERT(network.begun == 1 + network.gave_way);
  }));
}

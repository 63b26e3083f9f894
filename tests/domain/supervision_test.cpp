// Shows what follows when services start, end, hang or change: given inputs and a clock, no process anywhere.
#include "domain/supervision.hpp"

#include <map>
#include <set>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::supervision;
using Strings = std::vector<std::string>;

namespace {

plan::App app(std::string name, std::vector<std::string> after = {}, std::string restart = "always") {
  plan::App made;
  made.name = std::move(name);
  made.kind = "go";
  made.command = {"./run"};
  made.after = std::move(after);
  made.restart = std::move(restart);
  return made;
}

plan::App with_health(plan::App made, int timeout = 30) {
  made.health = plan::Health{"http://127.0.0.1:1/health", 5, timeout};
  return made;
}

/// A node of the test's: the state, the clock, and short words for what was done.
struct Node {
  Node() { state.life = "l"; }
  State state;
  Tick now{0};
  Limits limits;
  std::vector<services::Event> facts;

  /// "start a", "stop b", "kill c", "probe d".
  Strings operator()(const Input& input) {
    Strings words;
    for (const auto& action : step(state, input, now, limits))
      match(action)([&](const Start& a) { words.push_back("start " + a.name); },
                    [&](const Stop& a) { words.push_back("stop " + a.name); },
                    [&](const Kill& a) { words.push_back("kill " + a.name); },
                    [&](const Probe& a) { words.push_back("probe " + a.name); },
                    [&](const Note& a) { facts.push_back(a.fact); });
    return words;
  }
  Strings later(Millis millis) {
    now += millis;
    return (*this)(Clock{});
  }
  Strings planned(std::vector<plan::App> apps, std::string generation = "g") {
    return (*this)(Plan{std::move(generation), std::move(apps)});
  }
  [[nodiscard]] const Service& of(const std::string& name) const {
    for (const auto& service : state.services)
      if (service.app.name == name) return service;
    FAIL("no service " << name);
    return state.services.front();
  }
  Strings up(const std::string& name) { return (*this)(Up{name, of(name).run, "process", 7}); }
  Strings healthy(const std::string& name) { return (*this)(supervision::Healthy{name, of(name).run}); }
  Strings ended(const std::string& name, uint64_t code = 0) {
    return (*this)(Ended{name, of(name).run, true, code, 0});
  }
  template <class Fact>
  [[nodiscard]] size_t count() const {
    size_t n = 0;
    for (const auto& fact : facts) n += std::holds_alternative<Fact>(fact) ? 1 : 0;
    return n;
  }
  template <class Fact>
  [[nodiscard]] Fact last() const {
    for (auto at = facts.rbegin(); at != facts.rend(); ++at)
      if (const auto* found = std::get_if<Fact>(&*at)) return *found;
    FAIL("no such fact");
    return {};
  }
};

}  // namespace

TEST_CASE("services start in the order of the plan, each once the one before is healthy", "[S2-12][S2-75]") {
  Node node;
  CHECK(node.planned({with_health(app("store")), app("api", {"store"}), app("web")}) ==
        Strings{"start store"});
  CHECK(node.up("store") == Strings{"probe store"});
  CHECK(node.later(Millis{20'000}).empty());
  CHECK(node.healthy("store") == Strings{"start api"});
  CHECK(node.up("api") == Strings{"start web"});
  CHECK(node.count<services::Applied>() == 0);
  CHECK(node.up("web").empty());
  CHECK(node.last<services::Applied>().generation == "g");
  CHECK(running(node.state) == Strings{"store", "api", "web"});
}

TEST_CASE("a service that fails holds up those after it, until it is well", "[S2-75]") {
  Node node;
  node.planned({app("a"), app("b")});
  CHECK(node(NotStarted{"a", node.of("a").run, "no such file"}).empty());
  CHECK(node.last<services::Failed>().message == "no such file");
  CHECK(node.later(Millis{1'000}) == Strings{"start a"});
  CHECK(node.up("a") == Strings{"start b"});
  node.up("b");
  CHECK(node.ended("a", 1).empty());
  CHECK(node.ended("b", 1).empty());
  CHECK(node.later(Millis{1'000}) == Strings{"start b"});  // Its first end; the other one's second.
  CHECK(node.later(Millis{1'000}) == Strings{"start a"});
}

TEST_CASE("what a plan no longer has is stopped, dependents first, and killed after its grace", "[S2-12]") {
  Node node;
  node.planned({app("a"), app("b", {"a"}), app("c")});
  node.up("a"), node.up("b"), node.up("c");
  CHECK(node.planned({app("c")}, "g2") == Strings{"stop b"});
  CHECK(node.later(Millis{9'999}).empty());
  CHECK(node.later(Millis{1}) == Strings{"kill b"});
  CHECK(node(Ended{"b", node.of("b").run, true, 0, 9}) == Strings{"stop a"});
  CHECK(node.last<services::Stopped>().reason == "removed");
  CHECK(node.last<services::Stopped>().killed);
  node.ended("a");
  CHECK_FALSE(node.last<services::Stopped>().killed);
  CHECK(running(node.state) == Strings{"c"});
  CHECK(node.count<services::Exited>() == 0);
}

TEST_CASE("a changed service is restarted, the others are left alone", "[S2-12]") {
  Node node;
  node.planned({app("a"), app("b", {"a"})});
  node.up("a"), node.up("b");
  auto changed = app("a");
  changed.env["X"] = "1";
  CHECK(node.planned({changed, app("b", {"a"})}, "g2") == Strings{"stop a"});
  CHECK(node.ended("a") == Strings{"start a"});
  CHECK(node.last<services::Stopped>().reason == "changed");
  CHECK(node.up("a").empty());
  CHECK(node.last<services::Applied>().generation == "g2");
  CHECK(node.planned({changed, app("b")}, "g3").empty());  // Only the order says something else.
}

TEST_CASE("what still runs from an earlier life is left alone when the plan says the same", "[S2-12]") {
  Node node;
  node(Found{app("a"), "old-1", Found::Was::healthy});
  node(Found{app("b"), "old-2", Found::Was::healthy});
  node(Found{app("once", {}, "no"), "", Found::Was::done});
  CHECK(running(node.state) == Strings{"a", "b"});
  auto other = app("b");
  other.command = {"./other"};
  CHECK(node.planned({app("a"), other, app("once", {}, "no")}) == Strings{"stop b"});
  CHECK(node.of("a").run == "old-1");
  CHECK(node.ended("b") == Strings{"start b"});
  CHECK(node.up("b").empty());
}

TEST_CASE("another cluster's log is told again what runs, and what ended, once") {
  Node node;
  node(Found{app("a"), "old-1", Found::Was::healthy, "process", 41, "first"});
  node(Found{app("once", {}, "no"), "old-2", Found::Was::done, "", 0, "first"});
  const std::vector<plan::App> apps{app("a"), app("once", {}, "no"), with_health(app("b"))};
  const auto facts_of = [&](const std::string& cluster) {
    node.facts.clear();
    node(Plan{"g", apps, cluster});
    return node.facts.size();
  };
  CHECK(facts_of("first") == 0);
  node.up("b");
  CHECK(facts_of("") == 0);  // It does not say who it is.
  CHECK(facts_of("first") == 0);
  CHECK(facts_of("second") == 4);
  CHECK(std::get<services::Started>(node.facts[0]).run == "old-1");
  CHECK(std::get<services::Started>(node.facts[0]).pid == 41);
  CHECK(std::get<services::Healthy>(node.facts[1]).run == "old-1");
  CHECK(std::get<services::Exited>(node.facts[2]).run == "old-2");
  CHECK(std::get<services::Exited>(node.facts[2]).done);
  CHECK(std::get<services::Started>(node.facts[3]).run == node.of("b").run);
  CHECK(facts_of("second") == 0);
  node.healthy("b");
  CHECK(node.count<services::Applied>() == 1);
  CHECK(facts_of("third") == 6);
  CHECK(node.last<services::Applied>().generation == "g");
}

TEST_CASE("what was still starting in an earlier life has its time", "[S2-12]") {
  Node node;
  node(Found{app("a"), "old-1", Found::Was::starting});
  CHECK(node.planned({app("a")}).empty());
  CHECK(node.count<services::Failed>() == 0);
  CHECK(node.up("a").empty());
  CHECK(node.of("a").phase == Phase::running);
}

TEST_CASE("restart policies: always, on-failure, no") {
  Node node;
  node.planned({app("always"), app("failure", {}, "on-failure"), app("no", {}, "no"), app("unsaid", {}, "")});
  node.up("always"), node.up("failure"), node.up("no"), node.up("unsaid");
  node.ended("failure", 0);
  CHECK(node.last<services::Exited>().done);
  node.ended("no", 3);
  CHECK(node.of("no").phase == Phase::failed);
  node.ended("always", 0), node.ended("unsaid", 0);
  CHECK_FALSE(node.last<services::Exited>().done);
  CHECK(node.later(Millis{1'000}) == Strings{"start always", "start unsaid"});

  Node other;
  other.planned({app("failure", {}, "on-failure")});
  other.up("failure");
  other.ended("failure", 3);
  CHECK(other.later(Millis{1'000}) == Strings{"start failure"});
}

TEST_CASE("pauses double, and five ends within ten minutes are a crash loop") {
  Node node;
  node.planned({app("a")});
  for (const int pause : {1, 2, 4, 8}) {
    node.up("a");
    CHECK(node.ended("a", 1).empty());
    CHECK(node.later(Millis{pause * 1000 - 1}).empty());
    CHECK(node.later(Millis{1}) == Strings{"start a"});
  }
  node.up("a");
  node.ended("a", 1);
  CHECK(node.last<services::Failed>().reason == "crash_loop");
  CHECK(node.of("a").phase == Phase::crash_loop);
  CHECK(node.later(Millis{299'999}).empty());
  CHECK(node.later(Millis{1}) == Strings{"start a"});
  CHECK(node.count<services::Failed>() == 1);

  auto mended = app("a");
  mended.command = {"./mended"};
  node.up("a");
  node.ended("a", 1);
  CHECK(node.planned({mended}, "g2") == Strings{"start a"});  // Another app: at once.
}

TEST_CASE("health that does not come in time is a failure, and the service begins anew", "[S2-75]") {
  Node node;
  node.planned({with_health(app("a"), 40), app("b")});
  node.up("a");
  CHECK(node.later(Millis{39'999}).empty());
  CHECK(node.later(Millis{1}) == Strings{"stop a"});
  CHECK(node.last<services::Failed>().message == "health timeout");
  CHECK(node.ended("a").empty());
  CHECK(node.last<services::Stopped>().reason == "unhealthy");
  CHECK(node.later(Millis{1'000}) == Strings{"start a"});
  CHECK(node.up("a") == Strings{"probe a"});
  CHECK(node(supervision::Healthy{"a", "l-1"}).empty());  // Of the instance before.
  CHECK(node.healthy("a") == Strings{"start b"});
}

namespace {

/// Plays an executor: what runs by name, and breaks when two of one name do.
struct World {
  Node node;
  std::map<std::string, std::string> there;  // Name to run: started and not ended.
  std::vector<std::string> stops;

  void act(const Input& input) {
    for (const auto& action : step(node.state, input, node.now, node.limits))
      match(action)(
        [&](const Start& a) {
          RC_ASSERT(!there.contains(a.name));
          there[a.name] = a.run;
        },
        [&](const Stop& a) {
          RC_ASSERT(there.at(a.name) == a.run);
          stops.push_back(a.name);
        },
        [&](const Kill& a) { RC_ASSERT(there.at(a.name) == a.run); },
        [&](const Probe& a) { RC_ASSERT(there.at(a.name) == a.run); }, [](const Note&) {});
  }
};

std::vector<plan::App> some_apps() {
  std::vector<plan::App> apps;
  for (const auto* name : {"a", "b", "c", "d", "e"}) {
    if (*rc::gen::inRange(0, 3) == 0) continue;
    auto made = app(name, {}, *rc::gen::element<std::string>("always", "on-failure", "no", ""));
    for (const auto& before : apps)
      if (*rc::gen::inRange(0, 3) == 0) made.after.push_back(before.name);
    if (*rc::gen::inRange(0, 2) == 0) made = with_health(made);
    made.env["V"] = *rc::gen::element<std::string>("1", "2");
    apps.push_back(std::move(made));
  }
  return apps;
}

void something_happens(World& world, uint64_t& plans) {
  const auto pick = [&]() -> std::pair<std::string, std::string> {
    if (world.there.empty()) return {"a", "none"};
    const auto at = *rc::gen::inRange<size_t>(0, world.there.size());
    return *std::next(world.there.begin(), static_cast<std::ptrdiff_t>(at));
  };
  const auto [name, run] = pick();
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return world.act(Plan{"g" + std::to_string(++plans), some_apps()});
    case 1:
      return world.act(Up{name, run, "process", 7});
    case 2:
      return world.act(supervision::Healthy{name, run});
    case 3:
      world.there.erase(name);
      return world.act(Ended{name, run, *rc::gen::inRange(0, 2) == 0, *rc::gen::inRange<uint64_t>(0, 2), 0});
    case 4:
      world.there.erase(name);
      return world.act(NotStarted{name, run, "why"});
    case 5:
      return world.act(Up{name, "stale", "process", 7});
    default:
      world.node.now += Millis{*rc::gen::element(1, 1'000, 10'000, 60'000, 400'000)};
      return world.act(Clock{});
  }
}

/// Everything answers at once from here on, until nothing follows any more.
void calm_down(World& world) {
  for (int round = 0; round < 400; round++) {
    for (const auto& service : std::vector<Service>(world.node.state.services)) {
      if (!service.live()) continue;
      if (service.phase == Phase::starting) world.act(Up{service.app.name, service.run, "process", 7});
      if (service.phase == Phase::settling) world.act(supervision::Healthy{service.app.name, service.run});
      if (service.phase == Phase::stopping) {
        world.there.erase(service.app.name);
        world.act(Ended{service.app.name, service.run, true, 0, 15});
      }
    }
    const auto& all = world.node.state.services;
    if (std::any_of(all.begin(), all.end(),
                    [](const Service& s) { return s.live() && s.phase != Phase::running; }))
      continue;  // Somebody is waited for, who answers in the next round.
    if (const auto due = next_due(world.node.state)) world.node.now = std::max(world.node.now, *due);
    world.act(Clock{});
  }
}

}  // namespace

TEST_CASE("whatever happens, no service ever runs twice, and only what runs is stopped", "[S2-12]") {
  CHECK(rc::check("any plans, starts, ends, delays and late answers", [] {
    World world;
    uint64_t plans = 0;
    const auto events = *rc::gen::inRange(0, 120);
    for (int i = 0; i < events; i++) something_happens(world, plans);
  }));
}

TEST_CASE("after whatever happened, what runs becomes what the last plan says", "[S2-43]") {
  CHECK(rc::check("any history, then calm", [] {
    World world;
    uint64_t plans = 0;
    const auto events = *rc::gen::inRange(0, 80);
    for (int i = 0; i < events; i++) something_happens(world, plans);
    auto last = some_apps();
    for (auto& one : last) one.restart = "always";
    world.act(Plan{"last", last});
    calm_down(world);
    std::set<std::string> desired, there;
    for (const auto& one : last) desired.insert(one.name);
    for (const auto& [name, run] : world.there) there.insert(name);
    RC_ASSERT(there == desired);
    for (const auto& service : world.node.state.services) {
      RC_ASSERT(service.phase == Phase::running);
      RC_ASSERT(service.run_hash == service.hash);
    }
    RC_ASSERT(world.node.state.told);
  }));
}

TEST_CASE("services stop in the reverse of the order they started in", "[S2-12]") {
  CHECK(rc::check("any dependencies", [] {
    World world;
    auto apps = some_apps();
    world.act(Plan{"g", apps});
    calm_down(world);
    world.stops.clear();
    world.act(Plan{"none", {}});
    calm_down(world);
    RC_ASSERT(world.there.empty());
    RC_ASSERT(world.stops.size() == apps.size());
    std::map<std::string, size_t> place;
    for (size_t i = 0; i < world.stops.size(); i++) place[world.stops[i]] = i;
    for (const auto& one : apps)
      for (const auto& before : one.after) RC_ASSERT(place.at(one.name) < place.at(before));
  }));
}

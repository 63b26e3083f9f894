// Rounds in virtual time, above fakes of backends that take long, or say nothing: who waits for whom.
#include "actors/reconciler_rounds.hpp"

#include <catch2/catch.hpp>

#include "tests/actors/reconciler_chain.hpp"

using namespace muster;
using namespace muster::actors;
using environment::Component;
using environment::Report;
using std::chrono::seconds;

namespace {

using Words = std::vector<std::string>;

/// Says nothing for ten seconds, three times in a look.
void silence(FakeBackend& fake) {
  fake.away = true;
  fake.takes = seconds{10};
  fake.resources = 3;
}

/// The next time that somebody waits for this one, `what` is done in the middle of it.
void meanwhile(Chain& chain, FakeBackend& fake, std::function<void()> what) {
  fake.pass = [&chain, &fake, what = std::move(what)](Millis time) {
    fake.pass = [&chain](Millis rest) { chain.advance(rest); };
    chain.advance(time / 2);
    what();
    chain.advance(time / 2);
  };
}

std::vector<Report> of(const std::vector<Report>& all, Component component) {
  std::vector<Report> some;
  std::ranges::copy_if(all, std::back_inserter(some),
                       [&](const Report& report) { return report.component == component; });
  return some;
}

/// The longest time from a look to the next.
Millis longest_gap(const std::vector<Report>& reports) {
  Millis longest{0};
  for (size_t i = 1; i < reports.size(); i++) longest = std::max(longest, reports[i].at - reports[i - 1].at);
  return longest;
}

}  // namespace

TEST_CASE("a server that says nothing holds up the others for a second, and later not at all", "[S2-76]") {
  Chain chain;
  silence(chain.fakes[0]);
  const auto begun = chain.now();
  chain.begin({});
  REQUIRE(chain.told.size() >= 3);
  for (const auto component : {Component::broker, Component::index})
    CHECK(of(chain.told, component).at(0).at - begun <= Millis{1'200});
  CHECK(of(chain.told, Component::storage).at(0).took == seconds{30});
  chain.advance(std::chrono::minutes{5});
  for (const auto component : {Component::broker, Component::index}) {
    CHECK(of(chain.told, component).size() >= 10);
    CHECK(longest_gap(of(chain.told, component)) <= seconds{31});
  }
  CHECK(of(chain.told, Component::storage).size() >= 5);
}

TEST_CASE("one that begins to say nothing while all is well holds up nobody's interval", "[S2-76]") {
  for (const size_t silent : {0, 1, 2}) {
    Chain chain;
    chain.begin({});
    silence(chain.fakes[silent]);
    chain.advance(std::chrono::minutes{3});
    for (const size_t other : {0, 1, 2}) {
      if (other != silent) CHECK(longest_gap(of(chain.told, environment::kComponents[other])) <= seconds{31});
    }
  }
}

TEST_CASE("a pause is heard, and one component looked at alone, while another's server says nothing") {
  Chain chain;
  chain.begin({});
  silence(chain.fakes[0]);
  Words calls;
  std::vector<Report> alone;
  meanwhile(chain, chain.fakes[0], [&] {
    chain.fakes[2].made = false;
    alone = chain.look(false, Component::index);
    chain.desired =
      std::make_shared<const Desired>(Desired{{}, "g-1", {{Component::broker, "paused by anna"}}});
    chain.calls.clear();
    chain.begin({});
    calls = chain.calls;
  });
  chain.advance(seconds{31});
  REQUIRE(alone.size() == 1);
  CHECK(alone[0].rows.at(0).status == "changed");
  CHECK(calls == Words{"index?"});
  CHECK(of(chain.told, Component::broker).back().rows.at(0).status == "paused");
  CHECK(of(chain.told, Component::broker).back().at <
        of(chain.told, Component::storage).back().at + seconds{30});
}

TEST_CASE("a pause is heard at once by those that are paused, whoever is made before them") {
  Chain chain;
  chain.fakes[0].takes = Millis{900};
  chain.fakes[0].resources = 20;
  meanwhile(chain, chain.fakes[0], [&] {
    chain.desired =
      std::make_shared<const Desired>(Desired{{}, "g-1", {{Component::broker, "paused by anna"}}});
    chain.begin({});
    CHECK(chain.told.size() == 1);
  });
  chain.begin({});
  CHECK(chain.told.at(0).component == Component::broker);
  CHECK(chain.told.at(0).rows.at(0).status == "paused");
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "broker?") == 0);
  CHECK(chain.calls.back() == "index!");
}

TEST_CASE("a look that a person asked for has all reports, in order, also of who says nothing", "[S2-44]") {
  for (const bool dry_run : {true, false}) {
    Chain chain;
    silence(chain.fakes[1]);
    const auto begun = chain.now();
    const auto reports = chain.look(dry_run);
    REQUIRE(reports.size() == 3);
    for (size_t i = 0; i < 3; i++) CHECK(reports[i].component == environment::kComponents[i]);
    CHECK(reports[1].count("unreachable") == 3);
    CHECK(reports[2].at - begun <= Millis{1'200});
    CHECK(reports[2].rows.at(0).status == "changed");
    CHECK(reports[2].dry_run == dry_run);
  }
}

TEST_CASE("a prune has all reports, in order, also of who takes long", "[S2-44]") {
  Chain chain;
  chain.fakes[0].takes = seconds{10};
  Round round;
  environment::Removals removals;
  for (const auto component : environment::kComponents) removals[component] = {{"tag", "media", "owner"}};
  round.removals = std::make_shared<const environment::Removals>(std::move(removals));
  std::vector<Report> got;
  round.then = [&](std::vector<Report> reports) { got = std::move(reports); };
  chain.begin(std::move(round));
  REQUIRE(got.size() == 3);
  for (size_t i = 0; i < 3; i++) {
    CHECK(got[i].component == environment::kComponents[i]);
    CHECK(got[i].added().size() == 1);
  }
  CHECK(chain.told.empty());
}

TEST_CASE("while a server answers, however many resources it has, the next component waits for it",
          "[S2-18]") {
  Chain chain;
  chain.fakes[0].takes = Millis{900};
  chain.fakes[0].resources = 50;
  chain.begin({});
  CHECK(std::is_sorted(chain.calls.begin(), chain.calls.end(), [](const auto& a, const auto& b) {
    return a.starts_with("storage") && !b.starts_with("storage");
  }));
  CHECK(of(chain.told, Component::storage).at(0).took >= seconds{45});
  CHECK(chain.told.at(0).component == Component::storage);
  // The interval's rounds make up for what is lost: they need not wait.
  chain.advance(std::chrono::minutes{5});
  auto later = of(chain.told, Component::broker);
  later.erase(later.begin());
  CHECK(longest_gap(later) <= seconds{31});
}

TEST_CASE("a server that was silent and is well again comes first again", "[S2-18]") {
  Chain chain;
  silence(chain.fakes[0]);
  chain.begin({});
  chain.fakes[0].away = false;
  chain.fakes[0].takes = Millis{0};
  chain.advance(seconds{31});
  CHECK(chain.fakes[0].made);
  for (auto& fake : chain.fakes) fake.made = false;
  chain.fakes[0].takes = Millis{800};
  chain.calls.clear();
  (void)chain.look(false);  // Who asks for it waits in order; the interval would not.
  CHECK(chain.calls == Words{"storage?", "storage?", "storage?", "storage!", "storage!", "storage!",
                             "broker?", "broker!", "index?", "index!"});
}

TEST_CASE("profiles that come while a server says nothing do not pile up before it: it looks for the last") {
  Chain chain;
  silence(chain.fakes[0]);
  meanwhile(chain, chain.fakes[0], [&] {
    for (int i = 2; i < 12; i++) {
      chain.desired = std::make_shared<const Desired>(Desired{{}, "g-" + std::to_string(i)});
      chain.begin({});
    }
    CHECK(of(chain.told, Component::index).back().generation == "g-11");
  });
  chain.begin({});
  const auto storage = of(chain.told, Component::storage);
  CHECK(storage.at(0).generation == "g-1");
  CHECK(storage.at(1).generation == "g-11");
}

TEST_CASE("who waits for a profile to be made is told so once, also when another takes its place") {
  Chain chain;
  silence(chain.fakes[0]);
  std::vector<std::string> made;
  const auto round = [&](const std::string& generation) {
    chain.desired = std::make_shared<const Desired>(Desired{{}, generation});
    Round desiring;
    desiring.then = [&made, generation](const std::vector<Report>&) { made.push_back(generation); };
    return desiring;
  };
  meanwhile(chain, chain.fakes[0], [&] {
    chain.begin(round("g-2"));
    chain.begin(round("g-3"));
    CHECK(made == Words{"g-2"});  // It had not begun.
  });
  chain.begin(round("g-1"));
  CHECK(made == Words{"g-2", "g-1", "g-3"});
}

TEST_CASE("a server that is asked for by many and says nothing is asked no more often by the interval") {
  Chain chain;
  silence(chain.fakes[0]);
  chain.begin({});
  chain.advance(std::chrono::minutes{10});
  const auto storage = of(chain.told, Component::storage);
  Millis asked{0};
  for (const auto& report : storage) asked += report.took;
  CHECK(asked <= chain.now() - storage.front().at);
  CHECK(std::ranges::any_of(storage, [](const Report& report) { return report.attempt == 5; }));
}

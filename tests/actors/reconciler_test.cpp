// Reconcilers in virtual time, above fakes of their backends: order, attempts, intervals, dry runs.
#include "actors/reconciler.hpp"

#include <set>

#include <catch2/catch.hpp>

#include "tests/actors/reconciler_chain.hpp"

using namespace muster;
using namespace muster::actors;
using environment::Component;
using environment::Outcome;
using environment::Report;

namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a round goes from storage to broker to index, and a second one changes nothing",
          "[S2-18][S2-30][S0-04]") {
  Chain chain;
  const auto first = chain.look(false);
  REQUIRE(first.size() == 3);
  CHECK(chain.calls == Words{"storage?", "storage!", "broker?", "broker!", "index?", "index!"});
  for (const auto& report : first) CHECK(report.rows.at(0).status == "changed");
  for (const auto& report : chain.look(false)) CHECK(report.rows.at(0).status == "in_sync");
}

TEST_CASE("a dry run asks the same, writes nothing, and is told to nobody but who asked", "[S2-44]") {
  Chain chain;
  for (const auto& report : chain.look(true)) CHECK(report.rows.at(0).status == "changed");
  CHECK(chain.calls == Words{"storage?", "broker?", "index?"});
  CHECK(chain.told.empty());
  CHECK(!chain.fakes[0].made);
}

TEST_CASE("what is written fails at each look until it survives a loss of power", "[S2-18]") {
  Chain chain;
  (void)chain.look(true);
  CHECK(chain.settled == 0);
  chain.unkept = {{"storage", {"cannot sync it", true}}};
  for (int looks = 1; looks <= 3; looks++) {  // Only the first one writes.
    const auto failed = chain.look(false).at(0).rows.at(0);
    CHECK(failed.status == "failed");
    CHECK(failed.detail == "it may not outlive a loss of power: cannot sync it");
    CHECK(chain.settled == looks);
  }
  CHECK(chain.look(true).at(0).rows.at(0).status == "in_sync");
  CHECK(chain.settled == 3);
  chain.unkept.clear();
  CHECK(chain.look(false).at(0).rows.at(0).status == "in_sync");
  CHECK(chain.intents.size() == 3);  // One of each component.
}

TEST_CASE("one component that does not answer holds up no other, and is asked again by itself", "[S2-76]") {
  Chain chain;
  chain.fakes[1].away = true;
  CHECK(chain.look(false).size() == 3);
  CHECK(chain.told.at(1).rows.at(0).status == "unreachable");
  CHECK(chain.told.at(2).rows.at(0).status == "changed");
  chain.calls.clear();
  chain.advance(std::chrono::milliseconds{1'100});
  CHECK(chain.calls == Words{"broker?"});
  CHECK(chain.told.back().attempt == 2);
  chain.fakes[1].away = false;
  chain.advance(std::chrono::milliseconds{2'100});
  CHECK(chain.calls == Words{"broker?", "broker?", "broker!"});
  CHECK(chain.told.back().rows.at(0).status == "changed");
  chain.advance(std::chrono::seconds{20});
  CHECK(chain.calls.size() == 3);
}

TEST_CASE("after five attempts it waits for the interval, at which all are looked at again", "[S2-76]") {
  Chain chain;
  chain.fakes[0].away = true;
  (void)chain.look(false);
  chain.advance(std::chrono::milliseconds{29'000});
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "storage?") == 5);
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "index?") == 1);
  chain.fakes[0].away = false;
  chain.advance(std::chrono::milliseconds{1'500});
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "index?") == 2);
  CHECK(chain.fakes[0].made);
}

TEST_CASE("a server that asks to be left alone for a while is", "[S2-76]") {
  Chain chain;
  chain.fakes[0].away = true;
  chain.fakes[0].throttled = Millis{7'000};
  (void)chain.look(false);
  chain.calls.clear();
  chain.advance(std::chrono::milliseconds{6'800});
  CHECK(chain.calls.empty());
  chain.advance(std::chrono::milliseconds{400});
  CHECK(chain.calls == Words{"storage?"});
}

TEST_CASE("a server that asks to be left alone for longer than the interval is, unless a person asks",
          "[S2-76]") {
  Chain chain;
  chain.fakes[0].away = true;
  chain.fakes[0].throttled = Millis{45'000};
  (void)chain.look(false);
  chain.calls.clear();
  chain.advance(std::chrono::milliseconds{44'000});
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "storage?") == 0);
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "index?") == 1);
  (void)chain.look(true);
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "storage?") == 1);
}

TEST_CASE("nothing is written in a look in which the server asked to be left alone", "[S2-76]") {
  Chain chain;
  auto& fake = chain.fakes[0];
  bool busy = true;
  const auto missing = fake.steps().at(0);
  fake.own = {missing,
              {"thing", "busy",
               [&](const environment::Ask& ask) -> Result<environment::Ensured> {
                 chain.calls.push_back(ask.dry_run ? "busy?" : "busy!");
                 if (busy) return Error{"backend.throttled", "429"};
                 return environment::Ensured{};
               },
               false, [] { return Millis{60'000}; }},
              missing};
  const auto report = chain.look(false, Component::storage).at(0);
  CHECK(chain.calls == Words{"storage?", "busy?"});
  CHECK(report.rows.at(0).detail == "nothing was written: the server asked to be left alone");
  CHECK(report.rows.at(2).detail == "not asked: the server asked to be left alone");
  CHECK(report.count("unreachable") == 3);
  CHECK_FALSE(report.wrote());
  CHECK(chain.intents.empty());
  busy = false;
  chain.calls.clear();
  chain.advance(std::chrono::milliseconds{59'900});
  CHECK(std::count(chain.calls.begin(), chain.calls.end(), "storage?") == 0);
  chain.advance(std::chrono::milliseconds{200});
  CHECK(fake.made);
}

TEST_CASE("resources with which a server fails hold up no others, whether it says so or nobody answers",
          "[S2-30]") {
  for (const auto* code : {"backend.failed", "unreachable"}) {
    Chain chain;
    std::set<std::string> made;
    for (const auto* name : {"a", "b", "c", "d", "e"})
      chain.fakes[0].own.push_back(
        {"bucket", name, [&made, code, name](const environment::Ask& ask) -> Result<environment::Ensured> {
           if (*name < 'd') return Error{code, "not this one"};
           const bool there = made.contains(name);
           if (!ask.dry_run) made.insert(name);
           return environment::Ensured{there ? Outcome::in_sync : Outcome::changed, "made"};
         }});
    (void)chain.look(false);
    chain.advance(std::chrono::milliseconds{1'100});
    CHECK(made == std::set<std::string>{"d", "e"});
    chain.advance(std::chrono::minutes{2});  // And they stay so at each look.
    for (const auto& report : chain.told)
      if (report.component == Component::storage && report.attempt > 2) CHECK(report.count("in_sync") == 2);
  }
}

TEST_CASE("what somebody takes away is back after one interval", "[S2-76]") {
  Chain chain;
  (void)chain.look(false);
  chain.fakes[2].made = false;
  chain.advance(std::chrono::milliseconds{30'200});
  CHECK(chain.fakes[2].made);
}

TEST_CASE("what nobody can see is written once, under an intent, and not at all where it is only observed") {
  for (const bool observed : {false, true}) {
    Chain chain(observed);
    chain.fakes[1].blind = true;
    CHECK(chain.look(true).at(1).rows.at(0).status == "in_sync");
    CHECK(chain.calls == Words{"storage?", "broker?", "index?"});
    for (int i = 0; i < 2; i++) {
      chain.calls.clear();
      (void)chain.look(false, Component::broker);
      const bool writes = i == 0 && !observed;
      CHECK(chain.calls == (writes ? Words{"broker?", "broker!"} : Words{"broker?"}));
    }
    CHECK(chain.fakes[1].made == !observed);
    CHECK(chain.intents.size() == (observed ? 0 : 1));
    CHECK(chain.told.back().rows.at(0).status == "in_sync");
    CHECK_FALSE(chain.told.back().wrote());
  }
}

TEST_CASE("what is only observed is told, and left as it is") {
  Chain chain{true};
  for (const auto& report : chain.look(false)) {
    CHECK(report.rows.at(0).status == "drifted");
    CHECK(report.rows.at(0).detail == "observed only: made");
  }
  CHECK(chain.calls == Words{"storage?", "broker?", "index?"});
}

TEST_CASE("the profile may say of one component that it is only observed") {
  Chain chain;
  profile::Profile profile;
  profile.modes = {{"broker", "observe"}, {"index", "enforce"}};
  chain.desired = std::make_shared<const Desired>(Desired{profile, "g-2"});
  (void)chain.look(false);
  CHECK(chain.calls == Words{"storage?", "storage!", "broker?", "index?", "index!"});
}

TEST_CASE("what is to be written is told before it is, and what is there already is not asked again",
          "[S2-45]") {
  Chain chain;
  chain.fakes[1].made = true;
  const auto reports = chain.look(false);
  CHECK(chain.calls == Words{"storage?", "storage!", "broker?", "index?", "index!"});
  REQUIRE(chain.intents.size() == 2);
  CHECK(chain.intents[0].component == "storage");
  CHECK(chain.intents[0].resources == Words{"thing storage"});
  CHECK(chain.intents[0].key == reports.at(0).told_key());
}

TEST_CASE("nothing is written when what is intended cannot be kept") {
  Chain chain;
  chain.kept = Error{"log.unwritable", "the disk is full"};
  const auto reports = chain.look(false);
  CHECK(chain.calls == Words{"storage?", "broker?", "index?"});
  CHECK(reports.at(0).rows.at(0).status == "failed");
  CHECK(reports.at(0).rows.at(0).detail == "nothing was written: the disk is full");
}

TEST_CASE("a paused component is left alone, and still shows what would be done") {
  Chain chain;
  chain.desired =
    std::make_shared<const Desired>(Desired{{}, "g-1", {{Component::broker, "paused by anna: moving it"}}});
  const auto reports = chain.look(false);
  CHECK(chain.calls == Words{"storage?", "storage!", "index?", "index!"});
  CHECK(reports.at(1).rows.at(0).status == "paused");
  CHECK(reports.at(1).rows.at(0).detail == "paused by anna: moving it");
  CHECK(environment::status_of(reports.at(1)) == "skipped");
  chain.calls.clear();
  CHECK(chain.look(true).at(1).rows.at(0).status == "changed");
  chain.desired = std::make_shared<const Desired>(Desired{{}, "g-1"});
  (void)chain.look(false);
  CHECK(chain.fakes[1].made);
}

TEST_CASE("a backend is to make nothing again by itself while its component is paused or only observed") {
  Chain chain;
  profile::Profile profile;
  profile.queues = {{"work"}};
  const auto expected = [&](profile::Profile wanted, environment::Pauses pauses) {
    chain.desired = std::make_shared<const Desired>(Desired{std::move(wanted), "g-1", std::move(pauses)});
    (void)chain.look(false);
    return chain.fakes[1].expected.queues.size();
  };
  CHECK(expected(profile, {}) == 1);
  CHECK(expected(profile, {{Component::broker, "paused by anna"}}) == 0);
  CHECK(chain.told.at(chain.told.size() - 3).rows.at(0).status == "paused");
  CHECK(expected(profile, {}) == 1);
  profile.modes = {{"broker", "observe"}};
  CHECK(expected(profile, {}) == 0);
}

TEST_CASE("a prune takes nothing away from what is paused or only observed, and says so") {
  Chain chain;
  profile::Profile profile;
  profile.modes = {{"index", "observe"}};
  chain.desired = std::make_shared<const Desired>(
    Desired{profile, "g-1", {{Component::broker, "paused by anna: moving it"}}});
  for (const bool dry : {true, false}) {
    chain.calls.clear();
    Round round;
    round.dry_run = dry;
    environment::Removals removals;
    for (const auto component : environment::kComponents) removals[component] = {{"tag", "media", "owner"}};
    round.removals = std::make_shared<const environment::Removals>(std::move(removals));
    std::vector<Report> got;
    round.then = [&](std::vector<Report> reports) { got = std::move(reports); };
    chain.begin(std::move(round));
    CHECK(chain.calls == Words{dry ? "storage goes?" : "storage goes!", "index goes?"});
    REQUIRE(got.size() == 3);
    CHECK(got[0].rows.at(0).status == "changed");
    CHECK(got[1].rows.at(0).detail == "paused by anna: moving it");
    CHECK(got[2].rows.at(0).detail == "observed only: removed");
    CHECK(got[1].added().size() + got[2].added().size() == 0);
  }
}

TEST_CASE("one component may be looked at alone") {
  Chain chain;
  const auto reports = chain.look(false, Component::broker);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].component == Component::broker);
  CHECK(chain.calls == Words{"broker?", "broker!"});
}

TEST_CASE("the idempotency key is that of node, component, generation and desired section", "[S2-45]") {
  Chain chain;
  const auto reports = chain.look(false);
  const auto hash = profile::desired_hash(Json::array());
  CHECK(reports.at(0).key == profile::idempotency_key("n1", "storage", "g-1", hash));
  CHECK(reports.at(0).key != reports.at(1).key);
}

// Who may have been deposed answers nothing by what it knows: refusals and unchanged answers wait for proof.
#include <catch2/catch.hpp>

#include "actors/deciding.hpp"
#include "actors/domains.hpp"
#include "actors/gathering.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::actors;

namespace {

/// A leader's claims domain and what gathers its decisions.
struct Leading {
  explicit Leading(bool alone) {
    gathering.alone(alone);
    auto begin = std::make_shared<Lead>();
    begin->generation = gathering.begin();
    begin->world = std::make_shared<const World>();
    deciding.lead(*begin);
  }

  /// Asks for something that is refused: nobody opened that claim.
  void ask(Proof proof = Proof::needed) {
    auto asked = std::make_shared<Ask<ClaimsDomain>>();
    asked->command = claims::Fulfill{"unknown", "hash", "n1", {}};
    asked->answer = Answer{[this](Result<Receipt> result) { told = std::move(result); }};
    deciding.ask(asked, proof);
    deciding.submit();
  }

  /// Asks for something that changes nothing and is not refused: no claim is due.
  void sweep(Proof proof = Proof::needed) {
    auto asked = std::make_shared<Ask<ClaimsDomain>>();
    asked->command = claims::Sweep{};
    asked->answer = Answer{[this](Result<Receipt> result) { told = std::move(result); }};
    deciding.ask(asked, proof);
    deciding.submit();
  }

  Entry next(const std::string& node = "n1") {
    uint64_t epoch = 0;
    return gathering.next(Time{}, node, epoch);
  }

  log::MemoryDisk disk;
  log::ChainReader chain{disk};
  KeptReplies kept{disk, "secret", Millis{60'000}};
  std::shared_ptr<Flight> flight = std::make_shared<Flight>();
  Gathering gathering{{flight}, chain, {}};
  Deciding<ClaimsDomain> deciding{{[this](const AppendsPtr& appends) {
                                     for (const auto& append : *appends) (void)gathering.take(append);
                                   },
                                   0, flight, [] { return Time{}; }, &kept, nullptr}};
  std::optional<Result<Receipt>> told;
};

}  // namespace

TEST_CASE("who leads alone refuses at once") {
  Leading leading{true};
  leading.ask();
  REQUIRE(leading.told);
  CHECK(leading.told->error().code == "claim.invalid");
  CHECK_FALSE(leading.gathering.waiting());
}

TEST_CASE("who leads among others refuses once an entry of its own is committed") {
  Leading leading{false};
  leading.ask();
  CHECK_FALSE(leading.told);
  const auto entry = leading.next();
  CHECK_FALSE(entry.body.empty());
  CHECK(entry.events == 0);
  leading.gathering.settle(entry, 0);
  REQUIRE(leading.told);
  CHECK(leading.told->error().code == "claim.invalid");
}

TEST_CASE("who lost leadership meanwhile says so instead of refusing") {
  Leading leading{false};
  leading.ask();
  const auto entry = leading.next();
  Gathering::lose_entry({"leader.lost", "gone", {}}, entry);
  REQUIRE(leading.told);
  CHECK(leading.told->error().code == "leader.lost");
}

TEST_CASE("an answer without events waits like a refusal, unless it is telemetry") {
  Leading leading{false};
  leading.sweep(Proof::not_needed);
  REQUIRE(leading.told);
  CHECK(*leading.told);
  leading.told.reset();
  leading.sweep();
  CHECK_FALSE(leading.told);
  leading.gathering.settle(leading.next(), 0);
  REQUIRE(leading.told);
  CHECK(*leading.told);
}

TEST_CASE("two leaders' entries without events differ") {
  Leading one{false}, other{false};
  one.ask();
  other.ask();
  CHECK(one.next("n1").body != other.next("n2").body);
}

TEST_CASE("an entry is acknowledged only where it was committed itself") {
  using Fate = Entry::Fate;
  Entry entry;
  entry.index = 5;
  entry.body = "own";
  CHECK_FALSE(entry.see(4, "own"));
  entry.pass(4);
  CHECK(entry.fate == Fate::open);
  SECTION("by its text") {
    CHECK(entry.see(5, "own"));
    entry.pass(6);
    CHECK(entry.fate == Fate::landed);
  }
  SECTION("another leader's text stands there") {
    CHECK_FALSE(entry.see(5, "other"));
    entry.pass(5);
    CHECK(entry.fate == Fate::overtaken);
  }
  SECTION("Raft's own entry stands there: nobody sees it, only what follows") {
    CHECK_FALSE(entry.see(6, "own"));
    entry.pass(6);
    CHECK(entry.fate == Fate::overtaken);
  }
}

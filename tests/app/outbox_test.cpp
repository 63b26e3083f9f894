// Shows that a bus is told what the log says, in order and from where it was left, whatever fails between.
#include "app/outbox.hpp"

#include <set>

#include <catch2/catch.hpp>

#include "tests/app/outbox_room.hpp"

using namespace muster;
using namespace muster::app;

namespace {

/// Fakes a bus: keeps what it takes, and refuses from a message on while it is away.
class FakeBus : public EventBus {
public:
  [[nodiscard]] const std::string& exchange() const override { return exchange_; }
  [[nodiscard]] bool wanted() const override { return wanted_; }
  [[nodiscard]] bool ready() const override { return ready_; }
  std::vector<Status> publish_many(const std::vector<BusMessage>& messages) override {
    std::vector<Status> told;
    const size_t most = takes;  // It comes back between two calls, not in one.
    for (const auto& message : messages) {
      attempts++;
      if (message.idempotency_key.empty() && refuses_beats) {
        refuses_beats();
        told.emplace_back(Error{"backend.refused", "not this topic"});
        continue;
      }
      const std::lock_guard lock{mutex};
      if (refused.contains(message.idempotency_key)) {
        told.emplace_back(Error{"bus.limit", "too large"});
      } else if (taken.size() >= most) {
        told.emplace_back(Error{"unreachable", "away"});
      } else {
        taken.push_back(message.idempotency_key);
        told.emplace_back(Done{});
      }
    }
    return told;
  }
  Result<std::unique_ptr<Subscription>> subscribe(std::string_view, OnMessage) override {
    return Error{"bus.limit", "this fake has no subscribers"};
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock{mutex};
    return taken;
  }

  mutable std::mutex mutex;
  std::vector<std::string> taken;  ///< Ids.
  std::set<std::string> refused;   ///< Ids that it will never take.
  std::atomic<size_t> takes{SIZE_MAX}, attempts{0};
  std::atomic<bool> wanted_{true}, ready_{true};
  std::function<void()> refuses_beats;  ///< When it is there: instead of taking one.

private:
  std::string exchange_ = "events";
};

struct Room : OutboxRoom {
  Room() { told_bus = bus; }
  std::shared_ptr<FakeBus> bus = std::make_shared<FakeBus>();
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("what is committed is told in order, with the cluster's id and the seq, and put on record",
          "[S2-31][S2-56]") {
  Room room;
  const auto outbox = room.outbox();
  for (int i = 0; i < 3; i++) room.add();
  outbox->wake();
  CHECK(room.told_to(3));
  CHECK(room.bus->all() == Ids{"c1/1", "c1/2", "c1/3"});
}

TEST_CASE(
  "what a bus that was away did not take is told when it is back, and nothing twice that was recorded") {
  Room room;
  room.place = 0;
  for (int i = 0; i < 5; i++) room.add();
  room.bus->takes = 2;
  const auto outbox = room.outbox();
  CHECK(room.told_to(2));
  CHECK(eventually([&] { return room.bus->attempts > 20; }));
  CHECK(room.place == 2);
  room.bus->takes = SIZE_MAX;
  CHECK(room.told_to(5));
  CHECK(room.bus->all() == Ids{"c1/1", "c1/2", "c1/3", "c1/4", "c1/5"});
}

TEST_CASE("what was sent and could not be recorded is sent again under the same id") {
  Room room;
  room.place = 0;
  room.add();
  room.keeps = false;
  {
    const auto outbox = room.outbox();
    CHECK(eventually([&] { return room.bus->all().size() == 1; }));
  }
  room.keeps = true;
  const auto next = room.outbox();
  CHECK(room.told_to(1));
  CHECK(room.bus->all() == Ids{"c1/1", "c1/1"});
}

TEST_CASE("nothing is told by a node that does not lead; who leads next goes on where it was left") {
  Room room;
  room.place = 0;
  room.mine = false;
  room.add();
  (void)room.outbox();  // It looks once more before it ends.
  CHECK(room.bus->attempts == 0);
  const auto outbox = room.outbox();
  room.add();
  room.place = 1;  // Another one told the first.
  room.mine = true;
  outbox->wake();
  CHECK(room.told_to(2));
  CHECK(room.bus->all() == Ids{"c1/2"});
}

TEST_CASE("where no place is recorded yet, who begins to lead leaves out what another one told") {
  Room room;
  room.records = false;
  room.mine = false;
  const auto outbox = room.outbox();
  for (int i = 0; i < 3; i++) room.add();
  const auto before = room.asked.load();
  REQUIRE(eventually([&] {
    outbox->wake();
    return room.asked >= before + 2;
  }));
  room.mine = true;
  room.add();
  outbox->wake();
  CHECK(eventually([&] { return !room.bus->all().empty(); }));
  CHECK(room.bus->all() == Ids{"c1/4"});
}

TEST_CASE("a message that no repetition would mend holds up none behind it") {
  Room room;
  room.place = 0;
  room.bus->refused = {"c1/2"};
  for (int i = 0; i < 3; i++) room.add();
  const auto outbox = room.outbox();
  CHECK(room.told_to(3));
  CHECK(room.bus->all() == Ids{"c1/1", "c1/3"});
}

TEST_CASE(
  "a line keeps its id when the log was restored after it, and one after that has none that was seen") {
  Room room;
  room.place = 1;
  room.restored_after = 3;
  for (int i = 0; i < 5; i++) room.add();
  const auto outbox = room.outbox();
  CHECK(room.told_to(5));
  CHECK(room.bus->all() == Ids{"c1/2", "c1/3", "c1@later/4", "c1@later/5"});
}

TEST_CASE("heartbeats that are refused, one after the other, hold up nothing that the log says") {
  Room room;
  room.place = 0;
  std::atomic<Outbox*> hears{nullptr};
  const nodes::Command beat{nodes::Heartbeat{}};
  room.bus->refuses_beats = [&] {
    if (auto* outbox = hears.load()) outbox->heard(beat, Time{});  // The next one is there at once.
  };
  const auto outbox = room.outbox();
  hears = outbox.get();
  outbox->heard(beat, Time{});
  REQUIRE(eventually([&] { return room.bus->attempts > 0; }));
  for (int i = 0; i < 3; i++) room.add();
  outbox->wake();
  CHECK(room.told_to(3));
  CHECK(room.bus->all() == Ids{"c1/1", "c1/2", "c1/3"});
  hears = nullptr;
}

TEST_CASE("what a bus that is not ready would lose waits, and whoever makes it ready is told so") {
  Room room;
  room.place = 0;
  room.add();
  room.bus->ready_ = false;
  const auto outbox = room.outbox();
  outbox->heard(nodes::Command{nodes::Heartbeat{}}, Time{});
  REQUIRE(eventually([&] { return room.waited > 0; }));
  CHECK(room.bus->attempts == 0);
  CHECK(room.place == 0);
  room.bus->ready_ = true;
  outbox->wake();
  CHECK(room.told_to(1));
  CHECK(room.bus->all() == Ids{"c1/1"});
}

TEST_CASE("without anybody who listens nothing is read, and what comes later is told") {
  Room room;
  room.place = 0;
  room.add();
  room.bus->wanted_ = false;
  {
    const auto outbox = room.outbox();
    outbox->heard(nodes::Command{nodes::Heartbeat{}}, Time{});
  }  // It looks once more before it ends.
  CHECK(room.bus->attempts == 0);
  CHECK(room.place == 1);  // Who listens first after the next start hears nothing of before.
}

TEST_CASE("once it is stopped it asks nobody anything, and may still be woken") {
  Room room;
  room.place = 0;
  room.add();
  const auto outbox = room.outbox();
  outbox->stop();
  CHECK(room.place == 1);
  const auto asked = room.asked.load();
  room.add();
  outbox->wake();
  outbox->stop();
  CHECK(room.asked == asked);
  CHECK(room.bus->all() == Ids{"c1/1"});
}

TEST_CASE("lines that are no overlay events are passed over, many without a record of it") {
  Room room;
  room.place = 0;
  for (int i = 0; i < 5; i++) room.add(false);
  room.add();
  const auto outbox = room.outbox();
  CHECK(room.told_to(6));
  CHECK(room.bus->all() == Ids{"c1/6"});
}

TEST_CASE("more than is handed to the bus at once is told in parts") {
  Room room;
  room.place = 0;
  for (size_t i = 0; i < 2 * Outbox::kAtOnce + 1; i++) room.add();
  const auto outbox = room.outbox();
  CHECK(room.told_to(static_cast<int64_t>(2 * Outbox::kAtOnce + 1)));
  const auto all = room.bus->all();
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == 2 * Outbox::kAtOnce + 1);
}

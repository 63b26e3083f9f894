// The whole system on a disk in memory: what callers are told, and what the log then holds.
#include "actors/system.hpp"

#include <condition_variable>
#include <filesystem>
#include <future>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "actors/recovering.hpp"
#include "actors/replay.hpp"
#include "actors/world.hpp"
#include "events/log/memory_disk.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/test_keys.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

struct Running {
  explicit Running(uint64_t checkpoint_every = 1'000'000, uint64_t feature_level = kFeatureLevel) {
    options.feature_level = feature_level;
    options.node = "test";
    options.version = "0";
    options.checkpoint_every = checkpoint_every;
    start();
  }
  void start() {
    auto made = System::make(disk, keys, options);
    REQUIRE(made);
    system = std::move(*made);
    system->open();
    REQUIRE(eventually([&] { return system->ready(); }));
  }
  void stop() {
    system->stop();
    system.reset();
  }
  template <class Command>
  Result<Receipt> ask(Command command, Origin origin = {}) {
    auto promise = std::make_shared<std::promise<Result<Receipt>>>();
    auto future = promise->get_future();
    system->ask(std::move(command), std::move(origin),
                Answer{[promise](Result<Receipt> result) { promise->set_value(std::move(result)); }});
    REQUIRE(future.wait_for(20s) == std::future_status::ready);
    return future.get();
  }
  [[nodiscard]] std::vector<Record> records() const {
    std::vector<Record> all;
    log::ChainReader{disk}.each_from(1, [&](uint64_t, std::string_view line) {
      all.push_back(*read_line(line));
      return true;
    });
    return all;
  }

  log::MemoryDisk disk;
  Keys keys = test_keys();
  SystemOptions options;
  std::unique_ptr<System> system;
};

nodes::Command registration(const std::string& node, const std::string& host) {
  nodes::Registered record;
  record.node = node;
  record.host = host;
  return nodes::Register{record};
}

}  // namespace

TEST_CASE("a command's event is in the log, with who asked, when its answer comes", "[S0-01][S0-05]") {
  Running node;
  Origin origin;
  origin.actor = "alice";
  origin.request = "r1";
  const auto receipt = node.ask(registration("n1", "a"), origin);
  REQUIRE(receipt);
  const auto line = node.system->chain().line(receipt->seq);
  REQUIRE(line);
  const auto record = read_line(*line);
  REQUIRE(record);
  CHECK(record->envelope.actor == "alice");
  CHECK(record->envelope.request == "r1");
  CHECK(std::get<nodes::Registered>(record->event).host == "a");
}

TEST_CASE("of many claims at once exactly one is granted, always", "[S2-60]") {
  Running node;
  for (int round = 0; round < 20; round++) {
    std::atomic<int> granted{0}, answered{0};
    for (int i = 0; i < 16; i++) {
      const auto id = "n" + std::to_string(round) + "-" + std::to_string(i);
      node.system->ask(lease::Command{lease::Claim{id, "http://" + id, false}}, {},
                       Answer{[&](const Result<Receipt>& result) {
                         if (result && result->result.find("\"granted\":true") != std::string::npos)
                           granted++;
                         answered++;
                       }});
    }
    REQUIRE(eventually([&] { return answered == 16; }));
    CHECK(granted == (round == 0 ? 1 : 0));
  }
}

TEST_CASE("a claim token that many use at once is used once", "[S1-25]") {
  Running node;
  REQUIRE(node.ask(claims::Command{claims::Open{"c1", sha256_hex("token"), system_now() + 1h}}));
  std::atomic<int> fulfilled{0}, answered{0};
  for (int i = 0; i < 32; i++)
    node.system->ask(claims::Command{claims::Fulfill{"c1", sha256_hex("token"), "n1", {}}}, {},
                     Answer{[&](const Result<Receipt>& result) {
                       fulfilled += result ? 1 : 0;
                       answered++;
                     }});
  REQUIRE(eventually([&] { return answered == 32; }));
  CHECK(fulfilled == 1);
}

TEST_CASE("callers are never told of what did not happen, however often leadership is lost", "[S0-05]") {
  Running node;
  std::mutex mutex;
  std::condition_variable all_answered;
  std::set<std::string> acknowledged, denied;
  int open = 0;
  for (int round = 0; round < 60; round++) {
    for (int i = 0; i < 40; i++) {
      const auto host = std::to_string(round) + "/" + std::to_string(i);
      {
        const std::lock_guard lock{mutex};
        open++;
      }
      node.system->ask(registration("n" + std::to_string(i % 7), host), {},
                       Answer{[&, host](const Result<Receipt>& result) {
                         const std::lock_guard lock{mutex};
                         if (result)
                           acknowledged.insert(host);
                         else if (!result.error().outcome_unknown)
                           denied.insert(host);
                         open--;
                         all_answered.notify_all();
                       }});
    }
    if (round % 2 == 0) {  // On every other round something is answered before leadership goes.
      std::unique_lock some{mutex};
      REQUIRE(all_answered.wait_for(some, 20s, [&] { return open < 40; }));
    }
    node.system->step_down();
    REQUIRE(eventually([&] { return node.system->ready(); }));
  }
  std::unique_lock lock{mutex};
  REQUIRE(all_answered.wait_for(lock, 20s, [&] { return open == 0; }));
  std::map<std::string, int> found;
  for (const auto& record : node.records())
    if (const auto* event = std::get_if<nodes::Registered>(&record.event)) found[event->host]++;
  for (const auto& host : acknowledged) CHECK(found[host] == 1);
  for (const auto& host : denied) CHECK(found[host] == 0);
  CHECK_FALSE(acknowledged.empty());
}

TEST_CASE("a request with an idempotency key happens once, and is answered alike", "[S0-05]") {
  Running node;
  Origin origin;
  origin.key = "k";
  origin.fingerprint = "POST /x {}";
  std::atomic<int> answered{0};
  std::mutex mutex;
  std::set<uint64_t> seqs;
  for (int i = 0; i < 16; i++)
    node.system->ask(registration("n1", "h"), origin, Answer{[&](const Result<Receipt>& result) {
                       const std::lock_guard lock{mutex};
                       if (result) seqs.insert(result->seq);
                       answered++;
                     }});
  REQUIRE(eventually([&] { return answered == 16; }));
  CHECK(seqs.size() == 1);
  node.stop();
  node.start();
  const auto again = node.ask(registration("n1", "h"), origin);
  REQUIRE(again);
  CHECK(again->replayed);
  CHECK(again->seq == *seqs.begin());
  auto other = origin;
  other.fingerprint = "POST /x {\"a\":1}";
  CHECK(node.ask(registration("n1", "h"), other).error().code == "idempotency.mismatch");
}

TEST_CASE("a reply that held a secret is not given again") {
  Running node;
  Origin origin;
  origin.key = "k";
  origin.fingerprint = "POST /api/claims/new";
  origin.one_time = true;
  REQUIRE(node.ask(claims::Command{claims::Open{"c1", "h1", system_now() + 1h}}, origin));
  CHECK(node.ask(claims::Command{claims::Open{"c2", "h2", system_now() + 1h}}, origin).error().code ==
        "idempotency.one_time");
}

TEST_CASE("a disk that fails refuses writes and serves reads; when it is well, the node goes on",
          "[S0-05][S0-06]") {
  Running node;
  REQUIRE(node.ask(registration("n1", "a")));
  node.disk.fail_writes(true);
  const auto refused = node.ask(registration("n2", "b"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "log.unwritable");
  CHECK(view<nodes::View>(*node.system->views()).nodes.contains("n1"));
  CHECK_FALSE(node.system->ready());
  node.disk.fail_writes(false);
  REQUIRE(eventually([&] { return node.system->ready(); }));
  REQUIRE(node.ask(registration("n3", "c")));
  uint64_t next = 1;
  std::string prev(64, '0');
  log::ChainReader{node.disk}.each_from(1, [&](uint64_t seq, std::string_view line) {
    CHECK(seq == next++);
    CHECK(read_line(line)->prev == prev);
    prev = sha256_hex(line);
    return true;
  });
}

TEST_CASE("a disk that cannot be read refuses writes and serves views; when it is well, the node goes on",
          "[S0-05][S0-06]") {
  Running node;
  REQUIRE(node.ask(registration("n1", "a")));
  node.disk.fail_reads(true);
  Origin keyed;
  keyed.actor = "alice";
  keyed.key = "once";
  const auto unsure = node.ask(registration("n1", "b"), keyed);
  REQUIRE_FALSE(unsure);
  CHECK(unsure.error().code == "log.unwritable");
  std::string code;  // The log's own thread looks for replies to forget once a second.
  int count = 0;
  REQUIRE(eventually([&] {
    const auto asked = node.ask(registration("n2", std::to_string(count++)));
    if (!asked) code = asked.error().code;
    return !asked;
  }));
  CHECK(code == "log.unwritable");
  CHECK(view<nodes::View>(*node.system->views()).nodes.contains("n1"));
  CHECK_FALSE(node.system->ready());
  node.disk.fail_reads(false);
  REQUIRE(eventually([&] { return node.system->ready(); }));
  REQUIRE(node.ask(registration("n1", "c"), keyed));
  uint64_t next = 1;
  for (const auto& record : node.records()) CHECK(record.seq == next++);
  CHECK(node.records().size() == node.system->views()->seq);
}

TEST_CASE("a disk that cannot be read fails the reading, and the next one is served") {
  Running node;
  REQUIRE(node.ask(registration("n1", "a")));
  const auto seq = node.system->views()->seq;
  const auto past = [&] {
    auto asked = std::make_shared<std::promise<bool>>();
    auto answered = asked->get_future();
    node.system->views_at(seq, [asked](const auto& views) { asked->set_value(bool(views)); });
    asked.reset();
    try {
      return answered.get();
    } catch (const std::future_error&) {  // Dropped without an answer.
      return false;
    }
  };
  node.disk.fail_reads(true);
  CHECK_FALSE(past());
  node.disk.fail_reads(false);
  CHECK(past());
}

TEST_CASE("a restart from a checkpoint ends where a fold from nothing ends", "[S0-06][S0-08]") {
  Running node{200};
  for (int i = 0; i < 1'000; i++)
    REQUIRE(node.ask(registration("n" + std::to_string(i % 50), std::to_string(i))));
  REQUIRE(eventually([&] { return view<cluster::View>(*node.system->views()).checkpoints.size() >= 2; }));
  node.stop();
  const auto head = log::read_head(node.disk);
  const auto quick = world_at(node.disk, head.seq);
  REQUIRE(quick);
  World slow;
  for (const auto& record : node.records()) fold(slow, record);
  CHECK(slow.set.seq == quick->set.seq);
  const auto a = fold_digests(slow), b = fold_digests(*quick);
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); i++) {
    INFO(a[i].name);
    CHECK(a[i].digest == b[i].digest);
  }
}

TEST_CASE("a decision that read another domain's stream is decided again when it changed underneath") {
  Running node;
  REQUIRE(node.ask(lease::Command{lease::Claim{"n1", "http://n1", false}}));
  const auto stale = node.system->chain().version("lease/leader");
  REQUIRE(node.ask(lease::Command{lease::Claim{"n1", "http://moved", false}}));
  std::atomic<int> reads{0};
  std::promise<Result<Receipt>> promise;
  node.system->ask_reading(
    [&]() -> Fresh<PlansDomain> {
      const auto version = reads++ == 0 ? stale : node.system->chain().version("lease/leader");
      return {plans::Command{plans::Issue{{"n1", "", "g", "leader", {}, 1}}}, {{"lease/leader", version}}};
    },
    {}, Answer{[&](Result<Receipt> result) { promise.set_value(std::move(result)); }});
  auto future = promise.get_future();
  REQUIRE(future.wait_for(20s) == std::future_status::ready);
  CHECK(future.get());
  CHECK(reads == 2);
}

TEST_CASE("a build refuses a log of a feature level that it does not know", "[S0-08]") {
  Running r{1'000'000, kFeatureLevel};
  r.stop();
  r.options.feature_level =
    kFeatureLevel + 1;  // A newer build writes to it, and has not raised the level yet.
  r.options.version = "9.8.7";
  r.start();
  r.stop();
  r.options.feature_level = kFeatureLevel;
  r.start();  // Going back works.
  const auto refused = r.ask(cluster::Command{cluster::Upgrade{kFeatureLevel + 1}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "conflict");
  const auto known = std::to_string(kFeatureLevel), next = std::to_string(kFeatureLevel + 1);
  CHECK(refused.error().detail.find("member test supports level " + known) != std::string::npos);
  r.stop();
  r.options.feature_level = kFeatureLevel + 1;
  r.start();
  const auto said = r.ask(cluster::Command{cluster::Upgrade{0, true}});
  REQUIRE(said);
  CHECK(said->result == R"({"feature_level":)" + next + R"(,"before":)" + known + R"(,"dry_run":true})");
  REQUIRE(r.ask(cluster::Command{cluster::Upgrade{}}));
  r.stop();

  const auto lines = r.records().size();
  r.options.feature_level = kFeatureLevel;
  const auto older = System::make(r.disk, r.keys, r.options);
  REQUIRE_FALSE(older);
  CHECK(older.error().code == "feature.unknown");
  CHECK(older.error().detail == "this log is at feature level " + next +
                                  ", and this build knows levels up to " + known +
                                  ": it takes a build that knows level " + next + ", as version 9.8.7 does");
  CHECK(r.records().size() == lines);
  const auto replayed = replay(r.disk, lines);
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error().code == "feature.unknown");
  CHECK(replay(r.disk, 1));  // Before it was raised.
  r.options.feature_level = kFeatureLevel + 1;
  r.start();
}

TEST_CASE("a member that died after it was told to go on alone records that first, and once", "[S0-07]") {
  Running node;
  REQUIRE(node.ask(registration("n1", "a")));
  node.stop();
  const auto before = node.records();
  log::Batch word;
  actors::put_recovering(word, {"test", {"gone"}, before.size(), 0});
  const auto head = log::read_head(node.disk);
  REQUIRE(consensus::Replica::recover(node.disk, {1, "local", consensus::Role::voter},
                                      {head.index, head.seq, head.hash}, std::move(word)));
  for (int starts = 0; starts < 2; starts++) {
    node.start();
    node.stop();
  }
  const auto after = node.records();
  const auto* recovered = std::get_if<cluster::Recovered>(&after.at(before.size()).event);
  REQUIRE(recovered);
  CHECK(recovered->lost == std::vector<std::string>{"gone"});
  CHECK(recovered->epoch >= 1'000);
  CHECK(std::count_if(after.begin(), after.end(), [](const Record& record) {
          return std::holds_alternative<cluster::Recovered>(record.event);
        }) == 1);
}

TEST_CASE("while somebody leads nothing is recovered, then or later", "[S0-07]") {
  Running node;
  std::promise<Status> told;
  node.system->recover({"gone"}, [&](const Status& outcome) { told.set_value(outcome); });
  const auto outcome = told.get_future().get();
  REQUIRE(!outcome);
  CHECK(outcome.error().code == "conflict");
  node.system->step_down();
  REQUIRE(eventually([&] { return node.system->ready(); }));
  node.stop();
  node.start();
  node.stop();
  for (const auto& record : node.records()) CHECK(!std::holds_alternative<cluster::Recovered>(record.event));
}

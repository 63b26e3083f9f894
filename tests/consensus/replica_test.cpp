// One voter: what it commits, keeps, and says when its disk or its office fails.
#include <catch2/catch.hpp>

#include "support/toy.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

/// A lone voter, its disk, and what it told.
class Alone : public Outside, public Watcher {
public:
  explicit Alone(Timing timing = {}) : timing_(timing) {
    REQUIRE(Replica::bootstrap(disk, {{1, "n1", Role::voter}}));
    REQUIRE(start());
  }
  Status start() {
    replica.reset();
    chain = std::make_unique<ToyChain>(disk);
    chain->on_applied = [this](uint64_t index) { applied.push_back(index); };
    replica = std::make_unique<Replica>(1, "n1", disk, *chain, *this, *this, timing_);
    auto opened = replica->open();
    settle();
    return opened;
  }
  void settle() {
    while (clock.step(clock.now())) {
    }
  }
  void tick() {
    clock.step(clock.now() + 50);
    replica->tick();
    settle();
  }
  /// Whether it was committed at once.
  bool commit(const std::string& body) {
    uint64_t index = 0;
    if (!replica->propose(body, index)) return false;
    settle();
    return !applied.empty() && applied.back() == index;
  }
  void cut_power(size_t kept) {
    replica.reset();
    disk.lose_power(kept);
  }

  uint64_t now_ms() override { return clock.now(); }
  int random(int from, int below) override { return from + int(chance() % uint64_t(below - from)); }
  void send(MemberId, std::string) override { FAIL("a lone voter has nobody to talk to"); }
  void later(unsigned ms, std::function<void()> task) override { clock.later(ms, std::move(task)); }
  bool apart(std::function<void()> work, std::function<void()> done) override {
    if (!elsewhere) return false;
    CHECK_FALSE(work_);  // One at a time.
    work_ = std::move(work);
    done_ = std::move(done);
    return true;
  }
  void join() override {
    if (work_) std::exchange(work_, nullptr)();
  }
  /// The other thread has done what it was given, and says so.
  void finish_apart() {
    join();
    if (done_) std::exchange(done_, nullptr)();
    settle();
  }
  void leading(uint64_t term) override { told.push_back("leading " + std::to_string(term)); }
  void following(uint64_t term, MemberId) override { told.push_back("following " + std::to_string(term)); }
  void broken(const Error& why) override { told.push_back("broken " + why.code); }

  FailingDisk disk;
  Clock clock;
  std::mt19937_64 chance{7};
  std::unique_ptr<ToyChain> chain;
  std::unique_ptr<Replica> replica;
  std::vector<uint64_t> applied;
  std::vector<std::string> told;
  bool elsewhere = false;  ///< Writes are waited for by a thread that this test plays.

private:
  Timing timing_;
  std::function<void()> work_, done_;
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a lone voter leads in a new term after every start, once its barrier is applied") {
  Alone node;
  CHECK(node.told == Strings{"leading 2"});
  CHECK(node.replica->leading());
  CHECK(node.replica->leader() == 1);
  CHECK(node.replica->members() == Members{{1, "n1", Role::voter}});
  REQUIRE(node.start());
  CHECK(node.told.back() == "leading 3");
  CHECK_FALSE(Replica::bootstrap(node.disk, {{2, "n2", Role::voter}}));
}

TEST_CASE("one entry is in flight at a time; alone it costs one write, synced, with its lines") {
  Alone node;
  uint64_t index = 0, other = 0;
  const auto writes = node.disk.writes;
  REQUIRE(node.replica->propose("a", index));
  CHECK(index == node.replica->last_index());
  CHECK_FALSE(node.replica->propose("b", other));
  CHECK(node.applied.empty());  // Never inside the call.
  node.settle();
  CHECK(node.applied == std::vector{index});
  CHECK(node.disk.writes == writes + 1);
  CHECK(node.disk.unsynced() == 0);
  CHECK(node.replica->commit_index() == index);
  CHECK(node.commit("b"));
  CHECK(node.chain->bodies() == Strings{"a", "b"});
  CHECK_FALSE(node.replica->propose(std::string(kMaxBody + 1, 'x'), index));
}

TEST_CASE("the next entry may be proposed from where the last one is told") {
  Alone node;
  int left = 1000;
  node.chain->on_applied = [&](uint64_t) {
    uint64_t index = 0;
    if (--left > 0) CHECK(node.replica->propose(std::to_string(left), index));
  };
  uint64_t index = 0;
  REQUIRE(node.replica->propose("first", index));
  node.settle();
  CHECK(left == 0);
  CHECK(node.chain->head().seq == 1000);
}

TEST_CASE("what was acknowledged survives a power cut, and is applied once", "[S0-08]") {
  Alone node;
  for (const auto* body : {"a", "b", "c"}) REQUIRE(node.commit(body));
  const auto head = node.chain->head();
  node.cut_power(0);
  REQUIRE(node.start());
  CHECK(node.chain->bodies() == Strings{"a", "b", "c"});
  CHECK(node.chain->head().hash == head.hash);
  CHECK(node.commit("d"));
}

TEST_CASE("a power cut at any write loses nothing that was acknowledged, and invents nothing", "[S0-08]") {
  const bool reaches_platter = GENERATE(false, true);
  for (size_t at = 1; at < 120; at++) {
    Alone node{{.snapshot_every = 8, .trailing = 3}};
    node.disk.reaches_platter = reaches_platter;
    node.disk.countdown = at;
    size_t acknowledged = 0, proposed = 0;
    while (proposed < 50) {
      proposed++;
      if (!node.commit(std::to_string(proposed))) break;
      acknowledged = proposed;
    }
    INFO("write " << at << ", " << acknowledged << " acknowledged");
    node.disk.fail_writes(false);
    node.disk.countdown = 0;
    node.cut_power(at % 3);
    REQUIRE(node.start());
    const auto bodies = node.chain->bodies();
    REQUIRE(bodies.size() >= acknowledged);
    REQUIRE(bodies.size() <= proposed);
    for (size_t i = 0; i < bodies.size(); i++) REQUIRE(bodies[i] == std::to_string(i + 1));
    REQUIRE(node.replica->leading());
    REQUIRE(node.commit("after"));
  }
}

TEST_CASE("snapshots bound what is kept, and a start from one goes on where it was") {
  Alone node{{.snapshot_every = 64, .trailing = 16}};
  for (int i = 0; i < 1000; i++) REQUIRE(node.commit(std::to_string(i)));
  size_t entries = 0;
  node.disk.scan(log::Column::raft, "e", "f", [&](auto, auto) { return ++entries > 0; });
  CHECK(entries <= 64 + 16);
  node.cut_power(0);
  REQUIRE(node.start());
  CHECK(node.chain->head().seq == 1000);
  CHECK(node.commit("more"));
}

TEST_CASE("a failed read ends the replica as a failed write does, wherever an entry needs it") {
  Alone node;
  REQUIRE(node.commit("a"));
  const auto read_of = [&](bool fails) {
    node.disk.fail_reads(fails);
    (void)node.disk.get(log::Column::meta, "head");
  };
  const bool when_applied = GENERATE(false, true);
  if (when_applied)
    node.chain->on_applied = [&](uint64_t) { read_of(true); };
  else
    node.chain->on_apply = [&] { read_of(true); };
  uint64_t index = 0;
  REQUIRE(node.replica->propose("b", index));
  node.applied.clear();
  node.settle();
  CHECK(node.told.back() == "broken log.unwritable");
  CHECK(node.applied.empty());
  CHECK_FALSE(node.replica->propose("c", index));
  node.tick();
  CHECK_FALSE(node.replica->reopen());  // Writes go through; what was written cannot be read.
  CHECK_FALSE(node.replica->leading());

  node.chain->on_apply = nullptr;
  node.chain->on_applied = [&](uint64_t at) { node.applied.push_back(at); };
  node.disk.fail_reads(false);
  REQUIRE(node.replica->reopen());
  node.settle();
  CHECK(node.replica->leading());
  CHECK(node.commit("c"));
  // "b" was not acknowledged: it is there if its entry was written before the read.
  CHECK(node.chain->bodies() == (when_applied ? Strings{"a", "b", "c"} : Strings{"a", "c"}));
}

TEST_CASE("a failed write ends the replica until the disk takes a probe; then the term is higher") {
  Alone node;
  REQUIRE(node.commit("a"));
  const auto term = node.replica->term();
  node.disk.reaches_platter = GENERATE(false, true);
  node.disk.countdown = 1;  // The entry and its line.
  uint64_t index = 0;
  REQUIRE(node.replica->propose("b", index));
  node.applied.clear();
  node.settle();
  CHECK(node.told.back() == "broken log.unwritable");
  CHECK(node.applied.empty());
  CHECK_FALSE(node.replica->leading());
  CHECK_FALSE(node.replica->propose("c", index));
  node.tick();
  CHECK_FALSE(node.replica->reopen());
  CHECK(node.disk.get(log::Column::events, log::number_key(1)));  // Reads go on.

  node.disk.fail_writes(false);
  REQUIRE(node.replica->reopen());
  node.settle();
  CHECK(node.replica->leading());
  CHECK(node.replica->term() > term);
  CHECK(node.commit("c"));
  // "b" was not acknowledged: it is there if its entry reached the platter.
  const bool there = node.disk.reaches_platter;
  CHECK(node.chain->bodies() == (there ? Strings{"a", "b", "c"} : Strings{"a", "c"}));
  CHECK(node.chain->head().seq == (there ? 3 : 2));
}

TEST_CASE("who steps down with an entry in flight cannot know its outcome; it is kept or lost whole") {
  int kept = 0, lost = 0;
  for (uint64_t seed = 0; seed < 20; seed++) {
    Alone node;
    node.chance.seed(seed);
    REQUIRE(node.commit("a"));
    const auto term = node.replica->term();
    uint64_t index = 0;
    REQUIRE(node.replica->propose("b", index));
    node.applied.clear();
    node.replica->step_down();
    node.settle();
    CHECK(node.told.back() == "following " + std::to_string(term));
    CHECK_FALSE(node.replica->leading());
    CHECK_FALSE(node.replica->propose("c", index));
    CHECK(node.applied.empty());
    node.tick();
    CHECK(node.replica->leading());
    CHECK(node.replica->term() > term);
    const auto bodies = node.chain->bodies();
    REQUIRE((bodies == Strings{"a"} || bodies == Strings{"a", "b"}));
    ++(bodies.size() == 2 ? kept : lost);
    CHECK(node.commit("c"));
  }
  CHECK(kept > 0);
  CHECK(lost > 0);
}

TEST_CASE("an entry that another thread writes is committed when that says so, and the next may follow") {
  Alone node;
  node.elsewhere = true;
  uint64_t first = 0, second = 0;
  REQUIRE(node.replica->propose("a", first));
  node.settle();
  node.tick();  // Nothing is asked of libraft meanwhile.
  CHECK(node.applied.empty());
  CHECK_FALSE(node.replica->propose("b", second));
  node.finish_apart();
  CHECK(node.applied == std::vector{first});
  REQUIRE(node.replica->propose("b", second));
  node.finish_apart();
  CHECK(node.applied == std::vector{first, second});
  node.cut_power(0);
  node.elsewhere = false;
  REQUIRE(node.start());
  CHECK(node.chain->bodies() == Strings{"a", "b"});
  CHECK(node.commit("c"));
}

TEST_CASE("who closes while another thread writes waits for it, and finds the entry whole") {
  Alone node;
  node.elsewhere = true;
  REQUIRE(node.commit("a") == false);
  node.finish_apart();
  uint64_t index = 0;
  REQUIRE(node.replica->propose("b", index));
  node.applied.clear();
  node.replica->step_down();
  node.elsewhere = false;
  node.tick();
  node.finish_apart();  // Too late: the replica was opened anew since.
  CHECK(node.applied.empty());
  CHECK(node.replica->leading());
  CHECK(node.chain->bodies() == Strings{"a", "b"});
  CHECK(node.chain->head().seq == 2);
  CHECK(node.commit("c"));
}

TEST_CASE("a write that fails on another thread ends the replica, too") {
  Alone node;
  node.elsewhere = true;
  node.disk.reaches_platter = GENERATE(false, true);
  node.disk.countdown = 1;
  uint64_t index = 0;
  REQUIRE(node.replica->propose("a", index));
  node.finish_apart();
  CHECK(node.told.back() == "broken log.unwritable");
  CHECK(node.applied.empty());
  node.disk.fail_writes(false);
  node.elsewhere = false;
  REQUIRE(node.replica->reopen());
  node.settle();
  CHECK(node.commit("b"));
  CHECK(node.chain->bodies() == (node.disk.reaches_platter ? Strings{"a", "b"} : Strings{"b"}));
}

TEST_CASE("a raft column that does not read is refused, not repaired") {
  Alone node;
  REQUIRE(node.commit("a"));
  node.replica.reset();
  log::Batch batch;
  const auto* key = GENERATE("state", "snapshot", "wanted");
  batch.put(log::Column::raft, key, "garbage");
  REQUIRE(node.disk.write(batch, true));
  const auto opened = node.start();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == "log.corrupt");
}

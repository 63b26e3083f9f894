// How long a newcomer takes for a million lines, on two RocksDB disks; by hand: consensus_tests
// "[.catch-up]".
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "consensus/raft_store.hpp"
#include "events/log/chain.hpp"
#include "events/log/entry.hpp"
#include "events/log/rocks_disk.hpp"
#include "support/toy.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

std::unique_ptr<log::Disk> open_in(const std::filesystem::path& folder) {
  auto opened = log::open_rocks_disk(folder, log::Access::read_write);
  REQUIRE(opened);
  return std::move(*opened);
}

/// The machine of the product, without who folds its lines.
class Chain : public Machine {
public:
  explicit Chain(log::Disk& disk) : disk_(disk) { reload(); }
  [[nodiscard]] Head head() const override {
    return {chain_->head().index, chain_->head().seq, chain_->head().hash};
  }
  void apply(uint64_t index, std::string_view body, log::Batch& batch) override {
    lines_.clear();
    chain_->apply(index, body, Time{}, batch, lines_);
  }
  void applied(uint64_t) override {}
  bool take_lines(std::string_view text, log::Batch& batch) override {
    return chain_->take_lines(text, batch, [](const LineShape&, std::string_view) {});
  }
  bool take_rows(std::string_view rows, uint64_t until, log::Batch& batch) override {
    return chain_->take_rows(rows, until, batch, [](const LineShape&, std::string_view) {});
  }
  [[nodiscard]] std::string rows_from(uint64_t seq, size_t most, uint64_t& last) const override {
    return log::ChainReader{disk_}.rows_from(seq, most, last);
  }
  [[nodiscard]] std::string lines_from(uint64_t seq) const override {
    return log::ChainReader{disk_}.text_from(seq, (1 << 20) - 64);
  }
  void reload() override { chain_.emplace(disk_); }

private:
  log::Disk& disk_;
  std::optional<log::ChainWriter> chain_;
  std::vector<log::Line> lines_;
};

/// One thread for both members, and time that stands still while there is something to do.
struct Node : Outside, Watcher {
  Node(Clock& clock_, MemberId id_, const std::filesystem::path& folder)
    : clock(clock_), id(id_), disk(open_in(folder)), chain(*disk) {}
  void start() {
    replica = std::make_unique<Replica>(id, "n" + std::to_string(id), *disk, chain, *this, *this);
    REQUIRE(replica->open());
    beat();
  }
  void beat() {
    replica->tick();
    later(50, [this] { beat(); });
  }
  uint64_t now_ms() override { return clock.now(); }
  int random(int from, int) override { return from; }
  void send(MemberId, std::string frame) override {
    later(0, [this, frame = std::move(frame)]() mutable { other->replica->receive(id, std::move(frame)); });
  }
  bool knows_rows(MemberId) override { return std::getenv("MUSTER_CATCH_UP_AS_LINES") == nullptr; }
  void later(unsigned ms, std::function<void()> task) override { clock.later(ms, std::move(task)); }
  void leading(uint64_t) override {}
  void following(uint64_t, MemberId) override {}
  void broken(const Error& why) override { FAIL(why.detail); }

  Clock& clock;
  MemberId id;
  std::unique_ptr<log::Disk> disk;
  Chain chain;
  Node* other = nullptr;
  std::unique_ptr<Replica> replica;
};

/// Lines of about 530 bytes, and a snapshot behind the last one.
void fill_log(log::Disk& disk, uint64_t lines) {
  log::ChainWriter chain{disk};
  const std::string padding(310, 'p');
  uint64_t index = 1;
  while (chain.head().seq < lines) {
    log::EntryWriter entry;
    for (int i = 0; i < 500; i++) {
      const auto stream = "node/n" + std::to_string((chain.head().seq * 7919 + uint64_t(i) * 31) % 10'000);
      entry.event(stream, R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":"alice","type":)"
                          R"("node.changed","stream":")" +
                            stream + R"(","data":{"padding":")" + padding + R"("}})");
    }
    log::Batch batch;
    std::vector<log::Line> made;
    chain.apply(++index, entry.take(), Time{}, batch, made);
    REQUIRE(disk.write(batch, false));
  }
  const auto& head = chain.head();
  log::Batch batch;
  erase_entries(batch, 0, UINT64_MAX);
  put_snapshot(batch, {head.index, 1, 1, {head.index, head.seq, head.hash}, {{1, "n1", Role::voter}}});
  REQUIRE(disk.write(batch, true));
}

}  // namespace

TEST_CASE("a newcomer takes a million lines from another member", "[.catch-up]") {
  const char* chosen = std::getenv("MUSTER_CATCH_UP_LINES");
  const uint64_t lines = chosen ? std::strtoull(chosen, nullptr, 10) : 1'000'000;
  const auto folder = std::filesystem::temp_directory_path() / ("catch-up-" + std::to_string(getpid()));
  Clock clock;
  {
    Node old{clock, 1, folder / "old"}, newcomer{clock, 2, folder / "new"};
    old.other = &newcomer, newcomer.other = &old;
    REQUIRE(Replica::bootstrap(*old.disk, {{1, "n1", Role::voter}}));
    fill_log(*old.disk, lines);
    old.chain.reload();
    old.start();
    newcomer.start();
    const auto steps = [&](auto reached) {
      while (!reached()) clock.step(clock.now() + 1);
    };
    steps([&] { return old.replica->leading(); });
    REQUIRE(old.replica->add({2, "n2", Role::spare}));
    steps([&] { return bool(old.replica->assign(2, Role::standby)); });
    const auto cpu_began = std::clock();
    const auto began = std::chrono::steady_clock::now();
    steps([&] { return newcomer.chain.head().seq == old.chain.head().seq; });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto cpu = double(std::clock() - cpu_began) / CLOCKS_PER_SEC;  // RocksDB's threads, too.
    CHECK(newcomer.chain.head().hash == old.chain.head().hash);
    std::cout << old.chain.head().seq << " lines in " << took.count() << " s, " << cpu << " s of CPU, "
              << (old.disk->size(log::Column::events) >> 20) << " MiB on disk" << std::endl;
  }
  std::filesystem::remove_all(folder);
}

// The index of streams, against a plain map of what was added.
#include "events/log/streams.hpp"

#include <map>
#include <optional>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::log;

namespace {

using Seqs = std::vector<uint64_t>;

Seqs in_stream(const Disk& disk, std::string_view stream, uint64_t from = 1) {
  Seqs seqs;
  each_in_stream(disk, stream, from, [&](uint64_t seq) {
    seqs.push_back(seq);
    return true;
  });
  return seqs;
}

/// Lines of random streams in batches, and what each stream got.
class Lines {
public:
  explicit Lines(Disk& disk) : disk_(disk) {}

  void add(size_t lines, unsigned streams, size_t batch_lines) {
    while (lines > 0) {
      for (size_t i = 0; i < batch_lines && lines > 0; i++, lines--) {
        // Names of which one is another's beginning.
        const auto name = "node/" + std::to_string(random_() % streams);
        writer_->add(name, ++seq_);
        model_[name].push_back(seq_);
      }
      writer_->finish(batch_);
      REQUIRE(disk_.write(batch_, false));
      batch_.clear();
    }
  }

  void restart() { writer_.emplace(disk_); }

  /// Streams read back as they were added, from the first line and from any other. Of many streams, some.
  void check() const {
    size_t n = 0;
    for (const auto& [name, seqs] : model_) {
      if (n++ % (model_.size() / 20 + 1) != 0) continue;
      REQUIRE(in_stream(disk_, name) == seqs);
      REQUIRE(last_in_stream(disk_, name) == seqs.back());
      const auto middle = seqs.begin() + static_cast<std::ptrdiff_t>(seqs.size() / 2);
      REQUIRE(in_stream(disk_, name, *middle) == Seqs(middle, seqs.end()));
    }
    REQUIRE(in_stream(disk_, "node").empty());
    REQUIRE(last_in_stream(disk_, "node/") == 0);
  }

  void drop(uint64_t to) {
    std::set<std::string> streams;
    for (auto& [name, seqs] : model_)
      if (std::erase_if(seqs, [&](uint64_t seq) { return seq <= to; }) != 0) streams.insert(name);
    Batch batch;
    drop_from_streams(disk_, streams, to, batch);
    REQUIRE(disk_.write(batch, true));
    for (auto at = model_.begin(); at != model_.end();) {
      if (at->second.empty()) CHECK(last_in_stream(disk_, at->first) == 0);
      at = at->second.empty() ? model_.erase(at) : std::next(at);
    }
  }

private:
  Disk& disk_;
  std::optional<StreamWriter> writer_{disk_};
  std::map<std::string, Seqs> model_;
  std::mt19937 random_{7};
  Batch batch_;
  uint64_t seq_ = 0;
};

size_t rows(const Disk& disk) {
  size_t count = 0;
  disk.scan(Column::streams, "", "", [&](std::string_view, std::string_view) { return ++count != 0; });
  return count;
}

}  // namespace

TEST_CASE("a stream's lines are found while they are gathered, filed, and after both", "[S0-08]") {
  MemoryDisk disk;
  Lines lines{disk};
  lines.add(1, 1, 1);
  lines.check();
  lines.add(500, 20, 7);
  lines.check();
  lines.add(16'000, 20, 64);
  lines.check();
  lines.add(20'000, 300, 64);
  lines.check();
  CHECK(rows(disk) < 1000);
}

TEST_CASE("a restart amid the filing of lines finds each of them once", "[S0-08]") {
  MemoryDisk disk;
  Lines lines{disk};
  lines.add(16'384, 3000, 64);
  for (int i = 0; i < 5; i++) {
    lines.add(500, 3000, 64);
    lines.restart();
    lines.check();
  }
  lines.add(20'000, 3000, 64);
  lines.check();
}

TEST_CASE("rows of one line each, as they were written before, are read with the others") {
  MemoryDisk disk;
  Batch batch;
  for (const uint64_t seq : {2, 5}) batch.put(Column::streams, std::string("a\0", 2) + number_key(seq), "");
  REQUIRE(disk.write(batch, true));
  batch.clear();
  StreamWriter writer{disk};
  writer.add("a", 6);
  writer.add("ab", 7);
  writer.finish(batch);
  REQUIRE(disk.write(batch, true));
  CHECK(in_stream(disk, "a") == Seqs{2, 5, 6});
  CHECK(in_stream(disk, "a", 3) == Seqs{5, 6});
  CHECK(last_in_stream(disk, "a") == 6);
  CHECK(in_stream(disk, "ab") == Seqs{7});
}

TEST_CASE("lines that were dropped are in no stream, whether they were filed or not", "[S0-08]") {
  const auto to = GENERATE(uint64_t{0}, uint64_t{100}, uint64_t{9000}, uint64_t{17'000}, uint64_t{17'500});
  MemoryDisk disk;
  Lines lines{disk};
  lines.add(17'500, 400, 64);
  lines.drop(to);
  lines.check();
  lines.add(17'500, 400, 64);
  lines.check();
  lines.restart();
  lines.check();
}

TEST_CASE("reading a stream stops when it is told to") {
  MemoryDisk disk;
  Lines lines{disk};
  lines.add(17'000, 1, 64);
  for (const size_t most : {size_t{1}, size_t{3}, size_t{16'500}}) {
    size_t count = 0;
    each_in_stream(disk, "node/0", 1, [&](uint64_t) { return ++count < most; });
    CHECK(count == most);
  }
}

// Shows that the views together are one pure fold of the log, in pieces as at once.
// Shows that every view folds alike in pieces and at once, and survives saving and loading.
#include "projections/catalog.hpp"

#include <ctime>
#include <iostream>

#include <catch2/catch.hpp>

#include "tests/support/arbitrary.hpp"
#include "tests/support/given.hpp"

using namespace muster;

namespace {

ViewSet folded(const std::vector<Record>& records) {
  ViewSet set;
  for (const auto& record : records) fold(set, record);
  return set;
}

/// Processor time, so that a busy machine measures the same.
double seconds(std::clock_t ticks) {
  return static_cast<double>(ticks) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("folding in pieces, saved and loaded in between, equals folding at once", "[S0-06][S0-08]") {
  CHECK(rc::check("any log, any places to stop", [] {
    const auto records = *arbitrary::records(arbitrary::Names::few);
    ViewSet pieces;
    for (const auto& record : records) {
      if (*rc::gen::inRange(0, 10) == 0) {
        auto loaded = load_views(save_views(pieces));
        RC_ASSERT(static_cast<bool>(loaded));
        RC_ASSERT(loaded->outdated.empty());
        pieces = std::move(loaded->set);
      }
      fold(pieces, record);
    }
    const auto once = folded(records);
    RC_ASSERT(save_views(pieces) == save_views(once));
    RC_ASSERT(digests(pieces) == digests(once));
  }));
}

TEST_CASE("any well-formed record is folded, whatever came before", "[S0-06]") {
  CHECK(rc::check("arbitrary names and texts", [] {
    const auto set = folded(*arbitrary::records(arbitrary::Names::any));
    auto loaded = load_views(save_views(set));
    RC_ASSERT(static_cast<bool>(loaded));
    RC_ASSERT(digests(loaded->set) == digests(set));
  }));
}

TEST_CASE("a copy keeps the past while the set moves on", "[S0-06]") {
  CHECK(rc::check("any log, any place to copy", [] {
    const auto records = *arbitrary::records(arbitrary::Names::few);
    const auto at = *rc::gen::inRange<size_t>(0, records.size() + 1);
    auto set = folded({records.begin(), records.begin() + static_cast<std::ptrdiff_t>(at)});
    const auto before = set;
    const auto text = save_views(before);
    for (size_t i = at; i < records.size(); i++) fold(set, records[i]);
    RC_ASSERT(save_views(before) == text);
  }));
}

TEST_CASE("a view of another fold version is left empty and named", "[S0-08]") {
  const auto record = given::record(1, given::kStart, given::registered("n1"));
  const auto set = folded({record});
  auto text = save_views(set);
  const auto at = text.find("@nodes 1\n");
  REQUIRE(at != std::string::npos);
  text.replace(at, 8, "@nodes 9");

  auto loaded = load_views(text);
  REQUIRE(loaded);
  CHECK(loaded->outdated == std::vector<std::string>{"nodes"});
  CHECK(view<nodes::View>(loaded->set).nodes.empty());
  CHECK(view<audit::View>(loaded->set).rows.size() == 1);

  fold_only(loaded->set, loaded->outdated, record);
  CHECK(digests(loaded->set) == digests(set));
}

TEST_CASE("a damaged text is refused, never half loaded", "[S0-08]") {
  const auto record = given::record(1, given::kStart, given::registered("n1"));
  const auto text = save_views(folded({record}));
  CHECK_FALSE(load_views(""));
  CHECK_FALSE(load_views("@set 2\n{}\n"));
  CHECK_FALSE(load_views("@set 1\n{\"seq\":1,\"head\":\"xyz\"}\n"));
  CHECK_FALSE(load_views(text.substr(0, text.size() - 1)));
  auto broken = text;
  broken.replace(broken.find("{\"k\":\"n1\""), 1, "[");
  CHECK_FALSE(load_views(broken));
}

TEST_CASE("a million records over ten thousand nodes", "[.measure]") {
  constexpr size_t kNodes = 10'000, kRecords = 1'000'000;
  std::vector<Record> pool;
  for (size_t i = 0; i < 4 * kNodes; i++) {
    const auto node = "node-" + std::to_string(i * 7919 % kNodes);
    Record record{0, std::string(64, '0'), {}, "", "", {}};
    record.envelope = {
      Time{Millis{1'700'000'000'000}}, 7,           "node-1", "token/" + std::to_string(i % 50),
      "01HF7YAT00ZZZZZZZZZZZZZZZZ",    std::nullopt};
    if (i < kNodes)
      record.event =
        nodes::Registered{node,       "edge-" + node,
                          "10.0.0.7", "",
                          "",         "",
                          {},         {{"agent", "0.4.1"}, {"discovery", "0.2.0"}},
                          {},         RawJson{R"({"cpu":4,"ram_mb":4096,"gpu":"none","devices":2})"},
                          {}};
    else if (i % 4 == 0)
      record.event = nodes::Silent{node, record.envelope.time};
    else if (i % 4 == 1)
      record.event = nodes::Returned{node};
    else if (i % 4 == 2)
      record.event = plans::Issued{node, "server.yaml", std::string(64, 'a'), "worker", {"api", "store"}, 7};
    else
      record.event = nodes::Changed{node, "worker", {"capture-daemon"}, {{"agent", "0.4.1"}}};
    record.type = type_of(record.event);
    record.stream = stream_of(record.event);
    pool.push_back(std::move(record));
  }
  ViewSet set;
  const auto start = std::clock();
  for (size_t i = 0; i < kRecords; i++) {
    auto& record = pool[i % pool.size()];
    record.seq = i + 1;
    fold(set, record);
  }
  const auto spent = seconds(std::clock() - start);
  std::cout << "fold: " << spent * 1e6 / kRecords << " us a record\n";

  std::vector<std::string> lines;
  for (size_t i = 0; i < pool.size(); i++) {
    pool[i].seq = i + 1;
    lines.push_back(arbitrary::line_of(pool[i]));
  }
  const auto replay = [&](bool decoded, bool hashed, bool folds) {
    ViewSet fresh;
    const auto begin = std::clock();
    for (size_t i = 0; i < kRecords; i++) {
      const auto& line = lines[i % lines.size()];
      if (hashed) fresh.head = sha256(line);
      if (!decoded) continue;
      const auto record = read_line(line);
      if (!record) FAIL(record.error().detail);
      if (folds) fold(fresh, *record);
    }
    return seconds(std::clock() - begin) * 1e6 / kRecords;
  };
  const auto hashing = replay(false, true, false), decoding = replay(true, false, false);
  const auto both = replay(true, false, true);
  std::cout << "hash: " << hashing << " us, decode: " << decoding
            << " us, fold what was decoded: " << both - decoding << " us a record\n";

  Views apart;
  const auto one = [&]<class View>(View& view) {
    const auto begin = std::clock();
    for (size_t i = 0; i < kRecords; i++) {
      auto& record = pool[i % pool.size()];
      record.seq = i + 1;
      view.fold(record);
    }
    std::cout << "  " << View::name << ": " << seconds(std::clock() - begin) * 1e6 / kRecords << " us\n";
  };
  std::apply([&](auto&... view) { (one(view), ...); }, apart);

  ViewSet published;
  const auto begun = std::clock();
  for (size_t i = 0; i < kRecords / 10; i++) {
    auto& record = pool[i % pool.size()];
    record.seq = kRecords + i + 1;
    fold(set, record);
    if (i % 64 == 63) published = set;
  }
  const auto batched = seconds(std::clock() - begun);
  std::cout << "fold, published every 64 records: " << batched * 1e7 / kRecords << " us a record\n";

  const auto from = std::clock();
  const auto text = save_views(set);
  const auto saved = std::clock();
  const auto loaded = load_views(text);
  const auto read = std::clock();
  REQUIRE(loaded);
  std::cout << "save: " << seconds(saved - from) * 1e3 << " ms, load: " << seconds(read - saved) * 1e3
            << " ms, " << text.size() << " bytes\n";
}

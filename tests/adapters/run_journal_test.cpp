// The journal of a run: numbered, bounded, whole after a crash, and changed by nobody unnoticed.
#include "adapters/run_journal.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck/catch.h>

using namespace muster;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "journal-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(root_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string journal() const { return root_ + "/journal"; }
  [[nodiscard]] std::vector<fs::path> segments() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(journal())) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

private:
  std::string root_;
};

struct Read {
  uint64_t seq;
  EntryKind kind;
  std::string text;
  bool operator==(const Read&) const = default;
};

std::vector<Read> read_all(const std::string& folder, uint64_t after = 0) {
  std::vector<Read> all;
  JournalReader{folder, after}.read([&](const JournalEntry& entry) {
    all.push_back({entry.seq, entry.kind, std::string(entry.text)});
    return true;
  });
  return all;
}

RunJournal must_open(const std::string& folder, const JournalLimits& limits = {}) {
  auto journal = RunJournal::open(folder, limits);
  REQUIRE(journal);
  return std::move(*journal);
}

std::string bytes_of_file(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& file, const std::string& bytes) {
  std::ofstream{file, std::ios::binary} << bytes;
}

const Time kAt{Millis{1'700'000'000'123}};

}  // namespace

TEST_CASE("every printed line and every event of a run has a number of its own", "[S3-06]") {
  const Folder folder;
  auto journal = must_open(folder.journal());
  REQUIRE(journal.event(0, R"({"type":"run.start"})", kAt));
  REQUIRE(journal.lines(EntryKind::out, 0, "one\ntwo\n", kAt));
  REQUIRE(journal.lines(EntryKind::err, 1, "no newline", kAt));
  REQUIRE(journal.lines(EntryKind::out, 1, "\n\n", kAt));
  CHECK(read_all(folder.journal()) == std::vector<Read>{{1, EntryKind::event, R"({"type":"run.start"})"},
                                                        {2, EntryKind::out, "one"},
                                                        {3, EntryKind::out, "two"},
                                                        {4, EntryKind::err, "no newline"},
                                                        {5, EntryKind::out, ""},
                                                        {6, EntryKind::out, ""}});
  CHECK(journal.totals().last == 6);
  CHECK(journal.totals().lines == 5);
  CHECK(journal.totals().bytes == 16);
}

TEST_CASE("a reader goes on where it was, also within what was written at once") {
  const Folder folder;
  auto journal = must_open(folder.journal(), {200, 100});
  JournalReader reader{folder.journal(), 1};
  std::vector<uint64_t> seen;
  const auto read = [&](size_t most) {
    reader.read([&](const JournalEntry& entry) {
      seen.push_back(entry.seq);
      return seen.size() % most != 0;
    });
  };
  for (int i = 0; i < 20; i++) {
    REQUIRE(journal.lines(EntryKind::out, 0, "a\nb\nc\n", kAt));
    read(2);
  }
  while (seen.size() < 59) read(7);
  for (size_t i = 0; i < seen.size(); i++) CHECK(seen[i] == i + 2);
}

TEST_CASE("a journal that was cut short goes on with the next number") {
  const Folder folder;
  {
    auto journal = must_open(folder.journal());
    for (int i = 1; i <= 3; i++) REQUIRE(journal.lines(EntryKind::out, 0, "line " + std::to_string(i), kAt));
  }
  const auto file = folder.segments().front();
  const auto whole = bytes_of_file(file);
  for (size_t cut = 0; cut < whole.size(); cut++) {
    write_file(file, whole.substr(0, cut));
    auto journal = must_open(folder.journal());
    const auto kept = journal.totals().last;
    REQUIRE(kept < 3);
    REQUIRE(journal.lines(EntryKind::err, 0, "after", kAt));
    const auto all = read_all(folder.journal());
    REQUIRE(all.size() == kept + 1);
    REQUIRE(all.back() == Read{kept + 1, EntryKind::err, "after"});
    REQUIRE(check_journal(folder.journal()));
  }
}

TEST_CASE("a journal is bounded: its oldest entries go, and it knows what they were") {
  const Folder folder;
  const JournalLimits limits{1000, 3};
  JournalTotals totals;
  {
    auto journal = must_open(folder.journal(), limits);
    for (int i = 0; i < 200; i++) REQUIRE(journal.lines(EntryKind::out, 0, std::string(50, 'x') + "\n", kAt));
    totals = journal.totals();
  }
  CHECK(folder.segments().size() == 3);
  CHECK(totals.lines == 200);
  CHECK(totals.bytes == 10'000);
  const auto all = read_all(folder.journal());
  const auto oldest = oldest_entry(folder.journal());
  CHECK(oldest > 100);
  CHECK(all.front().seq == oldest - 1);  // Where they were, it is told.
  CHECK(all.front().text == evicted_text(1, oldest - 1));
  CHECK(all[1].seq == oldest);
  CHECK(all.back().seq == 200);
  const auto checked = check_journal(folder.journal());
  REQUIRE(checked);
  CHECK(checked->digest == totals.digest);
  const auto again = must_open(folder.journal(), limits).totals();
  CHECK(again.lines == totals.lines);
  CHECK(again.bytes == totals.bytes);
  CHECK(again.digest == totals.digest);
}

TEST_CASE("an entry larger than a segment has one of its own") {
  const Folder folder;
  auto journal = must_open(folder.journal(), {100, 4});
  REQUIRE(journal.lines(EntryKind::out, 0, std::string(5000, 'y'), kAt));
  REQUIRE(journal.lines(EntryKind::out, 0, "z", kAt));
  CHECK(read_all(folder.journal()).front().text.size() == 5000);
  CHECK(folder.segments().size() == 2);
}

TEST_CASE("a byte that somebody changed in a journal is found") {
  const Folder folder;
  {
    auto journal = must_open(folder.journal(), {400, 100});
    for (int i = 0; i < 12; i++) REQUIRE(journal.lines(EntryKind::out, 0, "line " + std::to_string(i), kAt));
  }
  const auto digest = check_journal(folder.journal())->digest;
  const auto segments = folder.segments();
  REQUIRE(segments.size() > 1);
  for (const auto& file : segments) {
    const auto whole = bytes_of_file(file);
    for (size_t at = 0; at < whole.size(); at++) {
      auto changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 4);
      write_file(file, changed);
      const auto checked = check_journal(folder.journal());
      REQUIRE((!checked || checked->digest != digest));
      JournalReader reader{folder.journal(), 0};
      reader.read([](const JournalEntry&) { return true; });
      REQUIRE((reader.last() != 12 || reader.digest() != digest));
    }
    write_file(file, whole);
  }
}

TEST_CASE("any lines of any bytes are read as they were written", "[S3-06]") {
  rc::prop("any lines, any limits", [](const std::vector<std::vector<std::string>>& writes, uint8_t segment) {
    const Folder folder;
    auto journal = must_open(folder.journal(), {uint64_t{100} + segment, 1000});
    std::vector<std::string> expected;
    for (const auto& lines : writes) {
      std::string text;
      for (const auto& line : lines) {
        std::string clean;
        for (const char c : line)
          if (c != '\n') clean += c;
        text += clean + '\n';
        expected.push_back(clean);
      }
      RC_ASSERT(bool(journal.lines(EntryKind::out, 3, text, kAt)));
    }
    const auto all = read_all(folder.journal());
    RC_ASSERT(all.size() == expected.size());
    for (size_t i = 0; i < all.size(); i++) RC_ASSERT(all[i] == (Read{i + 1, EntryKind::out, expected[i]}));
  });
}

TEST_CASE("what is added to a journal is counted by its outcome, and what makes room", "[S3-45]") {
  const Folder folder;
  const auto counts = std::make_shared<Persistence>();
  const auto taken = [&](Persistence::Outcome outcome) {
    uint64_t all = 0;
    for (const auto count : counts->latency(outcome).buckets) all += count;
    return all;
  };
  auto journal = RunJournal::open(folder.journal(), {150, 2}, counts);
  REQUIRE(journal);
  fs::create_symlink("/dev/full", folder.journal() + "/00000000000000000001");
  REQUIRE_FALSE(journal->lines(EntryKind::out, 0, "no room\n", kAt));
  CHECK(taken(Persistence::append_quota_exceeded) == 1);
  fs::create_symlink("loop", folder.journal() + "/loop");
  fs::create_symlink("loop", folder.journal() + "/00000000000000000001");
  REQUIRE_FALSE(journal->lines(EntryKind::out, 0, "cannot be opened\n", kAt));
  CHECK(taken(Persistence::append_error) == 1);
  JournalReader reader{folder.journal(), 0};
  reader.read([](const JournalEntry&) { return true; });
  CHECK(reader.failed());
  fs::remove(folder.journal() + "/00000000000000000001");
  for (int i = 0; i < 3; i++) REQUIRE(journal->lines(EntryKind::out, 0, std::string(100, 'x'), kAt));
  CHECK(taken(Persistence::append_ok) == 3);
  CHECK(counts->evictions(Persistence::journal) == 1);
  CHECK(counts->evicted_bytes(Persistence::journal) > 100);
  reader.read([](const JournalEntry&) { return true; });
  CHECK_FALSE(reader.failed());
}

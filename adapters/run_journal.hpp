// The journal of a run: all that its scripts printed and what became of it, numbered, on the node that runs
// it.
//
// A folder of segments, each named after the number of its first entry. A segment is a line that says what it
// is, the hash before it (32 bytes), the lines, bytes and dropped bytes before it (8 each), and frames: size
// of the text (4), number of its first entry (8), milliseconds since 1970 (8), kind (1), step (2), entries
// (4), hash (32), the text. Numbers are big endian. A hash is the SHA-256 of the hash before it, the numbers
// and the text; a segment's own numbers are hashed like a frame without a text. So the last hash stands for
// everything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/persistence.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

enum class EntryKind : uint8_t { out, err, event };

/// One line that a script printed, or one event as JSON.
struct JournalEntry {
  uint64_t seq = 0;  ///< From 1, without gaps.
  Time at{};
  EntryKind kind = EntryKind::event;
  uint16_t step = 0;      ///< Its place among the run's steps.
  std::string_view text;  ///< Without a newline; any bytes.
};

struct JournalLimits {
  uint64_t segment = uint64_t{8} << 20;  ///< Bytes.
  uint64_t segments = 8;                 ///< The oldest goes when there would be more.
};

/// What the run's last event in the log says of its output.
struct JournalTotals {
  uint64_t last = 0;     ///< The number of the last entry.
  uint64_t lines = 0;    ///< Printed.
  uint64_t bytes = 0;    ///< Of them, without newlines.
  uint64_t dropped = 0;  ///< Bytes that a full disk did not take.
  Digest digest = kNoDigest;
};

/// The only writer of one journal. Errors: `journal.unwritable` with the system's reason; what was not taken
/// is counted, and later entries are taken again.
class RunJournal {
public:
  /// Begins a journal, or goes on with one: a frame that was cut short is taken off its end.
  /// `counts` may be nobody.
  static Result<RunJournal> open(const std::string& folder, const JournalLimits& limits = {},
                                 std::shared_ptr<Persistence> counts = nullptr);
  RunJournal(RunJournal&& other) noexcept;
  RunJournal& operator=(RunJournal&& other) noexcept;
  ~RunJournal();

  /// Each line is an entry; the last one may lack its newline.
  Status lines(EntryKind kind, uint16_t step, std::string_view text, Time at);
  /// `json` is one entry, whatever is in it.
  Status event(uint16_t step, std::string_view json, Time at);
  [[nodiscard]] const JournalTotals& totals() const { return totals_; }

private:
  RunJournal(std::string folder, const JournalLimits& limits, std::shared_ptr<Persistence> counts)
    : folder_(std::move(folder)), limits_(limits), counts_(std::move(counts)) {}
  Status add(EntryKind kind, uint16_t step, uint32_t entries, std::string_view text, Time at);
  Status append(EntryKind kind, uint16_t step, uint32_t entries, std::string_view text, Time at);
  Status begin_segment();
  void drop_oldest() const;

  std::string folder_;
  JournalLimits limits_;
  std::shared_ptr<Persistence> counts_;
  JournalTotals totals_;
  int fd_ = -1;
  uint64_t size_ = 0;  // Of the present segment.
  std::string frame_;
};

/// Reads entries after a number, as they come, and follows their hashes: what was read once is not read
/// again, and what is not as it was written is not read at all. Where older ones went to make room, an entry
/// that no segment has tells so: the event `journal.evicted {"from":N,"to":M}`, whose number is M. Of one
/// thread; the writer may write meanwhile.
class JournalReader {
public:
  JournalReader(std::string folder, uint64_t after);
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;
  ~JournalReader();

  /// Visits what is there, until it answers false. Nothing comes again.
  void read(const std::function<bool(const JournalEntry&)>& visit);
  /// The last reading stopped before something that is there and could not be opened.
  [[nodiscard]] bool failed() const { return failed_; }
  /// The last entry that was visited, and the hash behind the frame that it is in.
  [[nodiscard]] uint64_t last() const { return after_; }
  [[nodiscard]] Digest digest() const;

private:
  bool open_segment();
  bool next_frame();

  struct Place;
  const std::string folder_;
  uint64_t after_;
  std::unique_ptr<Place> place_;
  bool failed_ = false;
};

/// As an entry that no segment has: its text.
[[nodiscard]] std::string evicted_text(uint64_t from, uint64_t to);

/// The number of the oldest entry that is there; 0: there is none.
[[nodiscard]] uint64_t oldest_entry(const std::string& folder);

/// Reads all that is there and checks its hashes. Error: `journal.corrupt` naming the segment and the number
/// of the first entry that is not as it was written. Segments that were dropped cannot be checked.
Result<JournalTotals> check_journal(const std::string& folder);
/// The same, and that it ends as `recorded` says: number and hash of the last entry.
Result<JournalTotals> check_journal(const std::string& folder, const JournalTotals& recorded);

}  // namespace muster

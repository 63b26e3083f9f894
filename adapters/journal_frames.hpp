// The bytes of a run's journal: segments and the frames in them (adapters/run_journal.hpp says how they
// look).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/run_journal.hpp"

namespace muster::journal {

constexpr std::string_view kWhat = "muster run journal 1\n";
constexpr size_t kStart = kWhat.size() + 32 + 3 * 8;
constexpr size_t kNumbers = 4 + 8 + 8 + 1 + 2 + 4;
constexpr size_t kHead = kNumbers + 32;

struct Frame {
  uint32_t size = 0;
  uint64_t first = 0;
  int64_t ms = 0;
  uint8_t kind = 0;
  uint16_t step = 0;
  uint32_t entries = 0;
};

/// A frame's numbers as they are written and hashed.
[[nodiscard]] std::string numbers_of(const Frame& frame);
/// What a segment begins with, as it is written and hashed.
[[nodiscard]] std::string numbers_of(const JournalTotals& before);
[[nodiscard]] Digest hash_after(const Digest& before, std::string_view numbers, std::string_view text);

[[nodiscard]] std::string segment_path(const std::string& folder, uint64_t first);
/// The numbers that segments begin with, in order.
[[nodiscard]] std::vector<uint64_t> segments_of(const std::string& folder);

/// A whole frame of a file.
struct Found {
  Frame frame;
  std::string head, text;
};
[[nodiscard]] std::optional<Found> frame_at(int fd, uint64_t offset);
/// Adds a frame to what was there before it.
void count(JournalTotals& totals, const Found& found);

/// A segment from its first frame to the last one that is as it was written.
class Walk {
public:
  Walk(const std::string& folder, uint64_t first);
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk();

  std::optional<Found> next();
  [[nodiscard]] uint64_t size() const;  ///< Of the file.
  [[nodiscard]] bool opened() const { return fd_ >= 0; }

  uint64_t end = 0;  ///< Of what was walked; 0: it is no segment.
  Digest hash{};
  JournalTotals before;  ///< Its first frame.

private:
  const int fd_;
};

}  // namespace muster::journal

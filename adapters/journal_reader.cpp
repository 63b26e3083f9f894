// Reading and checking a journal.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "adapters/journal_frames.hpp"
#include "adapters/run_journal.hpp"

namespace muster {

JournalReader::~JournalReader() {
  if (fd_ >= 0) ::close(fd_);
}

/// The segment that holds the entry behind `after_`, or the oldest one behind it. False: there is none but
/// the one that is open.
bool JournalReader::open_segment() {
  const auto segments = journal::segments_of(folder_);
  auto next = std::upper_bound(segments.begin(), segments.end(), after_ + 1);
  if (next != segments.begin()) next--;
  if (next != segments.end() && *next == first_) next++;
  if (next == segments.end()) return false;
  const int fd = ::open(journal::segment_path(folder_, *next).c_str(), O_RDONLY | O_CLOEXEC);
  failed_ = fd < 0 && errno != ENOENT;  // What is gone made room.
  if (fd < 0) return false;
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  first_ = *next;
  offset_ = journal::kStart;
  return true;
}

void JournalReader::read(const std::function<bool(const JournalEntry&)>& visit) {
  failed_ = false;
  if (fd_ < 0 && !open_segment()) return;
  for (;;) {
    const auto found = journal::frame_at(fd_, offset_);
    if (!found) {
      if (!open_segment()) return;
      continue;
    }
    const auto& frame = found->frame;
    JournalEntry entry{
      frame.first, Time{Millis{frame.ms}}, static_cast<EntryKind>(frame.kind), frame.step, {}};
    std::string_view rest{found->text};
    for (uint32_t i = 0; i < frame.entries; i++, entry.seq++) {
      const auto end = entry.kind == EntryKind::event ? rest.size() : std::min(rest.find('\n'), rest.size());
      entry.text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (entry.seq <= after_) continue;
      after_ = entry.seq;
      if (!visit(entry)) return;  // The rest of the frame is found by its numbers.
    }
    offset_ += journal::kHead + found->text.size();
  }
}

uint64_t oldest_entry(const std::string& folder) {
  const auto segments = journal::segments_of(folder);
  return segments.empty() ? 0 : segments.front();
}

Result<JournalTotals> check_journal(const std::string& folder) {
  JournalTotals totals;
  for (const auto first : journal::segments_of(folder)) {
    journal::Walk walk{folder, first};
    const bool follows =
      totals.last == 0 || (first == totals.last + 1 && walk.before.digest == totals.digest);
    if (walk.end == 0 || !follows)
      return Error{
        "journal.corrupt", journal::segment_path(folder, first) + " does not go on from the one before", {}};
    if (totals.last == 0) totals = walk.before;
    while (const auto found = walk.next()) journal::count(totals, *found);
    totals.digest = walk.hash;
    if (walk.end != walk.size())
      return Error{"journal.corrupt",
                   journal::segment_path(folder, first) + ": entry " + std::to_string(totals.last + 1) +
                     " is not as it was written",
                   {}};
  }
  return totals;
}

}  // namespace muster

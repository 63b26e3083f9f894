// Reading and checking a journal.
#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "adapters/journal_frames.hpp"
#include "adapters/run_journal.hpp"

namespace muster {

/// The segment that is open, and the frame in it whose entries are being visited.
struct JournalReader::Place {
  uint64_t segment = 0;  // 0: none.
  std::unique_ptr<journal::Walk> walk;
  std::optional<journal::Found> frame;
};

JournalReader::JournalReader(std::string folder, uint64_t after)
  : folder_(std::move(folder)), after_(after), place_(std::make_unique<Place>()) {}

JournalReader::~JournalReader() = default;

Digest JournalReader::digest() const {
  return place_->walk ? place_->walk->hash : kNoDigest;
}

/// The segment that holds the entry behind `after_`, or the oldest one behind it. False: there is none but
/// the one that is open, or none that goes on from there.
bool JournalReader::open_segment() {
  const auto segments = journal::segments_of(folder_);
  auto next = std::upper_bound(segments.begin(), segments.end(), after_ + 1);
  if (next != segments.begin()) next--;
  if (next != segments.end() && *next == place_->segment) next++;
  if (next == segments.end()) return false;
  const bool gap = *next > after_ + 1;
  if (gap && next != segments.begin()) return false;  // What makes room is the oldest.
  auto walk = std::make_unique<journal::Walk>(folder_, *next);
  failed_ = !walk->opened() && errno != ENOENT;  // What is gone made room.
  if (walk->end == 0) return false;              // Or its first bytes are still to come.
  if (!gap && place_->walk && walk->before.digest != place_->walk->hash) return false;
  place_->segment = *next;
  place_->walk = std::move(walk);
  return true;
}

bool JournalReader::next_frame() {
  for (;;) {
    if (place_->walk) place_->frame = place_->walk->next();
    if (place_->frame) return true;
    if (!open_segment()) return false;
  }
}

void JournalReader::read(const std::function<bool(const JournalEntry&)>& visit) {
  failed_ = false;
  for (; place_->frame || next_frame(); place_->frame.reset()) {
    const auto& frame = place_->frame->frame;
    JournalEntry entry{frame.first - 1, Time{Millis{frame.ms}}, EntryKind::event, frame.step, {}};
    if (entry.seq > after_) {
      const auto text = evicted_text(after_ + 1, entry.seq);
      entry.text = text;
      after_ = entry.seq;
      if (!visit(entry)) return;
    }
    entry.kind = static_cast<EntryKind>(frame.kind);
    std::string_view rest{place_->frame->text};
    for (uint32_t i = 0; i < frame.entries; i++) {
      const auto end = entry.kind == EntryKind::event ? rest.size() : std::min(rest.find('\n'), rest.size());
      entry.text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (++entry.seq <= after_) continue;
      after_ = entry.seq;
      if (!visit(entry)) return;  // The rest of the frame is found by its numbers.
    }
  }
}

std::string evicted_text(uint64_t from, uint64_t to) {
  return "journal.evicted {\"from\":" + std::to_string(from) + ",\"to\":" + std::to_string(to) + "}";
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

Result<JournalTotals> check_journal(const std::string& folder, const JournalTotals& recorded) {
  auto found = check_journal(folder);
  if (!found || (found->last == recorded.last && found->digest == recorded.digest)) return found;
  const auto end = [](const JournalTotals& totals) {
    return "entry " + std::to_string(totals.last) + " and the hash " + to_hex(totals.digest);
  };
  return Error{"journal.corrupt",
               folder + " ends with " + end(*found) + ", and run.finished names " + end(recorded),
               {}};
}

}  // namespace muster

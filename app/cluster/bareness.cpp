// Looking for what somebody asked for.
#include "app/cluster/bareness.hpp"

#include <algorithm>
#include <filesystem>

#include "consensus/raft_store.hpp"
#include "events/log/entry.hpp"

namespace muster::app {
namespace {

constexpr uint64_t kLinesAtOnce = 4'000;
constexpr uint64_t kMostLines = 100'000;  // A longer one is a history, whatever it says.
constexpr uint8_t kCommand = 1;           // As in consensus/raft_store.hpp.

/// Of an entry that is no lines yet. A reply that is kept was given to somebody who asked.
bool is_bootstrap(std::string_view entry) {
  std::string place;
  append_place(place, 1, kNoDigest);
  bool bootstrap = true;
  const auto whole = log::each_frame(entry, [&](log::Frame kind, std::string_view bytes) {
    if (kind == log::Frame::kept) bootstrap = false;
    if (kind != log::Frame::event || !bootstrap) return;
    const auto event = log::read_event_frame(bytes);
    const auto record = event ? read_line(place + std::string(event->suffix)) : Result<Record>{event.error()};
    bootstrap = record && app::is_bootstrap(*record);
  });
  return whole && bootstrap;
}

}  // namespace

bool is_bootstrap(const Record& record) {
  return record.envelope.request.empty() || record.envelope.actor.starts_with("node/");
}

bool Bareness::look(const log::ChainReader& chain, uint64_t head) {
  if (history_ || head == seen_) return !history_;
  history_ = head > kMostLines || chain.oldest() != 1;
  const auto until = std::min(head, seen_ + kLinesAtOnce);
  if (!history_)
    chain.each_from(seen_ + 1, [&](uint64_t seq, std::string_view line) {
      const auto record = read_line(line);
      history_ = !record || !is_bootstrap(*record);
      seen_ = seq;
      return !history_ && seq < until;
    });
  return !history_ && seen_ >= head;
}

bool holds_only_bootstrap(const log::Disk& disk) {
  const auto head = log::read_head(disk);
  const log::ChainReader chain{disk};
  Bareness bareness;
  for (uint64_t read = 0; read < head.seq; read += kLinesAtOnce)
    if (bareness.look(chain, head.seq)) break;
  const auto stored = consensus::load_stored(disk);
  if (!stored || !bareness.look(chain, head.seq)) return false;
  for (size_t i = 0; i < stored->entries.size(); i++) {
    const auto& entry = stored->entries[i];
    if (stored->first_index + i > head.index && entry.type == kCommand && !is_bootstrap(entry.body))
      return false;
  }
  return true;
}

void give_up_log(const std::string& data) {
  std::error_code ignored;
  std::filesystem::remove_all(data + "/log", ignored);
  for (const auto* kept : {"/member.json", "/node/profile.json"})
    std::filesystem::remove(data + kept, ignored);
}

}  // namespace muster::app

// Decisions between their domain and the disk: checked, gathered into entries, answered in order, undone when
// stale.
#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/decision.hpp"
#include "actors/planted.hpp"
#include "events/log/entry.hpp"

namespace muster::actors {

/// One entry on its way: the decisions it holds, and the records its events will be.
struct Entry {
  uint64_t index = 0;
  Time time{};
  std::vector<AppendPtr> appends;
  std::vector<Record> records;   ///< Without seq and prev.
  size_t events = 0;             ///< How many records there were, before they moved on.
  std::string body;              ///< Empty: only answers that waited for what is committed now.
  std::vector<Answer> barriers;  ///< Reads that wait for proof of leadership.
  /// `landed`: it was committed where it stands; `overtaken`: something else was.
  enum class Fate : uint8_t { open, landed, overtaken } fate = Fate::open;

  /// `text` is committed at `place`. Whether that is this entry.
  bool see(uint64_t place, std::string_view text);
  /// All up to `place` is committed: what was not seen by then never will be. Raft's own entries, such as
  /// another leader's first one, are seen by nobody.
  void pass(uint64_t place);
  std::chrono::steady_clock::time_point proposed{};
};

struct GatherLimits {
  size_t entry_bytes = 1000 << 10;  ///< Below consensus::kMaxBody.
  size_t entry_commands = 4096;
  /// Commands from which on an entry is written beside the log's thread: for fewer, one would wait for two
  /// threads to wake.
  size_t apart = 8;
  size_t barriers = 16'384;  ///< Reads that wait for the next entry.
  Planted planted{};
};

/// Of the log's thread.
class Gathering {
public:
  Gathering(std::vector<std::shared_ptr<Flight>> flights, const log::ChainReader& chain, GatherLimits limits);

  /// Whether this member is the only one that can lead.
  void alone(bool is_it);
  /// Leadership begins: the generation of every domain's decisions from now on.
  uint64_t begin();
  /// Leadership is lost. What waits never was proposed: it is told so.
  void lose(const Error& why);
  /// What was proposed is told `why`, as it is.
  static void lose_entry(const Error& why, const Entry& entry);

  /// Takes a decision, or turns it away, or undoes its domain's line of decisions when what it read has
  /// changed. Error: `log.unwritable` when that cannot be read; then it was answered so.
  Status take(const AppendPtr& append);
  /// Rides in the next entry, which is written for it when there is nothing else.
  void take_barrier(Answer answer);
  [[nodiscard]] bool waiting() const { return !waiting_.empty() || !barriers_.empty(); }
  [[nodiscard]] size_t size() const { return waiting_.size(); }

  /// What waits, as far as it fits into one entry. `epoch` moves with the grants in it.
  Entry next(Time time, const std::string& node, uint64_t& epoch);
  /// `entry` is durable, and its last line is `head`: tells everybody whose decision is in it, in order.
  void settle(const Entry& entry, uint64_t head);

  /// A domain that must begin again, and from what.
  struct Restart {
    size_t domain = 0;
    std::shared_ptr<Lead> lead;
  };
  /// The domains whose last accepted decision is committed by now; each is given once.
  [[nodiscard]] std::vector<Restart> restarts();

private:
  /// One domain's decisions.
  struct Line {
    uint64_t generation = 0;   // Appends of another one are turned away.
    uint64_t outstanding = 0;  // Accepted and not yet committed.
    bool undoing = false;
    std::vector<AppendPtr> undone;
  };
  [[nodiscard]] uint64_t version(const std::string& stream) const;
  void take_readable(const AppendPtr& append);
  void undo(const AppendPtr& append);
  void add(const AppendPtr& append, const std::string& node, uint64_t& epoch, Entry& entry);
  void landed(const std::string& stream);

  std::vector<std::shared_ptr<Flight>> flights_;
  const log::ChainReader& chain_;
  GatherLimits limits_;
  std::vector<Line> lines_;
  uint64_t generation_ = 0;
  bool leading_ = false;
  std::deque<AppendPtr> waiting_;
  std::vector<Answer> barriers_;
  std::unordered_map<std::string, size_t> streams_in_flight_;
  log::EntryWriter writer_;
  std::string suffix_;
};

/// The epoch once `event` is committed after lines of `before`.
[[nodiscard]] uint64_t epoch_after(uint64_t before, const AnyEvent& event);

}  // namespace muster::actors

// A run's stream: what its journal holds, as server-sent events or lines of JSON (jobs contract, section 7).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "http/api.hpp"

namespace muster::http {

/// An entry of a run's journal as the API tells it.
struct RunEvent {
  std::string type;  ///< run.start, step.log, ...
  std::string data;  ///< A JSON object.
};

/// Tells of one run. When it began, the journal's first event says before the log does.
class RunTeller {
public:
  [[nodiscard]] RunEvent event(const JournalEntry& entry, const runs::View::Row& row);
  /// The end of a run has been told by its journal.
  [[nodiscard]] bool told_end() const { return told_end_; }
  /// Its journal may hold more that is worth telling.
  [[nodiscard]] bool reads_on() const { return !told_end_ && !nothing_follows_; }

  /// Nothing comes from its journal now: whether it has ended and nothing will, as its node is gone or never
  /// had one. Then the log's own words end the stream.
  [[nodiscard]] bool gives_up(const runs::View::Row& row, std::chrono::steady_clock::time_point now);
  /// When to ask that again.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> gives_up_at() const { return give_up_; }
  /// What is left to tell then: `run.canceled`, when it was and that was not told, and `run.finish`.
  [[nodiscard]] std::vector<RunEvent> farewell(const runs::View::Row& row) const;

private:
  std::string began_;  ///< Empty: only the row can say.
  bool told_cancel_ = false, told_end_ = false;
  bool nothing_follows_ = false;  ///< Of the journal: the end is told from the log.
  std::optional<std::chrono::steady_clock::time_point> give_up_;
};

enum class RunFormat : uint8_t { sse, ndjson };

/// One run, from an entry on, until its end was told.
class RunStream : public Stream {
public:
  /// `resumed`: it goes on from a cursor.
  RunStream(Api& api, std::string run, std::unique_ptr<RunEntries> entries, RunFormat format,
            bool resumed = false);
  ~RunStream() override;

  State pull(std::vector<Bytes>& into, size_t limit) override;
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> wake_at() const override;

private:
  [[nodiscard]] std::string line(const JournalEntry& entry, const runs::View::Row& row);

  Api& api_;
  const std::string run_;
  const std::unique_ptr<RunEntries> entries_;
  const RunFormat format_;
  RunTeller teller_;
  bool began_ = false;
  std::chrono::steady_clock::time_point quiet_since_ = std::chrono::steady_clock::now();
};

/// All runs, from now on; and what the policy denied.
class AllRunsStream : public Stream {
public:
  explicit AllRunsStream(Api& api);

  State pull(std::vector<Bytes>& into, size_t limit) override;
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> wake_at() const override;

private:
  void look_for_runs();
  void follow(const std::string& run, const runs::View& all);
  std::string told_of(const std::string& run, size_t limit, bool& done);
  size_t denials(std::vector<Bytes>& into, size_t limit);

  Api& api_;
  struct Followed {
    std::unique_ptr<RunEntries> entries;
    RunTeller teller{};
  };
  std::map<std::string, Followed> followed_;
  std::set<std::string> seen_;  ///< Of those that have not ended as far as is known: followed, or told.
  uint64_t ended_to_ = 0;       ///< The seq up to which ended runs were looked at.
  std::unique_ptr<Stream> policy_;
  bool began_ = false;
  std::chrono::steady_clock::time_point quiet_since_ = std::chrono::steady_clock::now();
};

}  // namespace muster::http

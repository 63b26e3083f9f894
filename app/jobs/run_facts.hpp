// What this node has to tell the cluster of its runs: kept until it is recorded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "domain/runs.hpp"
#include "events/log/disk.hpp"

namespace muster::app {

/// Any thread. A fact that was told outlives this process.
class RunFacts {
public:
  /// Has them recorded; `then` is told the number up to which they are, once. With `field.invalid` one of
  /// them can never be; after any other error they are sent again. The limits are not set.
  using Send =
    std::function<void(runs::Report report, std::function<void(const Result<uint64_t>& taken)> then)>;

  /// `disk` outlives it.
  RunFacts(log::Disk& disk, std::string node, Send send);
  RunFacts(const RunFacts&) = delete;
  RunFacts& operator=(const RunFacts&) = delete;
  ~RunFacts();

  void start();
  void stop();

  /// Its number, source and node are filled in.
  void tell(runs::Told fact);
  /// Runs whose end waits to be recorded.
  [[nodiscard]] std::set<std::string> ended() const;

private:
  struct Kept {
    uint64_t number;
    runs::Told fact;
  };
  void load();
  void send_all();
  void sent(const Result<uint64_t>& taken, uint64_t first, uint64_t last);
  void drop_to(uint64_t number);

  log::Disk& disk_;
  const std::string node_;
  const Send send_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string source_;
  uint64_t last_ = 0;
  std::deque<Kept> waiting_;
  size_t at_once_;
  bool stopping_ = false, answered_ = false, failed_ = false;
  std::thread thread_;
};

/// The number in what a report is answered with. Error: `internal` when there is none.
[[nodiscard]] Result<uint64_t> taken_to(const std::string& answer);

}  // namespace muster::app

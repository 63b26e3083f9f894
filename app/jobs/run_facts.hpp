// What this node has to tell the cluster of its runs: kept until it is recorded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "domain/runs.hpp"
#include "events/log/disk.hpp"

namespace muster::app {

/// Any thread. A fact that was told outlives this process.
class RunFacts {
public:
  /// Sends the body of POST /v1/nodes/{id}/runs; `then` gets the reply's status and body, once.
  using Send = std::function<void(std::string body, std::function<void(int status, std::string body)> then)>;

  /// `disk` outlives it.
  RunFacts(log::Disk& disk, std::string node, Send send);
  RunFacts(const RunFacts&) = delete;
  RunFacts& operator=(const RunFacts&) = delete;
  ~RunFacts();

  void start();
  void stop();

  /// Its number, source and node are filled in.
  void tell(runs::Told fact);
  /// Whether the end of this run waits to be recorded.
  [[nodiscard]] bool has_end_of(const std::string& run) const;

private:
  struct Kept {
    uint64_t number;
    runs::Told fact;
  };
  void load();
  void send_all();
  void sent(int status, const std::string& body, uint64_t first, uint64_t last);
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

}  // namespace muster::app

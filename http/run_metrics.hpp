// What /metrics tells of jobs: runs, policy, sources, streams (jobs contract, section 15).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/system.hpp"

namespace muster::http {

/// Counts since this process started, each event once in a cluster: what happens to runs where they are
/// carried out, what is decided for all by whoever wrote the line. Sums over all nodes are right.
class RunMetrics {
public:
  RunMetrics(const std::string& version, const std::string& profile,
             std::shared_ptr<const Persistence> counts);
  ~RunMetrics();

  /// `views` have what the records tell of; `node` is this one's id. In order, on any one thread; lines that
  /// come again count once.
  void record(const std::vector<Record>& records, const ViewSet& views, const std::string& node);
  /// What became of an add-on's image, whether it was to be pulled, and how long that took. Any thread.
  void image_read(const Status& outcome, bool pull, Millis took);

  // Streams of runs; `transport` is sse or ndjson. Any thread.
  void stream_opened(const std::string& transport, bool resumed);
  void stream_closed(const std::string& transport);
  void cursor_expired();

  /// The Prometheus text of now, of the node `node`.
  [[nodiscard]] std::string text(const ViewSet& views, const std::string& node);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::http

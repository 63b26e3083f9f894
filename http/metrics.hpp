// What /metrics tells: requests by route (rate, errors, duration), the log, the views, tails, memory.
#pragma once

#include <memory>
#include <string>

#include "actors/system.hpp"
#include "http/server.hpp"

namespace muster::http {

class Metrics {
public:
  explicit Metrics(const std::string& version);
  ~Metrics();
  void finished(const Finished& request);
  /// The Prometheus text of now.
  [[nodiscard]] std::string text(const SystemGauges& gauges, uint64_t view_seq, size_t tails,
                                 const ServerStats& server);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::http

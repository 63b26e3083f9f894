// Counting with prometheus-cpp.
#include "http/metrics.hpp"

#include <fstream>
#include <map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include "http/shown_durations.hpp"

namespace muster::http {
namespace {

using actors::CommitTimes;
using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

const prometheus::Histogram::BucketBoundaries kSeconds = {.0005, .001, .0025, .005, .01, .025, .05,
                                                          .1,    .25,  .5,    1,    2.5, 5,    10};

const prometheus::Histogram::BucketBoundaries kCommitSeconds{actors::kCommitSeconds.begin(),
                                                             actors::kCommitSeconds.end()};

double resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

struct Metrics::Impl {
  /// One route with one method and status: looked up once.
  struct Series {
    prometheus::Counter* count;
    prometheus::Histogram* seconds;
  };

  prometheus::Gauge& gauge(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
    BuildCounter().Name("http_requests_total").Help("Requests answered").Register(registry);
  prometheus::Family<prometheus::Histogram>& durations = BuildHistogram()
                                                           .Name("http_request_duration_seconds")
                                                           .Help("Time to answer a request")
                                                           .Register(registry);
  prometheus::Gauge& seq = gauge("muster_log_seq", "Seq of the last committed line");
  prometheus::Gauge& lag = gauge("muster_view_lag", "Lines committed and not yet in the views");
  prometheus::Gauge& term = gauge("muster_raft_term", "Raft's term");
  prometheus::Gauge& epoch = gauge("muster_leader_epoch", "Grants of the leader lease");
  prometheus::Gauge& leading = gauge("muster_leading", "1 while this node takes commands");
  prometheus::Gauge& writable = gauge("muster_log_writable", "0 while the disk fails");
  prometheus::Gauge& pending = gauge("muster_log_pending", "Decisions that wait for the disk");
  prometheus::Gauge& entries = gauge("muster_log_entries", "Entries committed since the start");
  prometheus::Gauge& events = gauge("muster_log_events", "Events committed since the start");
  prometheus::Histogram& commit_seconds = BuildHistogram()
                                            .Name("muster_commit_seconds")
                                            .Help("Time from an entry's proposal until it is durable")
                                            .Register(registry)
                                            .Add({}, kCommitSeconds);
  CommitTimes::Counts commits_shown;  ///< What the histogram was told already.
  prometheus::Gauge& tails = gauge("muster_tails", "Open event tails");
  prometheus::Gauge& streams = gauge("muster_http_streams", "Open streams");
  prometheus::Gauge& dropped =
    gauge("muster_http_streams_dropped", "Streams dropped because their reader stalled");
  prometheus::Gauge& connections = gauge("muster_http_connections", "Open connections");
  prometheus::Gauge& refused = gauge("muster_http_connections_refused", "Connections refused at the limit");
  prometheus::Gauge& memory = gauge("process_resident_memory_bytes", "Resident memory");
  std::map<std::string, Series, std::less<>> series;
};

Metrics::Metrics(const std::string& version) : impl_(std::make_unique<Impl>()) {
  BuildGauge()
    .Name("muster_build_info")
    .Help("This build")
    .Register(impl_->registry)
    .Add({{"version", version}})
    .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::finished(const Finished& request) {
  thread_local std::string key;
  const auto code = std::to_string(request.status);
  key.assign(request.method).append(" ").append(code).append(" ").append(request.route);
  auto found = impl_->series.find(key);
  if (found == impl_->series.end()) {
    const prometheus::Labels labels{
      {"method", std::string(request.method)}, {"route", std::string(request.route)}, {"code", code}};
    found =
      impl_->series
        .emplace(key, Impl::Series{&impl_->requests.Add(labels), &impl_->durations.Add(labels, kSeconds)})
        .first;
  }
  found->second.count->Increment();
  found->second.seconds->Observe(static_cast<double>(request.took.count()) / 1e6);
}

std::string Metrics::text(const SystemGauges& gauges, uint64_t view_seq, size_t tails,
                          const ServerStats& server) {
  auto& i = *impl_;
  const auto set = [](prometheus::Gauge& gauge, auto value) { gauge.Set(static_cast<double>(value)); };
  set(i.seq, gauges.seq);
  set(i.lag, gauges.seq > view_seq ? gauges.seq - view_seq : 0);
  set(i.term, gauges.term);
  set(i.epoch, gauges.epoch);
  set(i.leading, gauges.leading ? 1 : 0);
  set(i.writable, gauges.writable ? 1 : 0);
  set(i.pending, gauges.pending);
  set(i.entries, gauges.entries);
  set(i.events, gauges.events);
  show_durations(i.commit_seconds, gauges.commits, i.commits_shown);
  set(i.tails, tails);
  set(i.streams, server.streams.load());
  set(i.dropped, server.dropped_streams.load());
  set(i.connections, server.connections.load());
  set(i.refused, server.refused.load());
  i.memory.Set(resident_bytes());
  return prometheus::TextSerializer{}.Serialize(i.registry.Collect());
}

}  // namespace muster::http

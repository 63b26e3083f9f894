// Counting what the log tells of jobs.
#include "http/run_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "http/shown_durations.hpp"

namespace muster::http {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using Buckets = prometheus::Histogram::BucketBoundaries;

constexpr const char* kSpecification = "1.2.0";  // Of the jobs contract.

const Buckets kContainerSeconds = {.5, 1, 2, 5, 10, 20, 60, 120, 300};
const Buckets kRunSeconds = {.01, .05, .1, .5, 1, 5, 10, 60, 300, 1800, 7200};
const Buckets kPersistenceBuckets{kPersistenceMs.begin(), kPersistenceMs.end()};
const Buckets kStartSeconds = {.001, .0025, .005, .01, .025, .05, .1, .5, 1, 10, 60};

double seconds(Time from, Time until) {
  return static_cast<double>(std::chrono::duration_cast<Millis>(until - from).count()) / 1e3;
}

}  // namespace

struct RunMetrics::Impl {
  prometheus::Counter& counter(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Family<prometheus::Counter>& counters(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Gauge& gauge(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& runs =
    counters("muster_runs_total", "Runs that ended on this node");
  prometheus::Histogram& run_seconds = histogram("muster_run_seconds", "From start to end", kRunSeconds);
  prometheus::Histogram& start_seconds =
    histogram("muster_run_start_seconds", "From accepted to started", kStartSeconds);
  prometheus::Gauge& running = gauge("muster_runs_running", "Runs of this node that go on");
  prometheus::Gauge& queued = gauge("muster_runs_queued", "Runs of the cluster that wait for their turn");
  prometheus::Counter& container_runs = counter("flwd_container_runs_total", "Container runs that ended");
  prometheus::Histogram& container_seconds =
    histogram("flwd_container_run_seconds", "Container runs, from start to end", kContainerSeconds);
  prometheus::Counter& pulls = counter("flwd_container_pulls_total", "Images that were pulled");
  prometheus::Histogram& pull_seconds =
    histogram("flwd_container_pull_seconds", "Pulls of images", kContainerSeconds);
  prometheus::Family<prometheus::Counter>& denials =
    counters("flwd_policy_denials_total", "What the policy denied, by its code");
  prometheus::Family<prometheus::Counter>& sources =
    counters("flwd_sources_added_total", "Sources that were added or replaced");
  prometheus::Counter& invalid_manifests =
    counter("flwd_addon_manifest_invalid_total", "Manifests of add-ons that are not valid");
  prometheus::Family<prometheus::Gauge>& streams =
    BuildGauge().Name("flowd_sse_active_streams").Help("Open streams of runs").Register(registry);
  prometheus::Counter& resumed = counter("flowd_sse_resume_total", "Streams that went on from a cursor");
  prometheus::Counter& expired =
    counter("flowd_sse_cursor_expired_total", "Cursors that point at nothing that is kept");

  std::shared_ptr<const Persistence> counts;
  prometheus::Family<prometheus::Histogram>& latency =
    BuildHistogram()
      .Name("flowd_persistence_latency_ms")
      .Help("What keeping replies and output on this node's disk takes")
      .Register(registry);
  prometheus::Family<prometheus::Counter>& evictions =
    counters("flowd_persistence_evictions_total", "Kept replies and pieces of journals that went");
  prometheus::Family<prometheus::Counter>& evicted =
    counters("flowd_persistence_eviction_bytes_total", "Bytes of what went");
  std::array<Persistence::Latency::Counts, Persistence::kOutcomes> shown;  // What the histograms were told.

  uint64_t seen = 0;  // Seq of the last record that was counted.

  /// Adds what happened since the last look.
  void show_persistence() {
    for (size_t i = 0; i < shown.size(); i++) {
      const auto& name = Persistence::kNames[i];
      show_durations(
        latency.Add({{"operation", name.operation}, {"outcome", name.outcome}}, kPersistenceBuckets),
        counts->latency(i), shown[i]);
    }
    const auto reach = [](prometheus::Counter& counter, uint64_t value) {
      counter.Increment(static_cast<double>(value) - counter.Value());
    };
    for (size_t i = 0; i < Persistence::kKinds; i++) {
      const prometheus::Labels kind{{"kind", Persistence::kKindNames[i]}};
      reach(evictions.Add(kind), counts->evictions(i));
      reach(evicted.Add(kind), counts->evicted_bytes(i));
    }
  }

  /// Of a run whose node is gone the leader tells the end, and nobody else counts it.
  void finished(const Record& record, const runs::Finished& told, const ViewSet& views,
                const std::string& node) {
    const auto* row = view<runs::View>(views).runs.find(told.run);
    if (!row) return;
    const auto& run = **row;
    const bool gone = told.local_seq == 0 && !view<nodes::View>(views).nodes.find(run.accepted->node);
    if (gone ? record.envelope.node != node : run.accepted->node != node) return;
    runs.Add({{"status", run.status}}).Increment();
    if (run.started_at == Time{} || run.finished_at == Time{}) return;
    const auto took = seconds(run.started_at, run.finished_at);
    run_seconds.Observe(took);
    if (run.accepted->executor != "container") return;
    container_runs.Increment();
    container_seconds.Observe(took);
  }

  void started(const runs::Started& told, const ViewSet& views, const std::string& node) {
    const auto* row = view<runs::View>(views).runs.find(told.run);
    if (row && (*row)->accepted->node == node && (*row)->started_at >= (*row)->accepted_at)
      start_seconds.Observe(seconds((*row)->accepted_at, (*row)->started_at));
  }
};

RunMetrics::RunMetrics(const std::string& version, const std::string& profile,
                       std::shared_ptr<const Persistence> counts)
  : impl_(std::make_unique<Impl>()) {
  impl_->counts = std::move(counts);
  BuildGauge()
    .Name("flwd_build_info")
    .Help("This build")
    .Register(impl_->registry)
    .Add({{"spec_version", kSpecification}, {"version", version}})
    .Set(1);
  BuildGauge()
    .Name("flwd_security_profile")
    .Help("The profile that runs are judged by")
    .Register(impl_->registry)
    .Add({{"profile", profile}})
    .Set(1);
  for (const auto* transport : {"sse", "ndjson"}) impl_->streams.Add({{"transport", transport}});
}

RunMetrics::~RunMetrics() = default;

void RunMetrics::record(const std::vector<Record>& records, const ViewSet& views, const std::string& node) {
  auto& i = *impl_;
  for (const auto& record : records) {
    if (record.seq <= i.seen) continue;
    i.seen = record.seq;
    if (const auto* ended = std::get_if<runs::Finished>(&record.event))
      i.finished(record, *ended, views, node);
    if (const auto* began = std::get_if<runs::Started>(&record.event)) i.started(*began, views, node);
    if (record.envelope.node != node) continue;
    if (const auto* said = std::get_if<runs::PolicyDecided>(&record.event);
        said && said->decision == "denied")
      i.denials.Add({{"reason", said->code}}).Increment();
    if (const auto* added = std::get_if<sources::Added>(&record.event))
      i.sources.Add({{"type", added->kind}}).Increment();
  }
}

void RunMetrics::image_read(const Status& outcome, bool pull, Millis took) {
  const bool invalid = !outcome && outcome.error().code == "E_ADDON_MANIFEST";
  if (invalid) impl_->invalid_manifests.Increment();
  if (!pull || (!outcome && !invalid)) return;
  impl_->pulls.Increment();
  impl_->pull_seconds.Observe(static_cast<double>(took.count()) / 1e3);
}

void RunMetrics::stream_opened(const std::string& transport, bool resumed) {
  impl_->streams.Add({{"transport", transport}}).Increment();
  if (resumed) impl_->resumed.Increment();
}

void RunMetrics::stream_closed(const std::string& transport) {
  impl_->streams.Add({{"transport", transport}}).Decrement();
}

void RunMetrics::cursor_expired() {
  impl_->expired.Increment();
}

std::string RunMetrics::text(const ViewSet& views, const std::string& node) {
  const auto& all = view<runs::View>(views);
  size_t running = 0;
  all.starting.each([&](const std::string& run, const auto&) {
    const auto* row = all.runs.find(run);
    if (row && (*row)->accepted->node == node) running++;
  });
  impl_->running.Set(static_cast<double>(running));
  impl_->queued.Set(static_cast<double>(all.queue.size()));
  impl_->show_persistence();
  return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect());
}

}  // namespace muster::http

// 64 clients that ask the nodes' domain inside the process, each with one durable command in flight.
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "actors/system.hpp"
#include "adapters/keys.hpp"
#include "consensus/replica.hpp"
#include "events/log/rocks_disk.hpp"
#include "measure.hpp"

using namespace bench;

namespace {

muster::nodes::Command registration(uint64_t node, uint64_t version) {
  muster::nodes::Registered record;
  record.node = "node-" + std::to_string(node);
  record.host = "rack-12.edge-a.example.net";
  record.ip = "10.20.30.40";
  record.caps.text = R"({"cpu":8,"ram_mb":16384,"net_mbps":1000,"gpu":"none","devices":2})";
  record.versions["agent"] = "0.4." + std::to_string(version);
  record.versions["kernel"] = "6.1.0-18-amd64";
  return muster::nodes::Register{std::move(record)};
}

/// Clients without threads: the answer to one command sends the next, from the thread that answers.
class Clients {
public:
  Clients(muster::System& system, uint64_t nodes) : system_(system), nodes_(nodes) {}

  /// Keeps `clients` commands in flight until `seconds` passed or `most` commands were sent.
  void run(size_t clients, double seconds, uint64_t most) {
    most_ = most;
    until_ = now() + seconds;
    in_flight_ = clients;
    began_ = now();
    for (size_t i = 0; i < clients; i++) send(i);
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return in_flight_ == 0; });
    took_ = now() - began_;
  }

  /// What the run that just ended measured; forgets it.
  Figures figures() {
    Figures all;
    all.add("rate", static_cast<double>(latencies_.size()) / took_)
      .add("errors", static_cast<double>(errors_));
    all.add("p50_us", latencies_.at(0.5)).add("p99_us", latencies_.at(0.99));
    latencies_.clear();
    return all;
  }

private:
  void send(size_t client) {
    const uint64_t n = sent_++;
    const double at = now();
    system_.ask(registration((n * 64 + client) % nodes_, n), {},
                muster::Answer([this, client, at](muster::Result<muster::Receipt> receipt) {
                  answered(client, at, bool(receipt));
                }));
  }

  void answered(size_t client, double at, bool good) {
    {
      const std::lock_guard lock(mutex_);
      latencies_.add(now() - at);
      if (!good) errors_++;
      if (now() >= until_ || sent_ >= most_) {
        if (--in_flight_ == 0) idle_.notify_all();
        return;
      }
    }
    send(client);
  }

  muster::System& system_;
  const uint64_t nodes_;
  std::mutex mutex_;
  std::condition_variable idle_;
  Latencies latencies_;
  size_t in_flight_ = 0, errors_ = 0;
  std::atomic<uint64_t> sent_{0};
  uint64_t most_ = 0;
  double until_ = 0, began_ = 0, took_ = 0;
};

template <class T>
T must(muster::Result<T> result) {
  if (!result) give_up(result.error().code + ": " + result.error().detail);
  return std::move(*result);
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments given(argc, argv);
  const std::string folder = given.text("folder");
  std::filesystem::create_directories(folder);
  const auto disk = must(muster::log::open_rocks_disk(folder + "/store", muster::log::Access::read_write));
  const auto keys = must(muster::load_or_make_keys(folder + "/keys"));
  if (!muster::consensus::Replica::bootstrapped(*disk))
    must(muster::consensus::Replica::bootstrap(*disk, {{1, "bench", muster::consensus::Role::voter}}));
  muster::SystemOptions options;
  options.node = "bench";
  std::promise<void> led;
  options.on_leading = [&led, once = std::make_shared<std::once_flag>()] {
    std::call_once(*once, [&led] { led.set_value(); });
  };
  const auto system = must(muster::System::make(*disk, keys, std::move(options)));
  system->open();
  if (led.get_future().wait_for(std::chrono::seconds(30)) != std::future_status::ready)
    give_up("not ready within 30 s");
  const auto nodes = static_cast<uint64_t>(given.whole("nodes", 10'000));
  Clients clients(*system, nodes);
  clients.run(64, 600, nodes);  // Registers them all once.
  (void)clients.figures();
  const auto before = system->gauges();
  const double cpu = usage_of(getpid()).cpu;
  clients.run(static_cast<size_t>(given.whole("clients", 64)), given.number("seconds", 5), UINT64_MAX);
  auto figures = clients.figures();
  const double spent = usage_of(getpid()).cpu - cpu;
  const auto gauges = system->gauges();
  const auto entries = static_cast<double>(gauges.entries - before.entries);
  figures.add("events_an_entry", static_cast<double>(gauges.events - before.events) / entries)
    .add("cpu_us_an_event", spent / static_cast<double>(gauges.events - before.events) * 1e6)
    .add("commit_us", (gauges.commits.sum - before.commits.sum) / entries * 1e6);
  figures.add("rss_kib", static_cast<double>(usage_of(getpid()).rss_kib)).print();
  system->stop();
}

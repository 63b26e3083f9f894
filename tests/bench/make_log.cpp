// Makes a data folder whose log holds as many events as asked: nodes, heartbeats, claims and plans, with the
// checkpoints a node would have stored.
#include <cstdio>
#include <filesystem>
#include <random>

#include "actors/checkpointer.hpp"
#include "actors/world.hpp"
#include "adapters/keys.hpp"
#include "events/log/chain.hpp"
#include "events/log/entry.hpp"
#include "events/log/rocks_disk.hpp"
#include "tests/bench/measure.hpp"

namespace {

using namespace muster;

std::string name_of(uint64_t n) {
  char text[32];
  std::snprintf(text, sizeof text, "edge-%05llu", static_cast<unsigned long long>(n));
  return text;
}

/// Invents what happens next; the same events for the same seed.
class Story {
public:
  explicit Story(uint64_t nodes) : nodes_(nodes) {}

  AnyEvent next(uint64_t seq, Time now) {
    if (seq == 1) return cluster::Created{random_hex_like(16), kFeatureLevel};
    if (seq == 3) return lease::Granted{.node = "edge-00000", .url = "http://127.0.0.1:8070", .epoch = 1};
    if (registered_ < nodes_) return registered(registered_++, "1.0.0");
    const auto node = name_of(pick(nodes_));
    switch (pick(20)) {
      case 0:
        return nodes::Silent{node, now};
      case 1:
        return nodes::Returned{node};
      case 2:
        return registered(pick(nodes_), "1." + std::to_string(pick(9)) + ".0");
      case 3:
        open_ = random_hex_like(16);
        return claims::Opened{open_, random_hex_like(32), now + Millis{3'600'000}};
      case 4:
        return claims::Fulfilled{open_, node, RawJson{R"({"host":"edge.example","rack":7})"}};
      case 5:
        return issued(node);
      default:
        return changed(node);
    }
  }

private:
  uint64_t pick(uint64_t below) { return random_() % below; }

  std::string random_hex_like(size_t bytes) {
    std::string text;
    for (size_t i = 0; i < 2 * bytes; i++) text += "0123456789abcdef"[pick(16)];
    return text;
  }

  AnyEvent registered(uint64_t n, const std::string& version) {
    nodes::Registered e;
    e.node = name_of(n);
    e.host = e.node + ".example";
    e.ip = "10.0." + std::to_string(n / 256 % 256) + "." + std::to_string(n % 256);
    e.node_class = n % 7 == 0 ? "server" : "camera-proxy";
    e.version = version;
    e.features = {"docker", "gpu"};
    e.labels = {{"site", "site-" + std::to_string(n % 50)}};
    return e;
  }

  AnyEvent changed(const std::string& node) {
    nodes::Changed e;
    e.node = node;
    e.role = pick(7) == 0 ? "server" : "camera-proxy";
    e.services_running = {"rtsp-proxy", "recorder-" + std::to_string(pick(10))};
    e.versions = {{"recorder", "2." + std::to_string(pick(100))}};
    return e;
  }

  AnyEvent issued(const std::string& node) {
    plans::Issued e;
    e.node = node;
    e.file = "camera-proxy.yaml";
    e.generation = random_hex_like(8);
    e.role = "camera-proxy";
    e.services = {"rtsp-proxy", "recorder"};
    e.epoch = 1;
    return e;
  }

  const uint64_t nodes_;
  uint64_t registered_ = 0;
  std::mt19937_64 random_{42};
  std::string open_;
};

class Maker {
public:
  Maker(log::Disk& disk, const Keys& keys, uint64_t every, uint64_t nodes)
    : disk_(disk),
      keys_(keys),
      every_(every),
      story_(nodes),
      chain_(disk),
      time_(*parse_rfc3339("2026-01-01T00:00:00Z")) {}

  void make(uint64_t events) {
    while (chain_.head().seq < events) {
      const auto seq = chain_.head().seq + entry_events_ + 1;
      time_ += Millis{50};
      if (seq == 2) {
        cluster::MemberStarted started;
        started.member = "edge-00000";
        started.version = "0.1.0";
        started.public_key = to_hex(keys_.sign_public);
        add(started);
        continue;
      }
      add(story_.next(seq, time_));
      if (entry_events_ == 64 || seq == events) commit();
    }
  }

private:
  void add(const AnyEvent& event) {
    Envelope envelope;
    envelope.time = time_;
    envelope.epoch = chain_.head().seq > 2 ? 1 : 0;
    envelope.node = "edge-00000";
    envelope.actor = "apikey";
    envelope.request = "r-" + std::to_string(100'000'000 + chain_.head().seq + entry_events_);
    std::string suffix;
    append_envelope(suffix, envelope);
    append_event(suffix, event);
    entry_.event(stream_of(event), suffix);
    entry_events_++;
  }

  void commit() {
    log::Batch batch;
    std::vector<log::Line> lines;
    chain_.apply(++index_, entry_.take(), time_, batch, lines);
    entry_events_ = 0;
    if (!disk_.write(batch, false)) bench::give_up("the disk refuses");
    for (const auto& line : lines) {
      const auto record = read_line(*line);
      if (!record) bench::give_up(record.error().detail);
      fold(world_, *record);
      bytes_ += line->size();
    }
    world_.set.head = chain_.head().hash;
    if (every_ != 0 && chain_.head().seq >= last_ + every_ && bytes_ >= last_bytes_) checkpoint();
  }

  void checkpoint() {
    const auto stored = store_checkpoint(disk_, world_);
    if (!stored) bench::give_up(stored.error().detail);
    last_ = stored->at;
    last_bytes_ = stored->bytes;
    bytes_ = 0;
    cluster::Checkpointed made{stored->at, to_hex(world_.set.head), stored->digest, stored->bytes, {}};
    made.signatures["edge-00000"] = to_hex(sign(keys_, actors::checkpoint_statement(made)));
    add(made);
  }

  log::Disk& disk_;
  const Keys& keys_;
  const uint64_t every_;
  Story story_;
  log::ChainWriter chain_;
  log::EntryWriter entry_;
  uint64_t index_ = 0, entry_events_ = 0;
  Time time_;
  World world_;
  uint64_t last_ = 0, bytes_ = 0, last_bytes_ = 0;
};

}  // namespace

/// --data DIR --events N --nodes M --checkpoint-every N (0: none). Reopening lets the store settle.
int main(int argc, char** argv) {
  const bench::Arguments arguments{argc, argv};
  const auto data = arguments.text("data", "make_log.data");
  std::filesystem::create_directories(data);
  const auto keys = load_or_make_keys(data + "/keys");
  if (!keys) bench::give_up(keys.error().detail);
  const auto disk = log::open_rocks_disk(data + "/log", log::Access::read_write);
  if (!disk) bench::give_up(disk.error().detail);
  const auto from = bench::now();
  Maker maker{**disk, *keys, static_cast<uint64_t>(arguments.whole("checkpoint-every", 20'000)),
              static_cast<uint64_t>(arguments.whole("nodes", 10'000))};
  maker.make(static_cast<uint64_t>(arguments.whole("events", 1'000'000)));
  if (!(*disk)->sync()) bench::give_up("the disk refuses");
  bench::Figures{}
    .add("seconds", bench::now() - from)
    .add("log_bytes", static_cast<double>((*disk)->size(log::Column::events)))
    .add("checkpoint_bytes", static_cast<double>((*disk)->size(log::Column::checkpoints)))
    .add("checkpoints", static_cast<double>(checkpoint_seqs(**disk).size()))
    .print();
}

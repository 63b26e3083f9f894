// Telling a bus, and going on where it was left.
#include "app/outbox.hpp"

#include <algorithm>
#include <array>
#include <future>

#include <spdlog/spdlog.h>

#include "base/chance.hpp"

namespace muster::app {
namespace {

constexpr Millis kIdle{1'000};  // Between two looks whether this node is the one that tells.

/// What no repetition would mend.
bool is_final(const Status& status) {
  static constexpr std::array kFinal{"field.invalid", "bus.limit", "bus.unrouted"};
  return !status && std::ranges::find(kFinal, status.error().code) != kFinal.end();
}

}  // namespace

Outbox::Outbox(OutboxOptions options)
  : options_(std::move(options)),
    passed_(options_.start),
    beat_pause_(options_.first_retry),
    thread_([this] { live(); }) {}

Outbox::~Outbox() {
  stop();
}

void Outbox::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Outbox::wake() {
  {
    const std::lock_guard lock{mutex_};
    woken_ = true;
  }
  wake_.notify_one();
}

void Outbox::heard(const nodes::Command& command, Time now) {
  if (!options_.bus->wanted()) return;
  auto beat = overlay_message(options_.names, command, now);
  if (!beat) return;
  {
    const std::lock_guard lock{mutex_};
    beats_.push_back(std::move(*beat));
    for (; beats_.size() > kMostBeats; given_up_++) beats_.pop_front();
    woken_ = true;
  }
  wake_.notify_one();
}

void Outbox::live() {
  auto pause = options_.first_retry;
  auto wait = kIdle;
  for (;;) {
    bool last = false;
    {
      std::unique_lock lock{mutex_};
      wake_.wait_for(lock, wait, [&] { return stopping_ || (woken_ && wait == kIdle); });
      last = stopping_;
      woken_ = false;
    }
    if (last && wait != kIdle) return;  // It took nothing the last time.
    tell_beats();
    const bool taken = tell_lines(last);
    if (last) return;
    wait = taken ? kIdle : jittered(pause);
    pause = taken ? options_.first_retry : std::min(pause * 2, options_.longest_retry);
  }
}

/// Those that the bus does not take are given up, and for a while those that follow, which say the same: they
/// hold up nothing that the log says.
void Outbox::tell_beats() {
  std::vector<BusMessage> beats;
  uint64_t given_up = 0;
  {
    const std::lock_guard lock{mutex_};
    beats.assign(std::make_move_iterator(beats_.begin()), std::make_move_iterator(beats_.end()));
    beats_.clear();
    given_up = std::exchange(given_up_, 0);
  }
  if (given_up > 0) spdlog::warn("bus heartbeats={} given up: it takes them too slowly", given_up);
  if (beats.empty() || Clock::now() < beats_from_ || !options_.bus->ready()) return;
  const auto told = options_.bus->publish_many(beats);
  const auto failed = std::ranges::find_if(told, [](const Status& one) { return !one; });
  if (failed == told.end()) {
    beat_pause_ = options_.first_retry;
    return;
  }
  spdlog::warn("bus event={} error={}", beats.front().topic, failed->error().detail);
  beats_from_ = Clock::now() + jittered(beat_pause_);
  beat_pause_ = std::min(beat_pause_ * 2, options_.longest_retry);
}

/// False when the bus does not take what the log says: it is told again later. The `last` time all that
/// nobody wanted is put on record, so that who listens first after the next start hears nothing of before.
bool Outbox::tell_lines(bool last) {
  if (!options_.mine()) {
    place_.reset();
    passed_ = std::max(passed_, options_.head());
    return true;
  }
  if (!place_) {
    const auto known = options_.place();
    place_ = kept_ = known.value_or(passed_);
    if (!known && !keep(*place_, true)) return false;
  }
  if (!options_.bus->wanted()) {
    place_ = std::max(*place_, options_.head());
    return keep(*place_, last);
  }
  while (*place_ < options_.head() && options_.mine()) {
    if (!options_.bus->ready()) {
      if (!std::exchange(waiting_, true)) spdlog::info("bus waits until it is as the profile wants it");
      if (options_.waits) options_.waits();
      return true;
    }
    waiting_ = false;
    const auto batch = read(*place_ + 1);
    if (batch.to <= *place_) break;
    uint64_t told_to = batch.to;
    bool whole = true;
    const auto told =
      batch.messages.empty() ? std::vector<Status>{} : options_.bus->publish_many(batch.messages);
    for (size_t i = 0; i < told.size() && whole; i++) {
      if (told[i]) continue;
      spdlog::warn("bus event={} id={} error={}", batch.messages[i].topic, batch.messages[i].idempotency_key,
                   told[i].error().detail);
      if (is_final(told[i])) continue;
      whole = false;
      told_to = batch.seqs[i] - 1;
    }
    place_ = std::max(*place_, told_to);
    if (!keep(*place_, !batch.messages.empty()) || !whole) return false;
  }
  return true;
}

Outbox::Read Outbox::read(uint64_t from) const {
  Read batch;
  const auto head = options_.head();
  size_t bytes = 0;
  Record record;
  options_.chain->each_from(from, [&](uint64_t seq, std::string_view line) {
    if (seq > head) return false;
    if (batch.messages.empty() && seq > from && from > 1 && batch.to == 0)
      spdlog::warn("outbox lines {} to {} are not here any more, and were not told", from, seq - 1);
    LineShape shape;
    if (split_line(line, shape) == nullptr && is_overlay(shape.type) && read_line(line, record))
      if (auto message = overlay_message(options_.names, record, options_.cluster(seq))) {
        bytes += message->body.size();
        batch.messages.push_back(std::move(*message));
        batch.seqs.push_back(seq);
      }
    batch.to = seq;
    return batch.messages.size() < kAtOnce && bytes < kBytesAtOnce && seq - from < kUnrecorded;
  });
  return batch;
}

/// What has no message is put on record now and then; the rest would be read once more.
bool Outbox::keep(uint64_t to, bool told) {
  if (to == kept_ && place_ && options_.place()) return true;
  if (!told && to - kept_ < kUnrecorded) return true;
  if (const auto kept = options_.keep(to); !kept) {
    spdlog::warn("outbox to={} error={}", to, kept.error().detail);
    return false;
  }
  kept_ = to;
  return true;
}

namespace {

constexpr std::string_view kPlace = "outbox/in-process";
constexpr Millis kRecorded{10'000};  // For the log to take the place.

/// Who leads tells a shared bus.
void keep_in_log(OutboxOptions& options, System& system, const std::string& bus) {
  options.mine = [&system] { return system.ready() && system.gauges().leading; };
  options.place = [&system, bus]() -> std::optional<uint64_t> {
    const auto views = system.views();
    const auto& outbox = view<cluster::View>(*views).identity->outbox;
    return outbox && outbox->bus == bus ? std::optional{outbox->to} : std::nullopt;
  };
  options.keep = [&system, bus](uint64_t to) -> Status {
    const auto done = std::make_shared<std::promise<Status>>();
    Origin origin;
    origin.actor = "node/" + system.options().node;
    system.ask(cluster::Command{cluster::MoveOutbox{{bus, to}}}, std::move(origin),
               Answer{[done](const Result<Receipt>& kept) {
                 done->set_value(kept ? Status{Done{}} : Status{kept.error()});
               }});
    auto waiting = done->get_future();
    if (waiting.wait_for(kRecorded) != std::future_status::ready)
      return Error{"command.timeout", "the log did not take it in time"};
    return waiting.get();
  };
}

/// Every node tells its own bus. Not synced: what is told again has the id that it had.
void keep_here(OutboxOptions& options, System& system) {
  options.mine = [] { return true; };
  options.place = [&system]() -> std::optional<uint64_t> {
    const auto kept = system.disk().get(log::Column::local, kPlace);
    return kept ? std::optional{log::number_of(*kept)} : std::nullopt;
  };
  options.keep = [&system](uint64_t to) {
    log::Batch batch;
    batch.put(log::Column::local, kPlace, log::number_key(to));
    return system.disk().write(batch, false);
  };
}

}  // namespace

std::unique_ptr<Outbox> make_outbox(const OverlayBus& overlay, System& system, std::string prefix,
                                    std::function<void()> waits) {
  OutboxOptions options;
  options.bus = overlay.bus;
  options.names = {overlay.bus->exchange(), std::move(prefix), "supervisor"};
  options.chain = &system.chain();
  options.cluster = [&system](uint64_t seq) {
    return view<cluster::View>(*system.views()).identity->name_at(seq);
  };
  options.head = [&system] { return system.views()->seq; };
  options.start = system.views()->seq;
  options.waits = std::move(waits);
  if (overlay.shared)
    keep_in_log(options, system, overlay.name);
  else
    keep_here(options, system);
  return std::make_unique<Outbox>(std::move(options));
}

}  // namespace muster::app

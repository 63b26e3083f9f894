// The outbox: tells a bus what the log says, in order, from where it was told last; and the heartbeats, which
// are not of the log, as they come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/system.hpp"
#include "adapters/ports/event_bus.hpp"
#include "app/event_bus.hpp"
#include "app/overlay.hpp"
#include "events/log/chain.hpp"

namespace muster::app {

struct OutboxOptions {
  std::shared_ptr<EventBus> bus;
  OverlayNames names;
  const log::ChainReader* chain = nullptr;           ///< Outlives the outbox.
  std::function<std::string(uint64_t seq)> cluster;  ///< Its name, as of that line.
  std::function<uint64_t()> head;                    ///< The last seq that is committed.
  std::function<bool()> mine;  ///< Whether it is this node that tells. A bus that is shared: who leads.
  /// The last seq that was told, as it is on record; nothing: never any.
  std::function<std::optional<uint64_t>()> place;
  /// Records it; waits until it is. When it fails, it is tried again with what was told since.
  std::function<Status(uint64_t to)> keep;
  /// The bus is not ready for what waits to be told. Null: nobody is to know.
  std::function<void()> waits{};
  /// Where to begin when nothing is on record: what was committed later is told.
  uint64_t start = 0;
  Millis first_retry{1'000}, longest_retry{60'000};  ///< While the bus does not take messages; with jitter.
};

/// A message that was sent and not recorded as told is sent again under the same id: none is lost, and who
/// keeps the ids sees none twice.
class Outbox {
public:
  /// Heartbeats that wait for the bus; beyond, the oldest are given up, which is logged.
  static constexpr size_t kMostBeats = 4'096;
  static constexpr size_t kAtOnce = 512;           ///< Messages that are handed to the bus together.
  static constexpr size_t kBytesAtOnce = 8 << 20;  ///< Of their bodies.
  static constexpr uint64_t kUnrecorded =
    10'000;  ///< Lines without a message that are passed over unrecorded.

  explicit Outbox(OutboxOptions options);
  ~Outbox();  ///< Stops.
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// What is committed is still told, when the bus takes it at once; afterwards nothing of the options is
  /// used. Of who destroys it, while what they name is there.
  void stop();

  // Any thread; neither waits for the bus.

  /// Something was committed, or another member leads.
  void wake();
  void heard(const nodes::Command& command, Time now);

private:
  using Clock = std::chrono::steady_clock;
  void live();
  void tell_beats();
  bool tell_lines(bool last);
  struct Read {
    std::vector<BusMessage> messages;
    std::vector<uint64_t> seqs;  ///< Of each message.
    uint64_t to = 0;             ///< The last line that was read.
  };
  [[nodiscard]] Read read(uint64_t from) const;
  bool keep(uint64_t to, bool told);

  const OutboxOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<BusMessage> beats_;
  uint64_t given_up_ = 0;
  bool woken_ = false, stopping_ = false;
  // Of the thread.
  std::optional<uint64_t> place_;  ///< The last line that was told, or passed over.
  bool waiting_ = false;           ///< For the bus to be ready.
  uint64_t kept_ = 0;              ///< The last one that is on record.
  uint64_t passed_ = 0;            ///< Where it begins when none is: all before was another node's to tell.
  Millis beat_pause_;
  Clock::time_point beats_from_{};  ///< Until then heartbeats are given up: the last ones were refused.
  std::thread thread_;
};

/// The outbox of a node. What a shared bus was told is on record in the log, and what the node's own one was
/// is in its folder. `waits` is of OutboxOptions.
[[nodiscard]] std::unique_ptr<Outbox> make_outbox(const OverlayBus& overlay, System& system,
                                                  std::string prefix, std::function<void()> waits);

}  // namespace muster::app

// The books that the connections of one server share: who lives, who waits to be pulled.
#include "http/server_core.hpp"

#include <charconv>

#include <boost/asio/post.hpp>

#include "http/server_connection.hpp"

namespace muster::http {
namespace {

constexpr size_t kPumpSlice = 64;                   ///< Streams pulled before requests have their turn.
constexpr std::chrono::milliseconds kLongRound{1};  ///< A round that takes longer is followed by a rest.

}  // namespace

ConnectionId Connections::reserve() {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const auto slot = free_.back();
  free_.pop_back();
  return uint64_t{slots_[slot].tenant} << 32 | slot;
}

void Connections::put(ConnectionId id, std::shared_ptr<Connection> connection) {
  slots_[static_cast<uint32_t>(id)].connection = std::move(connection);
}

std::shared_ptr<Connection> Connections::find(ConnectionId id) const {
  const auto& slot = slots_[static_cast<uint32_t>(id)];
  return slot.tenant == id >> 32 ? slot.connection : nullptr;
}

void Connections::erase(ConnectionId id) {
  auto& slot = slots_[static_cast<uint32_t>(id)];
  slot.tenant++;
  slot.connection.reset();
  free_.push_back(static_cast<uint32_t>(id));
}

std::vector<std::shared_ptr<Connection>> Connections::all() const {
  std::vector<std::shared_ptr<Connection>> live;
  for (const auto& slot : slots_)
    if (slot.connection) live.push_back(slot.connection);
  return live;
}

std::string Core::make_id() {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), ++next_id, 16).ptr;
  return id_prefix + std::string(digits.data(), end);
}

void Core::schedule_pump() {
  if (pump_posted) return;
  pump_posted = true;
  boost::asio::post(io, [this] {
    pump_posted = false;
    auto& ready = list(Phase::ready);
    if (!round.running) round = {true, Clock::now(), {}};
    for (size_t i = 0; i < kPumpSlice && !ready.empty(); i++) {
      const auto stream = connection_of(ready.front()).shared_from_this();
      stream->pump();
    }
    if (!ready.empty()) return schedule_pump();
    round.running = false;
    round.ended = Clock::now();
  });
}

/// Thousands of readers take milliseconds to write to. What is committed meanwhile goes out together in the
/// next round, which waits for as long as this one took: half of the thread is left for everybody else.
Clock::time_point Round::rested() const {
  const auto took = ended - began;
  return took < kLongRound ? ended : ended + took;
}

void Core::forget(ConnectionId id, bool was_refused) {
  connections.erase(id);
  (was_refused ? refused : accepted)--;
  stats.connections--;
  if (stopping && accepted + refused == 0) io.stop();
}

}  // namespace muster::http

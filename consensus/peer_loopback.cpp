// One queue of frames, and who sits where.
#include "consensus/peer_loopback.hpp"

#include <chrono>
#include <optional>

namespace muster::consensus {

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMaxWaiting = 65'536;  ///< Frames; the newest is dropped.
constexpr auto kRecently = std::chrono::seconds{2};

}  // namespace

struct PeerLoopback::Seat {
  Peer self;
  PeerEvents events;
  std::map<std::string, Peer> members{};
  std::map<std::string, Clock::time_point> heard{};

  [[nodiscard]] bool trusts(const Peer& other) const {
    const auto found = members.find(other.node);
    return found != members.end() && found->second.key == other.key;
  }
};

struct PeerHub::Shared : std::enable_shared_from_this<PeerHub::Shared> {
  using Seat = PeerLoopback::Seat;
  using Pair = std::pair<std::string, std::string>;

  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<Seat>> seats;  ///< By node.
  std::deque<std::function<void()>> tasks;
  std::set<Pair> cuts;

  static Pair pair(const std::string& a, const std::string& b) { return std::minmax(a, b); }

  /// Whether `from` reaches `to`; the mutex is held.
  [[nodiscard]] std::shared_ptr<Seat> reach(const Seat& from, const std::string& to) const {
    const auto found = seats.find(to);
    if (found == seats.end() || cuts.contains(pair(from.self.node, to))) return nullptr;
    if (!from.trusts(found->second->self) || !found->second->trusts(from.self)) return nullptr;
    return found->second;
  }

  bool add(std::function<void()> task) {
    const std::lock_guard lock(mutex);
    if (tasks.size() >= kMaxWaiting) return false;
    tasks.push_back(std::move(task));
    return true;
  }

  void deliver(const std::weak_ptr<Seat>& sender, const std::string& to, Envelope envelope) {
    std::function<void(const std::string&, Envelope)> received;
    std::string from;
    {
      const std::lock_guard lock(mutex);
      const auto source = sender.lock();
      const auto target = source ? reach(*source, to) : nullptr;
      if (!target) return;
      target->heard[source->self.node] = Clock::now();
      received = target->events.received;
      from = source->self.node;
    }
    if (received) received(from, std::move(envelope));
  }
};

PeerHub::PeerHub() : shared_(std::make_shared<Shared>()) {}
PeerHub::~PeerHub() = default;

size_t PeerHub::run(size_t limit) {
  for (size_t done = 0; done < limit; done++) {
    std::function<void()> task;
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->tasks.empty()) return done;
      task = std::move(shared_->tasks.front());
      shared_->tasks.pop_front();
    }
    task();
  }
  return limit;
}

size_t PeerHub::waiting() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->tasks.size();
}

void PeerHub::cut(const std::string& a, const std::string& b) {
  const std::lock_guard lock(shared_->mutex);
  shared_->cuts.insert(Shared::pair(a, b));
}

void PeerHub::heal(const std::string& a, const std::string& b) {
  const std::lock_guard lock(shared_->mutex);
  shared_->cuts.erase(Shared::pair(a, b));
}

void PeerHub::call_to_join(const std::string& address, const Stranger& who, Envelope request,
                           std::function<void(Result<Envelope>)> answer) {
  const auto ask = [shared = shared_.get(), address, who, request = std::move(request), answer] {
    std::optional<PeerEvents> events;
    {
      const std::lock_guard lock(shared->mutex);
      for (const auto& [node, seat] : shared->seats)
        if (seat->self.address == address) events = seat->events;
    }
    if (!events) return answer(Error{"unreachable", "nobody listens at " + address});
    if (!events->stranger) return answer(Error{"forbidden", address + " refuses: nobody may join here"});
    // `answer` may come on any thread, but is passed on by run().
    events->stranger(who, request, [weak = shared->weak_from_this(), answer](Envelope envelope) {
      if (const auto hub = weak.lock())
        hub->add([answer, envelope = std::move(envelope)] { answer(envelope); });
    });
  };
  if (!shared_->add(ask)) answer(Error{"unreachable", "too much waits to be delivered"});
}

PeerLoopback::PeerLoopback(PeerHub& hub, Peer self, PeerEvents events)
  : shared_(hub.shared_), seat_(std::make_shared<Seat>(Seat{std::move(self), std::move(events)})) {
  const std::lock_guard lock(shared_->mutex);
  shared_->seats[seat_->self.node] = seat_;
}

PeerLoopback::~PeerLoopback() {
  const std::lock_guard lock(shared_->mutex);
  if (const auto found = shared_->seats.find(seat_->self.node);
      found != shared_->seats.end() && found->second == seat_)
    shared_->seats.erase(found);
}

void PeerLoopback::set_members(std::vector<Peer> members) {
  const std::lock_guard lock(shared_->mutex);
  seat_->members.clear();
  for (auto& peer : members)
    if (peer.node != seat_->self.node) seat_->members.emplace(peer.node, peer);
}

void PeerLoopback::send(const std::string& node, Envelope envelope) {
  if (envelope.body.size() > kMaxEnvelope) return;
  const std::weak_ptr<Seat> seat = seat_;
  shared_->add([shared = shared_.get(), seat, node, envelope = std::move(envelope)] {
    shared->deliver(seat, node, envelope);
  });
}

std::map<std::string, PeerState> PeerLoopback::states() const {
  const std::lock_guard lock(shared_->mutex);
  const auto now = Clock::now();
  std::map<std::string, PeerState> states;
  for (const auto& [node, peer] : seat_->members) {
    auto& state = states[node];
    state.connected = shared_->reach(*seat_, node) != nullptr;
    const auto heard = seat_->heard.find(node);
    if (heard == seat_->heard.end()) continue;
    state.heard = now - heard->second <= kRecently;
    state.last_heard_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - heard->second).count();
  }
  return states;
}

}  // namespace muster::consensus

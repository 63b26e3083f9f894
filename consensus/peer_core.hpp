// What the parts of the network share: one thread's state, and the little that others may touch.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "consensus/peer_connection.hpp"
#include "consensus/peer_network.hpp"

namespace muster::consensus {

class Link;

struct HostPort {
  std::string host, port;
};
/// host:port or [IPv6]:port, the port 0 to 65535. Error: `field.invalid`.
Result<HostPort> split_address(const std::string& address);

/// At most so many a second, saved up for as long.
class Bucket {
public:
  explicit Bucket(unsigned per_second) : per_second_(per_second), tokens_(per_second) {}
  bool take(PeerClock::time_point now);

private:
  unsigned per_second_;
  double tokens_;
  PeerClock::time_point last_{};
};

/// How other threads reach the network's: closed before the network goes.
class Gate {
public:
  explicit Gate(boost::asio::io_context& io) : io_(&io) {}
  void post(std::function<void()> task);
  void close();

private:
  std::mutex mutex_;
  boost::asio::io_context* io_;
};

struct Core {
  explicit Core(PeerOptions given)
    : options(std::move(given)),
      refusals(options.limits.refusals_per_second),
      gate(std::make_shared<Gate>(io)) {}

  struct Counters {
    std::atomic<uint64_t> accepted{0}, refused{0}, evicted{0}, strangers{0}, sent{0}, received{0}, dropped{0};
  };

  boost::asio::io_context io{1};
  const PeerOptions options;
  std::string boot;                        ///< Of this process.
  std::shared_ptr<const PeerTrust> trust;  ///< Of the network's thread.
  Counters counters;
  Bucket refusals;
  std::map<std::string, PeerClock::time_point> told;  ///< Refusals, and when.
  uint64_t unsaid = 0;                                ///< Since the last that was told.
  bool stopping = false;
  const std::shared_ptr<Gate> gate;

  mutable std::mutex mutex;  ///< For links.
  std::map<std::string, std::shared_ptr<Link>> links;

  [[nodiscard]] const PeerLimits& limits() const { return options.limits; }
  [[nodiscard]] std::shared_ptr<Link> find(const std::string& node) const;
  [[nodiscard]] std::vector<std::shared_ptr<Link>> all_links() const;
  /// Whether a member came with that key, whatever its certificate says.
  [[nodiscard]] bool is_members(const std::string& key) const;
  /// Counts, and tells when that is not too often.
  void refused(const std::string& who, const std::string& why);
};

[[nodiscard]] inline uint64_t micros(PeerClock::time_point when) {
  return static_cast<uint64_t>(
    std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count());
}

}  // namespace muster::consensus

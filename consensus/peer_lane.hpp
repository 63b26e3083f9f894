// One of the two ways to a peer: dialled, kept, and dialled again for ever.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

#include "consensus/peer_core.hpp"
#include "consensus/peer_queue.hpp"

namespace muster::consensus {

/// A part of its Link, which it keeps alive while anything is under way. Belongs to the network's thread, but
/// for its queue.
class DialLane final : public Connection::Owner {
public:
  DialLane(Core& core, Link& link, Lane which);

  PeerQueue queue;

  void begin();   ///< Dials now, unless it is at it.
  void redial();  ///< The own certificate is another one: again, after what it has to send.
  void drop();    ///< For good.
  void lose(const std::string& why);  ///< Closes, and dials again after a while.
  void flush();
  void tick(PeerClock::time_point now);
  void probe(uint64_t stamp);  ///< Sends a ping that Link::heard_pong tells of.
  /// Credentials changed: whoever is no longer trusted is cut off.
  void check();

  [[nodiscard]] bool up() const { return phase_ == Phase::up || phase_ == Phase::finishing; }
  /// The address it reached last, as text.
  [[nodiscard]] const std::string& reached() const { return reached_; }

private:
  enum class Phase : uint8_t { resting, connecting, securing, opening, claiming, up, finishing, gone };

  void secured() override;
  void came(Frame frame) override;
  void drained() override;
  void lost(const std::string& why) override { lose(why); }

  void connect(const std::string& host, const std::string& port);
  void connected(Socket socket);
  void welcomed(const std::string& body);
  void admitted(bool yes);
  void refuse(const std::string& why);
  void rest();
  void let_go();
  void keep_alive(PeerClock::time_point now);

  Core& core_;
  Link& link_;
  const Lane which_;
  Phase phase_ = Phase::resting;
  uint64_t attempt_ = 0;  ///< What began in an earlier one is ignored.
  unsigned failures_ = 0, unanswered_ = 0;
  PeerClock::time_point since_{};  ///< When the phase's time began to run.
  Time expires_{};
  Millis before_it_expires_{};
  std::string reached_;
  boost::asio::basic_waitable_timer<PeerClock, boost::asio::wait_traits<PeerClock>, Executor> timer_;
  boost::asio::ip::basic_resolver<Tcp, Executor> resolver_;
  std::shared_ptr<Socket> socket_;  ///< While it connects; what connects it needs it to the end.
  std::shared_ptr<Connection> connection_;
};

}  // namespace muster::consensus

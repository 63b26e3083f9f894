// Who comes in: members, strangers who ask to become one, and those who get no further.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "consensus/peer_link.hpp"

namespace muster::consensus {

class Door;

/// One accepted connection. Belongs to the network's thread.
class Guest final : public std::enable_shared_from_this<Guest>, public Connection::Owner {
public:
  Guest(Core& core, Door& door, uint64_t id, std::string ip, uint16_t port);

  void start(Socket socket);
  void tick(PeerClock::time_point now);
  void probe(uint64_t stamp);
  void check();  ///< Credentials changed.
  void close();  ///< And is forgotten.
  void answer(const Envelope& answer);

  /// It may be closed to make room: nothing is known of it yet, or all was said.
  [[nodiscard]] bool may_go() const;
  [[nodiscard]] bool asking() const { return phase_ == Phase::asking; }
  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] const std::string& ip() const { return ip_; }

private:
  enum class Phase : uint8_t { securing, greeting, claiming, member, asking, leaving, gone };

  void secured() override;
  void came(Frame frame) override;
  void drained() override {}
  void lost(const std::string& why) override;

  void greeted(Frame frame);
  void opened(const std::string& body);
  void admitted(bool yes);
  void asked(Frame frame);
  void hear(Frame frame);
  void refuse(const std::string& why);
  void enter(Phase phase);
  [[nodiscard]] std::string where() const { return ip_ + ":" + std::to_string(port_); }

  Core& core_;
  Door& door_;
  const uint64_t id_;
  const std::string ip_;
  const uint16_t port_;
  Phase phase_ = Phase::securing;
  PeerClock::time_point since_{};
  unsigned silent_ = 0;  ///< Ticks.
  Identity who_;
  Lane lane_ = Lane::urgent;
  std::shared_ptr<Link> link_;  ///< Once it is a member's.
  std::shared_ptr<Connection> connection_;
};

/// Accepts, keeps the guests, and makes room.
class Door {
public:
  explicit Door(Core& core);

  Status bind();
  void begin();
  void close();
  void tick(PeerClock::time_point now);
  void check();
  void forget(uint64_t id) { guests_.erase(id); }
  /// Whether one more stranger may wait for an answer.
  [[nodiscard]] bool room_for_stranger();
  [[nodiscard]] uint16_t port() const { return port_; }

private:
  void accept();
  void admit(Socket socket);
  void make_room();
  [[nodiscard]] bool known(const std::string& ip) const;  ///< A member may be there.

  Core& core_;
  boost::asio::basic_socket_acceptor<Tcp, Executor> acceptor_;
  Tcp::endpoint from_;
  std::map<uint64_t, std::shared_ptr<Guest>> guests_;  ///< The oldest first.
  uint64_t next_id_ = 1;
  Bucket handshakes_, strangers_;
  uint16_t port_ = 0;
  bool accepting_ = false;
};

}  // namespace muster::consensus

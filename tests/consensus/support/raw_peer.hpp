// A member that does what no member would: TLS on a blocking socket, every byte by hand.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/peer_frame.hpp"
#include "consensus/peer_trust.hpp"

namespace muster::consensus::test {

/// Everything gives up after a minute.
class RawPeer {
public:
  /// Connects; without a handshake.
  /// From another address of the loopback, 127.0.0.<from>, when it is given.
  explicit RawPeer(uint16_t port, uint8_t from = 1);
  /// Takes a socket that was accepted.
  RawPeer(int socket, const PeerCredentials& credentials);
  ~RawPeer();
  RawPeer(RawPeer&& other) noexcept;
  RawPeer& operator=(RawPeer&&) = delete;

  bool secure(const PeerCredentials& credentials = {});
  bool send(std::string_view bytes);
  bool send_clear(std::string_view bytes);
  bool open(Lane lane = Lane::urgent, const std::string& boot = std::string(kBootId, 'b'));
  /// Nothing when the other end closed the connection.
  std::optional<Frame> next();
  /// The next frame that is no ping or pong.
  std::optional<Frame> next_said();
  /// The sentence of a refusal, or what came instead.
  std::string refusal();
  /// Reads until the other end closes the connection, with the socket alone.
  bool closed();

private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  int socket_ = -1;
  std::unique_ptr<ssl_st, Free> session_;
  std::shared_ptr<const PeerTrust> trust_;
  FrameReader reader_{kMaxEnvelope};
};

/// Listens on the loopback and accepts RawPeers.
class RawListener {
public:
  explicit RawListener(PeerCredentials credentials);
  ~RawListener();
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  [[nodiscard]] std::string address() const;
  uint16_t port() const { return port_; }
  RawPeer accept();
  /// Accepts both lanes of one who dials, and bids them welcome.
  std::map<Lane, RawPeer> welcome_both();

private:
  PeerCredentials credentials_;
  int socket_;
  uint16_t port_ = 0;
};

}  // namespace muster::consensus::test

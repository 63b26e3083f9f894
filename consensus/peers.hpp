// How members reach each other: named frames over authenticated connections. A port; peer_network.hpp is the
// real one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::consensus {

/// What a frame is about; on the wire its first byte.
enum class Kind : uint8_t {
  raft = 1,    ///< A replica's frame (wire.hpp).
  ask = 2,     ///< A request for whoever leads.
  answer = 3,  ///< What became of it.
  beats = 4,   ///< Telemetry from the leader: when nodes were last heard.
  hello = 5,   ///< Who the sender is and sees; at most one a second.
  join = 6,    ///< A stranger asks to become a member.
  joined = 7,  ///< What it was answered.
};

struct Envelope {
  Kind kind = Kind::raft;
  std::string body;  ///< At most kMaxEnvelope bytes.
};

/// A larger frame is refused unread, and its connection closed.
constexpr size_t kMaxEnvelope = (1 << 20) + 4096;

/// A member as its connections are checked: the certificate names `node`, and has this public key.
struct Peer {
  std::string node;     ///< The node's id.
  std::string address;  ///< host:port of its member port.
  std::string key;      ///< SHA-256 of the certificate's public key (SPKI, DER), hex.
  bool operator==(const Peer&) const = default;
};

/// What is known of the way to a peer, for showing.
struct PeerState {
  bool connected = false;      ///< To it.
  bool heard = false;          ///< Something came from it within the last two seconds.
  int64_t last_heard_ms = -1;  ///< How long ago something came from it; -1: never.
  int64_t rtt_us = -1;         ///< -1: not measured.
  std::string process;         ///< A random id of the process there, hex, for comparing. Empty: unknown.
  std::string trouble;         ///< Why the last attempt to connect failed; empty while connected.
};

/// Who calls without being a member: for Kind::join only.
struct Stranger {
  std::string node;  ///< What its certificate names; empty without one, or when it is of another authority.
  std::string key;   ///< SHA-256 of the public key that it proved to hold, hex; empty without a certificate.
  std::string address;  ///< host:port it calls from.
};

/// What a Peers tells its owner; on a thread of the network, must be quick.
struct PeerEvents {
  std::function<void(const std::string& from, Envelope envelope)> received;
  /// A join. `answer` may be called on any thread, once; the connection is closed after it.
  std::function<void(const Stranger& who, Envelope envelope, std::function<void(Envelope)> answer)> stranger;
  /// A connection was refused, here or by the other end: a sentence for the log. Not more often than a few
  /// times a second, whatever happens.
  std::function<void(const std::string& reason)> refused;
};

class Peers {
public:
  virtual ~Peers() = default;
  /// Who may connect and is connected to, this node left out. Anyone else is cut off at once.
  virtual void set_members(std::vector<Peer> members) = 0;
  /// Never blocks and may lose: a frame for nobody, or for a peer whose queue is full, is dropped. Frames of
  /// up to 4 KiB go a way of their own, so that heartbeats never wait behind bulk; within each way order is
  /// kept.
  virtual void send(const std::string& node, Envelope envelope) = 0;
  [[nodiscard]] virtual std::map<std::string, PeerState> states() const = 0;
};

}  // namespace muster::consensus

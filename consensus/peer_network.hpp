// The members' network: TLS 1.3 on one port, certificates checked against the membership.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "consensus/peer_trust.hpp"
#include "consensus/peers.hpp"

namespace muster::consensus {

/// Every limit of the network.
struct PeerLimits {
  using Duration = std::chrono::milliseconds;
  size_t urgent_bytes = 1 << 20, urgent_frames = 4096;  ///< That wait for one peer; the newest is dropped.
  size_t bulk_bytes = 16 << 20, bulk_frames = 4096;     ///< The same of frames above 4 KiB.
  Duration stale_after{2'000};  ///< Frames for a peer that is not connected are dropped then.
  Duration backoff_from{100}, backoff_to{2'000};  ///< Between attempts to connect; doubled, with jitter.
  Duration dial_timeout{5'000};                   ///< To connect and be welcomed.
  Duration ping_every{500};       ///< On the urgent lane; also how often time limits are looked at.
  unsigned pings_unanswered = 6;  ///< In a row: the peer is dead.
  unsigned silent_pings = 20;     ///< A peer that should ping and did not for as many intervals is gone.
  Duration write_stall{10'000};   ///< A peer takes no byte for so long: its connection is closed.
  Duration probe_timeout{
    1'000};  ///< Another process has the same id and key: the first answers in this time.
  Duration handshake_timeout{3'000};     ///< From accepting a connection until its first frame is whole.
  size_t max_pending = 64;               ///< Connections before their first frame; the oldest makes room.
  unsigned handshakes_per_second = 200;  ///< With callers from where no member is known; more are hung up on.
  size_t max_strangers = 8;              ///< That wait for an answer; more are told to come back.
  unsigned strangers_per_second = 10;
  Duration answer_timeout{30'000};      ///< For a stranger's answer to be given.
  Duration linger{1'000};               ///< For a refusal or an answer to be read.
  Duration same_refusal_every{60'000};  ///< The same is told again then.
  unsigned refusals_per_second = 5;     ///< PeerEvents::refused calls; the others are only counted.
};

struct PeerOptions {
  std::string node;                    ///< This node's id, as in its certificate.
  std::string listen = "127.0.0.1:0";  ///< host:port; port 0: any free one.
  std::string advertised;              ///< host:port for others; empty: where it listens.
  PeerCredentials credentials;
  PeerEvents events;
  PeerLimits limits;
  Now now = system_now;  ///< For the validity of certificates.
};

/// Counted since the start.
struct PeerStats {
  uint64_t accepted = 0;  ///< Connections.
  uint64_t refused = 0;   ///< In both directions.
  uint64_t evicted = 0;   ///< Made room for others before their first frame.
  uint64_t strangers = 0;
  uint64_t sent = 0, received = 0, dropped = 0;  ///< Frames.
};

/// Two connections lead to each member, dialled by the sender: one for frames of up to 4 KiB, one for larger
/// ones. They are dialled again for ever. One thread does it all.
class PeerNetwork final : public Peers {
public:
  explicit PeerNetwork(PeerOptions options);
  ~PeerNetwork() override;  ///< Stops.
  PeerNetwork(const PeerNetwork&) = delete;
  PeerNetwork& operator=(const PeerNetwork&) = delete;

  /// Binds and starts. Error: `config.invalid` for an address or credentials that cannot be used; `internal`
  /// with the address and the system's reason when it cannot be bound.
  Status start();
  /// Closes everything; no event comes after it returned. Not to be called from an event. A running look-up
  /// of a host name is waited for.
  void stop();

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] std::string address() const;  ///< What others dial.

  /// For a renewed certificate or another trust bundle. Connections whose peer is no longer trusted are
  /// closed; when the own certificate is another one, each is dialled again after what it had to send. Error:
  /// `config.invalid`, and everything stays as it was.
  Status set_credentials(const PeerCredentials& credentials);

  void set_members(std::vector<Peer> members) override;
  void send(const std::string& node, Envelope envelope) override;
  [[nodiscard]] std::map<std::string, PeerState> states() const override;
  [[nodiscard]] PeerStats stats() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::consensus

// The first call of a machine that wants to become a member.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "consensus/peer_trust.hpp"
#include "consensus/peers.hpp"

namespace muster::consensus {

struct JoinCall {
  std::string address;      ///< host:port of a member.
  std::string fingerprint;  ///< SHA-256 of the cluster's CA (DER), hex: whom to trust.
  /// Or: a server that proves to hold one of these keys (as in Peer) is trusted, whatever its authority is.
  std::vector<std::string> keys{};
  PeerCredentials own{};  ///< Shown when there are any; `trust` is not looked at.
  std::chrono::milliseconds timeout{30'000};
  Now now = system_now;
};

/// Sends `request` (Kind::join, at most kMaxJoin bytes) once the server's chain is seen to end in the CA, and
/// waits for the answer. Blocks. Errors: `field.invalid` for an address or a request that cannot be sent;
/// `unreachable` when nobody answers in time; `tls.untrusted` when it is another cluster, or not a cluster;
/// `forbidden` with the member's reason when it refused to listen.
Result<Envelope> call_to_join(const JoinCall& call, const Envelope& request);

}  // namespace muster::consensus

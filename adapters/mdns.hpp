// Discovery by multicast DNS: a responder and a browser inside the process, without a daemon.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/ports/discovery.hpp"
#include "base/time.hpp"

namespace muster {

struct MdnsOptions {
  std::string service = "_muster._tcp";  ///< Nodes see those of the same type only.
  bool loopback_only = false;            ///< False: every interface that can multicast, loopback included.
  size_t most_found = kMaxFound;         ///< Services on one interface each; others have to wait.
  /// There is no multicast for now, and why; said once until it works again. On the discovery's thread.
  std::function<void(const std::string& why)> trouble = {};
  Millis first_retry{1000};  ///< After a failure; doubled each time, up to `last_retry`.
  Millis last_retry{60'000};
};

/// Starts at once and never gives up: interfaces may come and go, and a network that fails is tried again.
/// IPv4 only. Error: `field.invalid` when `service` is no service type such as _muster._tcp.
[[nodiscard]] Result<std::unique_ptr<Discovery>> make_mdns(MdnsOptions options);

}  // namespace muster

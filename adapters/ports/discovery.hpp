// The discovery port: what a node tells its neighbours about itself, and which neighbours it sees. Multicast
// DNS, or a room in memory for tests.
#pragma once

#include <functional>
#include <vector>

#include "base/result.hpp"
#include "domain/finding.hpp"

namespace muster {

/// Every call is safe from every thread. What was advertised is taken back when it is destroyed, which must
/// not happen inside its own callback.
class Discovery {
public:
  using Changed = std::function<void()>;

  virtual ~Discovery() = default;

  /// Replaces what is advertised; nothing is until the first call. Never waits for the network: neighbours
  /// see it a little later, or never where there is none. Error: `field.invalid`, naming the field.
  virtual Status advertise(const finding::Advert& advert) = 0;

  /// What is seen now, one for each (node, boot), in this order; this process's own is left out. At most
  /// kMaxFound of them. Nobody has checked that they are alive or say the truth.
  [[nodiscard]] virtual std::vector<finding::Advert> found() const = 0;

  /// From now on `changed` is called when something else is found, and once at the beginning: on a thread of
  /// the discovery, never two at once. It may call found() and advertise(), and must be quick. Set it once.
  virtual void on_change(Changed changed) = 0;
};

constexpr size_t kMaxFound = 256;

}  // namespace muster

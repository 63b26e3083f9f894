// A disk as it was at one moment.
#pragma once

#include <memory>

#include "events/log/disk.hpp"

namespace muster::log {

/// What a Disk is, too, that can show a moment of itself.
class Moments {
public:
  virtual ~Moments() = default;
  [[nodiscard]] virtual std::unique_ptr<Disk> moment() const = 0;
};

/// Everything on `disk` as it is now, whatever is written later. Costs next to nothing, but what is erased
/// meanwhile takes its room until the snapshot goes. It is not written to, and does not outlive the disk;
/// after reopen() its reads throw. Throws Unreadable.
[[nodiscard]] inline std::unique_ptr<Disk> snapshot(const Disk& disk) {
  if (const auto* moments = dynamic_cast<const Moments*>(&disk)) return moments->moment();
  throw Unreadable("it has no snapshots");
}

}  // namespace muster::log

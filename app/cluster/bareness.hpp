// Whether anybody would miss a log.
#pragma once

#include <cstdint>
#include <string>

#include "events/line.hpp"
#include "events/log/chain.hpp"

namespace muster::app {

/// Whether a member wrote this by itself. Bootstrap is what nobody asked for over HTTP: founding, members
/// that join, start and stop, templates and profile as read from files, leases, checkpoints; and what a
/// node's own side reports of itself: its registration, plan and services. Beats are no events at all.
[[nodiscard]] bool is_bootstrap(const Record& record);

/// Looks at a log as it grows. Not thread-safe.
class Bareness {
public:
  /// Reads on, at most some thousand lines. True: everything up to `head` is bootstrap. What is not read yet,
  /// or was compacted, might be missed.
  bool look(const log::ChainReader& chain, uint64_t head);

private:
  uint64_t seen_ = 0;
  bool history_ = false;
};

/// The same of a log that nobody writes to any more, entries included that are not applied: they may have
/// been acknowledged by others.
[[nodiscard]] bool holds_only_bootstrap(const log::Disk& disk);

/// Removes what nobody would miss: the log of a cluster that another one was there before, and the profile
/// that it published; what services are to run goes on until the other cluster says.
void give_up_log(const std::string& data);

}  // namespace muster::app

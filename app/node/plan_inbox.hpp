// The plan that a node's services are to follow next: it waits until what they need is made.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "domain/supervision.hpp"

namespace muster::app {

/// Storage, broker and index come before services (supervisor contract, section 11), but what fails or is
/// silent holds up no service for longer than kLongestWait. Any thread.
class PlanInbox {
public:
  static constexpr Millis kLongestWait{10'000};
  struct Given {
    supervision::Plan plan;
    std::string executor;  ///< The plan's own, or empty.
  };

  /// In place of one that waits still.
  void put(Given given, supervision::Tick now);
  /// A look at the environment began, or ended.
  void hold();
  void release();
  /// Nothing: there is none, or it waits.
  std::optional<Given> take(supervision::Tick now);
  /// When the one that is there waits no longer.
  [[nodiscard]] std::optional<supervision::Tick> due() const;

private:
  mutable std::mutex mutex_;
  std::optional<Given> given_;
  supervision::Tick until_{0};
  size_t looks_ = 0;
};

}  // namespace muster::app

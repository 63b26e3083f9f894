// Where a node keeps facts until a control plane has recorded them.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "events/services.hpp"

namespace muster {

/// Facts that wait at most; beyond, the oldest are given up.
constexpr size_t kMaxWaitingFacts = 10'000;

/// Thread-safe. Durable: what put() took is there after a crash.
class FactStore {
public:
  virtual ~FactStore() = default;
  /// Who numbers the facts: the same for as long as one of them waits.
  [[nodiscard]] virtual std::string source() const = 0;
  /// Gives the fact the next number and keeps it. Error: `internal`, `log.unwritable`.
  virtual Status put(services::Event fact) = 0;
  /// The first `limit` that wait, in order.
  [[nodiscard]] virtual std::vector<services::Event> waiting(size_t limit) const = 0;
  /// Those up to this number are recorded.
  virtual Status drop_to(uint64_t local_seq) = 0;
  /// How many were given up since the start.
  [[nodiscard]] virtual uint64_t given_up() const = 0;
};

}  // namespace muster

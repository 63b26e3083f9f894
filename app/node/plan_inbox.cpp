// Letting a plan wait.
#include "app/node/plan_inbox.hpp"

#include <utility>

namespace muster::app {

void PlanInbox::put(Given given, supervision::Tick now) {
  const std::lock_guard lock{mutex_};
  if (!given_) until_ = now + kLongestWait;
  given_ = std::move(given);
}

void PlanInbox::hold() {
  const std::lock_guard lock{mutex_};
  looks_++;
}

void PlanInbox::release() {
  const std::lock_guard lock{mutex_};
  looks_--;
}

std::optional<PlanInbox::Given> PlanInbox::take(supervision::Tick now) {
  const std::lock_guard lock{mutex_};
  if (looks_ > 0 && now < until_) return std::nullopt;
  return std::exchange(given_, std::nullopt);
}

std::optional<supervision::Tick> PlanInbox::due() const {
  const std::lock_guard lock{mutex_};
  return given_ ? std::optional{until_} : std::nullopt;
}

}  // namespace muster::app

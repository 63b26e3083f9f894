// Whether what is shared may be changed in place.
#pragma once

#include <atomic>
#include <memory>

namespace muster {

/// True when nobody else holds `shared`: what its last other holder read happened before. Nobody may copy it
/// meanwhile.
template <class T>
bool alone(const std::shared_ptr<T>& shared) {
  if (shared.use_count() != 1) return false;
#ifdef MUSTER_TSAN
  const auto again = shared;  // TSan does not follow fences; giving up a holder's part acquires, too.
#else
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
  return true;
}

}  // namespace muster

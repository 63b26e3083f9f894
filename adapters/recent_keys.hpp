// The idempotency keys that were seen last, so many of them.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace muster {

class RecentKeys {
public:
  explicit RecentKeys(size_t limit) : limit_(limit) {}

  /// An empty key is never known.
  [[nodiscard]] bool knows(std::string_view key) const { return keys_.contains(std::string(key)); }

  /// The number that an unknown key is remembered under; numbers grow. Nothing for one that is empty or
  /// known.
  std::optional<uint64_t> add(std::string_view key) { return add(key, next_); }
  /// The same under a number it had before.
  std::optional<uint64_t> add(std::string_view key, uint64_t number) {
    if (key.empty() || limit_ == 0 || !keys_.emplace(key).second) return {};
    in_order_.emplace_back(number, key);
    next_ = number + 1;
    return number;
  }

  /// Forgets the oldest one that is beyond the limit; its number.
  std::optional<uint64_t> forget_beyond_limit() {
    if (in_order_.size() <= limit_) return {};
    const uint64_t number = in_order_.front().first;
    keys_.erase(in_order_.front().second);
    in_order_.pop_front();
    return number;
  }

  [[nodiscard]] const std::deque<std::pair<uint64_t, std::string>>& in_order() const { return in_order_; }

private:
  const size_t limit_;
  uint64_t next_ = 1;
  std::unordered_set<std::string> keys_;
  std::deque<std::pair<uint64_t, std::string>> in_order_;
};

}  // namespace muster

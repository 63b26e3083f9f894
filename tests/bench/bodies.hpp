// The bodies a load sends. A run of '#' is a number that makes the content new, patched in place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Bytes with fixed-width decimal fields.
class Patched {
public:
  Patched() = default;
  explicit Patched(std::string text);
  /// Writes `n` into every field, zeros in front.
  void set(uint64_t n);
  [[nodiscard]] const std::string& text() const { return text_; }

private:
  std::string text_;
  std::vector<size_t> ends_;  ///< Behind the last digit of each field.
};

/// A registration of about 300 bytes for node `n`; one version in it is eight '#'.
[[nodiscard]] std::string registration(uint64_t n);

/// POST /v1/batch that registers nodes n, n+1, ... , `count` of them.
[[nodiscard]] std::string batch_of_registrations(uint64_t n, uint64_t count);

[[nodiscard]] std::string heartbeat(uint64_t n);

}  // namespace bench

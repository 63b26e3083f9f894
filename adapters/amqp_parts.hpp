// What the two files that speak librabbitmq share.
#pragma once

#include <string_view>

#include <amqp.h>

namespace muster::amqp {

/// The channel that is in confirm mode, and the one for everything else: a refusal closes its channel, and
/// confirms must not go with it.
constexpr int kPublishing = 1, kAsking = 2;

/// The library takes what it never writes to as if it might.
inline amqp_bytes_t bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

inline std::string_view text(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

}  // namespace muster::amqp

// The bytes between members: frames, and what opens a connection.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/peers.hpp"

namespace muster::consensus {

/// What the network says to itself, on the wire beside the kinds of Kind; members' owners never see these.
enum class Inner : uint8_t {
  open = 0x80,     ///< The first frame of a member that dialled: an Opening.
  welcome = 0x81,  ///< The answer: an Opening of the other side. Only then frames follow.
  refusal = 0x82,  ///< Why the connection is closed: a sentence.
  ping = 0x83,     ///< Eight bytes to be sent back,
  pong = 0x84,     ///< in this.
};

/// 4 bytes of length of what follows (big endian), 1 byte of kind, the body.
struct Frame {
  uint8_t kind = 0;
  std::string body;
  bool operator==(const Frame&) const = default;
};
constexpr size_t kFrameHead = 5;

void append_frame(std::string& out, uint8_t kind, std::string_view body);
[[nodiscard]] inline std::string frame_of(Inner kind, std::string_view body) {
  std::string out;
  append_frame(out, static_cast<uint8_t>(kind), body);
  return out;
}

/// Cuts a stream into frames. Holds what came and nothing more: a length is only a claim.
class FrameReader {
public:
  explicit FrameReader(size_t max_body) : max_body_(max_body) {}
  void set_max_body(size_t bytes) { max_body_ = bytes; }
  void add(std::string_view bytes);
  /// The next frame that is whole. Nothing is left to come once broken() is true.
  [[nodiscard]] std::optional<Frame> next();
  /// A length was zero, or beyond the limit.
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] size_t held() const { return buffer_.size() - start_; }

private:
  std::string buffer_;
  size_t start_ = 0;
  size_t max_body_;
  bool broken_ = false;
};

enum class Lane : uint8_t { urgent = 0, bulk = 1 };
constexpr size_t kLanes = 2;
/// Larger bodies go by the bulk lane.
constexpr size_t kMaxUrgent = 4 << 10;

constexpr uint8_t kProtocol = 1;
constexpr size_t kBootId = 16;         ///< Bytes.
constexpr size_t kMaxOpening = 64;     ///< Bytes; later versions may add to what this one reads.
constexpr size_t kMaxJoin = 16 << 10;  ///< Bytes of what a stranger may say.

struct Opening {
  uint8_t version = kProtocol;
  Lane lane = Lane::urgent;
  std::string boot;  ///< kBootId random bytes, of a process.
  bool operator==(const Opening&) const = default;
};
[[nodiscard]] std::string encode(const Opening& opening);
[[nodiscard]] std::optional<Opening> decode_opening(std::string_view body);

[[nodiscard]] std::string encode_stamp(uint64_t stamp);
[[nodiscard]] std::optional<uint64_t> decode_stamp(std::string_view body);

/// A sentence that came from outside, fit for a log: printable ASCII, at most 200 characters.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace muster::consensus

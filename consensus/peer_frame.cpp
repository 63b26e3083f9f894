// Frames and openings, from bytes and to bytes.
#include "consensus/peer_frame.hpp"

#include "consensus/bytes.hpp"

namespace muster::consensus {
namespace {

constexpr size_t kCompactAt = 64 << 10;
constexpr size_t kMaxSentence = 200;

}  // namespace

void append_frame(std::string& out, uint8_t kind, std::string_view body) {
  const auto length = static_cast<uint32_t>(body.size() + 1);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift & 0xff);
  out += static_cast<char>(kind);
  out += body;
}

void FrameReader::add(std::string_view bytes) {
  if (broken_) return;
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  } else if (start_ > kCompactAt) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_ += bytes;
}

std::optional<Frame> FrameReader::next() {
  if (broken_ || held() < 4) return std::nullopt;
  const std::string_view here = std::string_view{buffer_}.substr(start_);
  size_t length = 0;
  for (size_t i = 0; i < 4; i++) length = length << 8 | static_cast<uint8_t>(here[i]);
  if (length == 0 || length - 1 > max_body_) {
    broken_ = true;
    buffer_ = {};
    start_ = 0;
    return std::nullopt;
  }
  if (here.size() < 4 + length) return std::nullopt;
  Frame frame{static_cast<uint8_t>(here[4]), std::string{here.substr(kFrameHead, length - 1)}};
  start_ += 4 + length;
  if (start_ == buffer_.size() && buffer_.capacity() > kCompactAt) {
    buffer_ = {};  // One large frame must not hold its memory for ever.
    start_ = 0;
  }
  return frame;
}

std::string encode(const Opening& opening) {
  std::string out;
  Writer{out}.u8(opening.version).u8(static_cast<uint8_t>(opening.lane)).fixed(opening.boot);
  return out;
}

std::optional<Opening> decode_opening(std::string_view body) {
  if (body.size() > kMaxOpening) return std::nullopt;
  Reader in{body};
  Opening opening;
  opening.version = in.u8();
  const auto lane = in.u8();
  opening.boot = in.fixed(kBootId);
  if (!in.ok() || opening.version == 0 || lane >= kLanes) return std::nullopt;
  if (opening.version == kProtocol && !in.finished()) return std::nullopt;
  opening.lane = static_cast<Lane>(lane);
  return opening;
}

std::string encode_stamp(uint64_t stamp) {
  std::string out;
  Writer{out}.u64(stamp);
  return out;
}

std::optional<uint64_t> decode_stamp(std::string_view body) {
  Reader in{body};
  const auto stamp = in.u64();
  if (!in.finished()) return std::nullopt;
  return stamp;
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxSentence)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

}  // namespace muster::consensus

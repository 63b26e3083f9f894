// Numbers and strings as bytes and back: what goes into the raft column and over the network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::consensus {

/// Big endian, so that keys sort by number.
class Writer {
public:
  explicit Writer(std::string& to) : to_(to) {}
  Writer& u8(uint8_t n) {
    to_.push_back(static_cast<char>(n));
    return *this;
  }
  Writer& u64(uint64_t n) {
    for (int shift = 56; shift >= 0; shift -= 8) to_.push_back(static_cast<char>(n >> shift & 0xff));
    return *this;
  }
  Writer& fixed(std::string_view bytes) {
    to_.append(bytes);
    return *this;
  }
  Writer& bytes(std::string_view bytes) { return u64(bytes.size()).fixed(bytes); }

private:
  std::string& to_;
};

/// Never reads beyond its input: after the first short read everything is zero or empty, and ok() is false.
class Reader {
public:
  explicit Reader(std::string_view in) : in_(in) {}
  [[nodiscard]] bool ok() const { return ok_; }
  /// Everything was read, and it was all there.
  [[nodiscard]] bool finished() const { return ok_ && in_.empty(); }
  [[nodiscard]] size_t left() const { return in_.size(); }
  uint8_t u8() {
    const auto one = fixed(1);
    return one.empty() ? uint8_t{0} : static_cast<uint8_t>(one.front());
  }
  uint64_t u64() {
    uint64_t n = 0;
    for (const char c : fixed(8)) n = n << 8 | static_cast<uint8_t>(c);
    return n;
  }
  std::string_view fixed(size_t size) {
    if (in_.size() < size) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const auto taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }
  std::string_view bytes() { return fixed(u64()); }

private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace muster::consensus

// Compresses large text replies, and remembers those of shared bodies.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace muster::http {

/// True when Accept-Encoding lets gzip through (RFC 9110 12.5.3).
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

class Gzip {
public:
  /// True for a reply worth compressing: text, above 8 KiB, not encoded yet.
  [[nodiscard]] static bool worth(const Response& response, size_t size);

  /// The compressed `body`. A body that is shared is compressed once while it lives: listings are hot. Null
  /// when zlib fails or the body is too large to be compressed on the server's thread.
  [[nodiscard]] Bytes compress(const Bytes& body);

  /// Lets go of what belongs to bodies that are gone.
  void forget_dead();

private:
  struct Entry {
    std::weak_ptr<const std::string> body;
    Bytes compressed;
    uint64_t used = 0;
  };

  std::array<Entry, 8> cache_;
  uint64_t clock_ = 0;
};

}  // namespace muster::http

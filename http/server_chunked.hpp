// Decodes a chunked request body (RFC 9112 7.1), byte by byte if it comes that way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::http {

class ChunkedBody {
public:
  enum class State : uint8_t { more, done, too_large, malformed };

  /// `limit`: bytes of decoded body. Extensions and trailers together may have 4 KiB; they are read over.
  explicit ChunkedBody(size_t limit) : limit_(limit) {}

  /// Takes what it needs off the front of `data` and appends the decoded bytes to `body`.
  State feed(std::string_view& data, std::string& body);

private:
  enum class At : uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    end_lf
  };

  State step(char c);
  State digit(char c);

  size_t limit_;
  size_t total_ = 0;
  size_t left_ = 0;      ///< Of this chunk.
  size_t digits_ = 0;    ///< Of this chunk's size.
  size_t overhead_ = 0;  ///< Extensions and trailers so far.
  At at_ = At::size;
};

}  // namespace muster::http

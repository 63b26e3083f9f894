// zlib at its fastest level: the server's thread does nothing else meanwhile.
#include "http/server_gzip.hpp"

#include <algorithm>

#include <zlib.h>

#include "http/percent.hpp"

namespace muster::http {
namespace {

constexpr size_t kWorth = 8 << 10;
constexpr size_t kTooLarge = 8 << 20;
constexpr size_t kCached = 1 << 20;  ///< Larger results are not kept.

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// "q=0", "q=0.0": not acceptable.
bool refused(std::string_view parameters) {
  const auto value = trim(parameters);
  return value.size() >= 3 && (value[0] == 'q' || value[0] == 'Q') && value[1] == '=' &&
         value.find_first_not_of("0.", 2) == std::string_view::npos;
}

Bytes deflate_all(const std::string& body) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return nullptr;
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (!whole) return nullptr;
  out.shrink_to_fit();
  return std::make_shared<const std::string>(std::move(out));
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  for (auto rest = accept_encoding; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    const auto item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto semicolon = std::min(item.find(';'), item.size());
    const auto coding = trim(item.substr(0, semicolon));
    const bool allowed = !refused(item.substr(std::min(semicolon + 1, item.size())));
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) return allowed;
    if (coding == "*") any = allowed;
  }
  return any;
}

bool Gzip::worth(const Response& response, size_t size) {
  const auto type = response.content_type;
  if (size <= kWorth || size > kTooLarge) return false;
  if (type.find("json") == std::string_view::npos && !type.starts_with("text/") &&
      type.find("javascript") == std::string_view::npos && !type.starts_with("image/svg"))
    return false;
  return std::none_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return equals_ignoring_case(header.first, "Content-Encoding");
  });
}

Bytes Gzip::compress(const Bytes& body) {
  auto* oldest = cache_.data();
  for (auto& entry : cache_) {
    // The entry's weak pointer keeps the address from being used again, so equal means the same body.
    if (entry.compressed && !entry.body.owner_before(body) && !body.owner_before(entry.body)) {
      entry.used = ++clock_;
      return entry.compressed;
    }
    if (entry.used < oldest->used) oldest = &entry;
  }
  auto compressed = deflate_all(*body);
  // A body that nobody else holds cannot be asked for again.
  if (compressed && compressed->size() <= kCached && body.use_count() > 1)
    *oldest = Entry{body, compressed, ++clock_};
  return compressed;
}

void Gzip::forget_dead() {
  for (auto& entry : cache_)
    if (entry.body.expired()) entry = Entry{};
}

}  // namespace muster::http

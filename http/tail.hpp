// Live tails: one ring of recent lines that every reader holds a cursor into; older ones come from disk.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "events/line.hpp"
#include "events/log/chain.hpp"
#include "http/message.hpp"

namespace muster::http {

/// What a reader asked for.
struct TailFilter {
  std::string type;    ///< Exact, or a prefix that ends in '*'; several with commas. Empty: all.
  std::string stream;  ///< Likewise.
  [[nodiscard]] bool wants(std::string_view type_name, std::string_view stream_name) const;
  [[nodiscard]] bool everything() const { return type.empty() && stream.empty(); }
};

enum class TailFormat : uint8_t { ndjson, sse };

struct TailRequest {
  uint64_t from = 1;
  uint64_t to = UINT64_MAX;  ///< Ends there even when it follows.
  uint64_t limit = UINT64_MAX;
  bool follow = false;
  TailFilter filter;
  TailFormat format = TailFormat::ndjson;
};

class TailStream;

/// The last lines, as the bytes that go out. Of the server's thread.
class TailRing {
public:
  explicit TailRing(const log::ChainReader& chain) : chain_(chain) {}

  /// `last` is the newest line there is when nothing has been pushed yet.
  void start(uint64_t last) { last_ = last; }
  void push(uint64_t seq, std::string_view type, std::string_view stream, const log::Line& line);

  [[nodiscard]] std::unique_ptr<Stream> open(TailRequest request);
  [[nodiscard]] uint64_t last() const { return last_; }
  [[nodiscard]] size_t readers() const { return streams_.size(); }
  /// The lowest seq that an open tail still wants; UINT64_MAX when there is none.
  [[nodiscard]] uint64_t lowest_cursor() const;

private:
  friend class TailStream;
  struct Item {
    uint64_t seq;
    std::string type, stream;
    Bytes ndjson;
    Bytes sse;  // Made when the first SSE reader wants it.
  };
  static constexpr size_t kItems = 4096;
  static constexpr size_t kBytes = 4 << 20;

  [[nodiscard]] const Bytes& bytes(Item& item, TailFormat format);
  [[nodiscard]] Item* find(uint64_t seq);

  const log::ChainReader& chain_;
  std::deque<Item> items_;
  size_t held_ = 0;
  uint64_t last_ = 0;
  std::set<const TailStream*> streams_;
};

/// One line as a server-sent event: its seq is the id.
[[nodiscard]] std::string sse_frame(uint64_t seq, std::string_view line);

}  // namespace muster::http

// One Raft entry: everything that one disk sync commits, as frames.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster::log {

/// Layout: a version byte (1), then frames of kind (1), size (4, little endian) and bytes.
enum class Frame : uint8_t {
  event = 'E',    ///< Stream name size (2, little endian), stream name, the line from `"time"` on.
  kept = 'K',     ///< A reply that is kept under an idempotency key: see KeptReply.
  barrier = 'B',  ///< Nothing: who leads wanted to be sure of it.
  fact = 'F',     ///< A local fact that the events before it in this entry hold: see FactId.
};

class EntryWriter {
public:
  EntryWriter();
  void event(std::string_view stream, std::string_view suffix);
  void frame(Frame kind, std::string_view bytes);
  [[nodiscard]] size_t size() const { return out_.size(); }
  [[nodiscard]] bool empty() const { return out_.size() == 1; }
  /// The entry; the writer starts anew.
  [[nodiscard]] std::string take();

private:
  std::string out_;
};

struct EntryEvent {
  std::string_view stream, suffix;
};

/// Splits the bytes of an event frame.
Result<EntryEvent> read_event_frame(std::string_view bytes);

/// Calls visit(Frame, bytes) for each frame. Error: `log.corrupt`; then nothing after the fault was visited.
template <class Visit>
Status each_frame(std::string_view entry, Visit&& visit) {
  const auto bad = [] { return Error{"log.corrupt", "an entry is not well formed", {}}; };
  if (entry.empty() || entry[0] != 1) return bad();
  for (size_t at = 1; at < entry.size();) {
    if (entry.size() - at < 5) return bad();
    size_t size = 0;
    for (int i = 3; i >= 0; i--)
      size = size << 8 | static_cast<uint8_t>(entry[at + 1 + static_cast<size_t>(i)]);
    if (entry.size() - at - 5 < size) return bad();
    visit(static_cast<Frame>(entry[at]), entry.substr(at + 5, size));
    at += 5 + size;
  }
  return Done{};
}

}  // namespace muster::log

// What members say to each other: libraft's messages, and ours for lines, as frames.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/raft_api.hpp"

namespace muster::consensus {

/// No frame is larger; a larger one is refused unread.
constexpr size_t kMaxFrame = 1 << 20;

/// The first byte of a frame: libraft's message types, 1 to 6, and ours.
enum FrameType : uint8_t { kFetchFrame = 100, kLinesFrame = 101 };
[[nodiscard]] inline uint8_t type_of(std::string_view frame) {
  return frame.empty() ? uint8_t{0} : static_cast<uint8_t>(frame.front());
}

/// How many of its entries, from the first on, go into one frame; one always does.
[[nodiscard]] unsigned entries_that_fit(const raft_append_entries& message);

/// Copies everything it needs. An AppendEntries takes as many entries as fit into a frame, and its commit
/// index does not go beyond them (rule 14).
[[nodiscard]] std::string encode(const raft_message& message);

/// False for anything that libraft could not have sent; nothing is then left to free. `address` must outlive
/// the message, which is to be given to libraft or to discard().
[[nodiscard]] bool decode(std::string_view frame, MemberId sender, const char* address,
                          raft_message& message);

/// Asks for the lines from `seq` on.
[[nodiscard]] std::string encode_fetch(uint64_t seq);
[[nodiscard]] std::optional<uint64_t> decode_fetch(std::string_view frame);

struct Lines {
  uint64_t from = 0;
  std::string_view lines;  ///< Points into the frame.
};
[[nodiscard]] std::string encode_lines(uint64_t from, std::string_view lines);
[[nodiscard]] std::optional<Lines> decode_lines(std::string_view frame);

}  // namespace muster::consensus

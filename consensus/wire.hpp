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
enum FrameType : uint8_t {
  kFetchFrame = 100,
  kLinesFrame = 101,
  kStartFrame = 102,
  kPieceFetchFrame = 103,
  kPieceFrame = 104,
  kOfferFrame =
    105,  ///< A snapshot in place of one whose lines are gone: an InstallSnapshot behind this byte.
  kKeptFetchFrame = 106,
  kKeptFrame = 107,
  // Only for members that know them (Outside::knows_rows).
  kRowsFetchFrame = 108,
  kRowsFrame = 109,
  kCopyFetchFrame = 110,
  kCopyFrame = 111,
};
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

/// Asks for lines: from <= seq < below, on the way to `until`.
struct Fetch {
  uint64_t from = 0, below = 0, until = 0;
};
[[nodiscard]] std::string encode_fetch(const Fetch& fetch, FrameType type = kFetchFrame);
[[nodiscard]] std::optional<Fetch> decode_fetch(std::string_view frame);

struct Lines {
  uint64_t from = 0;
  std::string_view lines;  ///< Points into the frame; in a kRowsFrame as Machine::rows_from gives them.
};
[[nodiscard]] std::string encode_lines(uint64_t from, std::string_view lines, FrameType type = kLinesFrame);
[[nodiscard]] std::optional<Lines> decode_lines(std::string_view frame);

/// The answer to a fetch of lines that were dropped.
[[nodiscard]] std::string encode_start(const LogStart& start);
[[nodiscard]] std::optional<LogStart> decode_start(std::string_view frame);

/// Larger checkpoints are refused.
constexpr uint64_t kMaxCheckpoint = uint64_t{1} << 30;
/// Bytes of a checkpoint in one frame.
constexpr size_t kMaxPiece = kMaxFrame - 1024;

/// Asks for the piece of a checkpoint at an offset.
struct PieceFetch {
  uint64_t at = 0;
  Digest digest = kNoDigest;
  uint64_t offset = 0;
};
[[nodiscard]] std::string encode_piece_fetch(const PieceFetch& fetch);
[[nodiscard]] std::optional<PieceFetch> decode_piece_fetch(std::string_view frame);

struct Piece {
  uint64_t at = 0, offset = 0;
  std::string_view bytes;  ///< Points into the frame; not empty.
};
[[nodiscard]] std::string encode_piece(const Piece& piece);
[[nodiscard]] std::optional<Piece> decode_piece(std::string_view frame);

/// Asks for the checkpoint as of a line that the log names.
[[nodiscard]] std::string encode_copy_fetch(uint64_t at);
[[nodiscard]] std::optional<uint64_t> decode_copy_fetch(std::string_view frame);

struct Copy {
  log::CheckpointCopy copy;  ///< Its size is 0 when it is not there.
  std::string_view bytes;    ///< The first of them; points into the frame.
};
[[nodiscard]] std::string encode_copy(const Copy& copy);
[[nodiscard]] std::optional<Copy> decode_copy(std::string_view frame);

/// Keys of what entries leave beside lines are no longer.
constexpr size_t kMaxKeptKey = 64;
/// Bytes of it in one frame.
constexpr size_t kMaxKeptPage = kMaxFrame - 512;

[[nodiscard]] std::string encode_kept_fetch(const KeptFetch& fetch);
[[nodiscard]] std::optional<KeptFetch> decode_kept_fetch(std::string_view frame);

struct Kept {
  KeptFetch asked;
  std::string last;
  bool end = true;
  std::string_view page;  ///< Points into the frame.
};
[[nodiscard]] std::string encode_kept(const Kept& kept);
[[nodiscard]] std::optional<Kept> decode_kept(std::string_view frame);

}  // namespace muster::consensus

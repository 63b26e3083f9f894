// Frames about lines and checkpoints: every length is checked before it is believed.
#include <algorithm>

#include "base/bytes.hpp"
#include "consensus/wire.hpp"

namespace muster::consensus {
namespace {

Digest read_digest(Reader& from) {
  Digest digest = kNoDigest;
  const auto bytes = from.fixed(digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

KeptFetch read_kept_fetch(Reader& from) {
  KeptFetch fetch;
  fetch.since = from.u64();
  fetch.until = from.u64();
  fetch.after = from.bytes();
  return fetch;
}

bool possible(const KeptFetch& fetch) {
  return fetch.since <= fetch.until && fetch.after.size() <= kMaxKeptKey;
}

bool possible(const LogStart& start) {
  return start.oldest > 1 && (start.size == 0 || start.at >= start.oldest - 1) &&
         start.size <= kMaxCheckpoint;
}

}  // namespace

std::string encode_fetch(const Fetch& fetch, FrameType type) {
  std::string frame;
  Writer{frame}.u8(type).u64(fetch.from).u64(fetch.below).u64(fetch.until);
  return frame;
}

std::optional<Fetch> decode_fetch(std::string_view frame) {
  Reader from{frame};
  from.u8();
  const Fetch fetch{from.u64(), from.u64(), from.u64()};
  const bool good = from.finished() && fetch.from > 0 && fetch.from < fetch.below;
  return good ? std::optional{fetch} : std::nullopt;
}

std::string encode_lines(uint64_t from, std::string_view lines, FrameType type) {
  std::string frame;
  frame.reserve(9 + lines.size());
  Writer{frame}.u8(type).u64(from).fixed(lines);
  return frame;
}

std::optional<Lines> decode_lines(std::string_view frame) {
  Reader from{frame};
  from.u8();
  Lines lines{from.u64(), {}};
  lines.lines = from.fixed(from.left());
  if (!from.ok()) return std::nullopt;
  return lines;
}

std::string encode_start(const LogStart& start) {
  std::string frame;
  Writer{frame}
    .u8(kStartFrame)
    .u64(start.oldest)
    .fixed(bytes_of(start.before))
    .u64(start.at)
    .u64(start.size)
    .fixed(bytes_of(start.digest));
  return frame;
}

std::optional<LogStart> decode_start(std::string_view frame) {
  Reader from{frame};
  from.u8();
  LogStart start;
  start.oldest = from.u64();
  start.before = read_digest(from);
  start.at = from.u64();
  start.size = from.u64();
  start.digest = read_digest(from);
  return from.finished() && possible(start) ? std::optional{start} : std::nullopt;
}

std::string encode_piece_fetch(const PieceFetch& fetch) {
  std::string frame;
  Writer{frame}.u8(kPieceFetchFrame).u64(fetch.at).fixed(bytes_of(fetch.digest)).u64(fetch.offset);
  return frame;
}

std::optional<PieceFetch> decode_piece_fetch(std::string_view frame) {
  Reader from{frame};
  from.u8();
  PieceFetch fetch;
  fetch.at = from.u64();
  fetch.digest = read_digest(from);
  fetch.offset = from.u64();
  return from.finished() && fetch.offset < kMaxCheckpoint ? std::optional{fetch} : std::nullopt;
}

std::string encode_piece(const Piece& piece) {
  std::string frame;
  frame.reserve(17 + piece.bytes.size());
  Writer{frame}.u8(kPieceFrame).u64(piece.at).u64(piece.offset).fixed(piece.bytes);
  return frame;
}

std::optional<Piece> decode_piece(std::string_view frame) {
  Reader from{frame};
  from.u8();
  Piece piece{from.u64(), from.u64(), {}};
  piece.bytes = from.fixed(from.left());
  if (!from.ok() || piece.bytes.empty()) return std::nullopt;
  return piece;
}

std::string encode_copy_fetch(uint64_t at) {
  std::string frame;
  Writer{frame}.u8(kCopyFetchFrame).u64(at);
  return frame;
}

std::optional<uint64_t> decode_copy_fetch(std::string_view frame) {
  Reader from{frame};
  from.u8();
  const auto at = from.u64();
  return from.finished() && at > 0 ? std::optional{at} : std::nullopt;
}

std::string encode_copy(const Copy& copy) {
  std::string frame;
  frame.reserve(49 + copy.bytes.size());
  Writer{frame}
    .u8(kCopyFrame)
    .u64(copy.copy.at)
    .u64(copy.copy.size)
    .fixed(bytes_of(copy.copy.digest))
    .fixed(copy.bytes);
  return frame;
}

std::optional<Copy> decode_copy(std::string_view frame) {
  Reader from{frame};
  from.u8();
  Copy copy;
  copy.copy.at = from.u64();
  copy.copy.size = from.u64();
  copy.copy.digest = read_digest(from);
  copy.bytes = from.fixed(from.left());
  const bool possible = copy.copy.size <= kMaxCheckpoint && copy.bytes.size() <= copy.copy.size &&
                        copy.bytes.empty() == (copy.copy.size == 0);
  return from.ok() && copy.copy.at > 0 && possible ? std::optional{copy} : std::nullopt;
}

std::string encode_kept_fetch(const KeptFetch& fetch) {
  std::string frame;
  Writer{frame}.u8(kKeptFetchFrame).u64(fetch.since).u64(fetch.until).bytes(fetch.after);
  return frame;
}

std::optional<KeptFetch> decode_kept_fetch(std::string_view frame) {
  Reader from{frame};
  from.u8();
  auto fetch = read_kept_fetch(from);
  return from.finished() && possible(fetch) ? std::optional{std::move(fetch)} : std::nullopt;
}

std::string encode_kept(const Kept& kept) {
  std::string frame;
  frame.reserve(kept.page.size() + 256);
  Writer{frame}
    .u8(kKeptFrame)
    .u64(kept.asked.since)
    .u64(kept.asked.until)
    .bytes(kept.asked.after)
    .bytes(kept.last)
    .u8(kept.end ? 1 : 0)
    .bytes(kept.page);  // With its size: a page that is cut off would leave replies out.
  return frame;
}

std::optional<Kept> decode_kept(std::string_view frame) {
  Reader from{frame};
  from.u8();
  Kept kept;
  kept.asked = read_kept_fetch(from);
  kept.last = from.bytes();
  const auto end = from.u8();
  kept.end = end == 1;
  kept.page = from.bytes();
  if (!from.finished() || end > 1 || !possible(kept.asked) || kept.last.size() > kMaxKeptKey)
    return std::nullopt;
  return kept;
}

}  // namespace muster::consensus

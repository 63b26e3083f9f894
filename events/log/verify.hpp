// The verifier of a log: the rules of docs/log_format.md, "Verification", over lines from anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "events/line_shape.hpp"
#include "events/log/disk.hpp"

namespace muster::log {

/// A line's place and hash, as `seq:hash` names it.
struct NamedHead {
  uint64_t seq = 0;
  Digest hash = kNoDigest;
  bool operator==(const NamedHead&) const = default;
};
/// Reads `SEQ:HASH`.
[[nodiscard]] std::optional<NamedHead> read_named_head(std::string_view text);
[[nodiscard]] std::string to_text(const NamedHead& head);

/// Puts the next line, with its newline, into `raw`; false at the end. A line that is too long is cut behind
/// its limit.
using NextLine = std::function<bool(std::string& raw)>;
[[nodiscard]] NextLine lines_of(std::istream& in);
/// The lines of a store. `disk` outlives the function; lines that are written meanwhile may be among them.
[[nodiscard]] NextLine lines_of(const Disk& disk);

struct VerifyOptions {
  std::optional<NamedHead> head;  ///< The last line has to be this one.
  std::optional<uint64_t> from;   ///< The file is cut and starts here.
  /// Sees every line that passed, in order.
  std::function<void(const LineShape&)> good;
};

struct Verdict {
  uint64_t lines = 0;           ///< That passed.
  NamedHead head;               ///< The last of them.
  std::optional<uint64_t> bad;  ///< The first bad seq.
  std::string reason;
};

/// Memory is constant: the hash of every line goes to an unnamed temporary file, 32 bytes each, for the
/// digests that later lines hold. Error: `internal` when there is no room for it.
Result<Verdict> verify(const NextLine& next, const VerifyOptions& options);

}  // namespace muster::log

// The chain of lines on disk: extended by committed entries, read by everybody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "base/persistence.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "events/line_shape.hpp"
#include "events/log/disk.hpp"
#include "events/log/rows.hpp"
#include "events/log/streams.hpp"

namespace muster::log {

using Line = std::shared_ptr<const std::string>;

/// Where the chain ends.
struct ChainHead {
  uint64_t index = 0;  ///< The last Raft entry that became lines.
  uint64_t seq = 0;
  Digest hash = kNoDigest;
  bool operator==(const ChainHead&) const = default;
};

/// A reply kept under an idempotency key: replicated with the events it tells of, gone when log time passes
/// `expires`.
struct KeptReply {
  std::string key;   ///< SHA-256 of caller and key, 32 bytes.
  std::string hmac;  ///< HMAC of the request, 32 bytes.
  Time expires{};
  uint64_t seq = 0;    ///< What the first reply was as of; 0 in an entry, the seq when it is read back.
  std::string result;  ///< What the domain answered; empty when it must not be kept (a secret was in it).
  bool one_time = false;
};
[[nodiscard]] std::string encode(const KeptReply& reply);
[[nodiscard]] std::optional<KeptReply> decode_kept_reply(std::string_view bytes);
/// Adds what is stored of `reply`, as it is.
void put_kept(const KeptReply& reply, Batch& batch);
/// Visits what is stored, by key, behind the key `after`.
void each_kept(const Disk& disk, std::string_view after, const Disk::Visit& visit);

/// Appends lines. Owned by the log's thread.
class ChainWriter {
public:
  /// Goes on from what `disk` holds. `counts`, which may be nobody, is told of replies whose time is over.
  explicit ChainWriter(const Disk& disk, std::shared_ptr<Persistence> counts = nullptr);

  [[nodiscard]] const ChainHead& head() const { return head_; }

  /// Turns one committed entry into lines: adds them, their streams, kept replies and the new head to
  /// `batch`, and the lines to `lines`. An entry that is not well formed stops the node: a majority committed
  /// it.
  void apply(uint64_t index, std::string_view entry, Time time, Batch& batch, std::vector<Line>& lines);

  using OnTaken = std::function<void(const LineShape& shape, std::string_view line)>;
  /// Adds lines that a peer sent, each with its newline; false when they do not continue the chain: then this
  /// writer is of no more use. What is inside `data` is not read.
  bool take_lines(std::string_view lines, Batch& batch, const OnTaken& taken);
  /// The same of ChainReader::rows_from, up to `until`; lines that are here already are passed over. Each
  /// line is checked, and rows go to the disk as they came.
  bool take_rows(std::string_view run, uint64_t until, Batch& batch, const OnTaken& taken);

  /// Goes on behind a line that is not here: whatever lines there are go, and the next one is seq + 1, whose
  /// `prev` is `hash`. Only with a checkpoint as of `seq` or later (checkpoint_copy.hpp) in the same batch.
  void start_after(uint64_t seq, const Digest& hash, Batch& batch);

  /// Moves the applied index without a line: configuration entries, barriers, installed snapshots.
  void skip_to(uint64_t index, Batch& batch);

private:
  bool follow(std::string_view line, const OnTaken& taken);
  void extend(std::string_view stream, std::string line, Batch& batch, std::vector<Line>& lines);
  void put_head(Batch& batch) const;
  void keep_reply(std::string_view bytes, Batch& batch);
  void forget_replies(Time now, Batch& batch);

  const Disk& disk_;
  ChainHead head_;
  RowWriter rows_;
  StreamWriter streams_;
  Time forget_from_{};
  std::shared_ptr<Persistence> counts_;
  std::string place_;
};

/// The head that `disk` holds, all zero when it is new.
[[nodiscard]] ChainHead read_head(const Disk& disk);

/// Reads lines. Any thread.
class ChainReader {
public:
  explicit ChainReader(const Disk& disk) : disk_(disk) {}
  [[nodiscard]] std::optional<std::string> line(uint64_t seq) const;
  /// Visits lines from `from` on in order, until `visit` answers false.
  void each_from(uint64_t from, const std::function<bool(uint64_t seq, std::string_view line)>& visit) const;
  /// Lines from `from` on, each with its newline, whole rows at a time: about `most` bytes, more when one
  /// line is longer.
  [[nodiscard]] std::string text_from(uint64_t from, size_t most) const;
  /// A run of rows as they are stored, from the one that holds `from` on, small ones put together: for each
  /// the seq of its last line, its size (8 each, big endian) and its bytes. At most `most` bytes, more when
  /// one row is longer. Tells in `last` the last line that is in it.
  [[nodiscard]] std::string rows_from(uint64_t from, size_t most, uint64_t& last) const;
  /// Visits lines from `from` on backwards, until `visit` answers false. Later ones than the newest are
  /// passed over.
  void each_back(uint64_t from, const std::function<bool(uint64_t seq, std::string_view line)>& visit) const;
  /// Visits the seqs of one stream from `from` on.
  void each_in_stream(std::string_view stream, uint64_t from,
                      const std::function<bool(uint64_t seq)>& visit) const;
  /// The last seq of a stream, 0 when it has none: the stream's version.
  [[nodiscard]] uint64_t version(std::string_view stream) const;
  /// The first line that is still there, 0 when there is none.
  [[nodiscard]] uint64_t oldest() const;
  /// The hash of the line before the oldest, as that one names it; nothing when there is no line.
  [[nodiscard]] std::optional<Digest> before_oldest() const;
  /// The last seq whose time is not after `time`; 0 when there is none. Binary search over the lines.
  [[nodiscard]] uint64_t last_at(Time time) const;
  [[nodiscard]] std::optional<KeptReply> kept_reply(std::string_view key) const;

private:
  const Disk& disk_;
};

/// Drops the lines up to `to`. Only under a committed log.compacted event.
Status drop_lines(Disk& disk, uint64_t to);

}  // namespace muster::log

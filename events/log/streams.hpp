// Which lines a stream has: the streams column, written in few rows and read as if there was one a line.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "events/log/disk.hpp"

namespace muster::log {

/// Writes the column. A row a batch names the streams of its lines in order; what thousands of lines added
/// is filed by stream later, a little with each batch, so that a stream is found without reading them all.
/// Owned by the log's thread.
class StreamWriter {
public:
  /// Goes on from what `disk` holds.
  explicit StreamWriter(const Disk& disk);
  /// The next line: seqs have no gaps.
  void add(std::string_view stream, uint64_t seq);
  /// The row of the lines that were added since the last one. While `many` come at once they are filed more
  /// rarely: the rows of a stream become fewer and longer.
  void finish(Batch& batch, bool many = false);
  /// The column is empty, and the next line comes after `seq`.
  void start_after(uint64_t seq, Batch& batch);

private:
  /// The lines of one stream: the last one, and what the gaps between all of them are.
  struct Seqs {
    uint64_t last = 0;
    std::string gaps;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Files = std::unordered_map<std::string, Seqs, Hash, std::equal_to<>>;
  void gather(std::string_view stream, uint64_t seq);
  void file(size_t streams, Batch& batch);

  std::string row_;  ///< Of the lines since finish().
  uint64_t first_ = 0, last_ = 0;
  Files gathered_;                                    ///< In rows by batch, and
  size_t lines_ = 0;                                  ///< how many lines.
  std::vector<std::pair<std::string, Seqs>> filing_;  ///< Still to be filed, the last first, of the lines
  uint64_t to_seq_ = 0;                               ///< up to here.
};

/// Visits the seqs of one stream from `from` on, until `visit` answers false.
void each_in_stream(const Disk& disk, std::string_view stream, uint64_t from,
                    const std::function<bool(uint64_t seq)>& visit);
/// The last seq of a stream, 0 when it has none.
[[nodiscard]] uint64_t last_in_stream(const Disk& disk, std::string_view stream);

/// Takes the lines up to `to` out of the column; `streams` are theirs.
void drop_from_streams(const Disk& disk, const std::set<std::string>& streams, uint64_t to, Batch& batch);

}  // namespace muster::log

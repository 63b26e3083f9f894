// A whole node in one file: lines, checkpoints, kept replies, secrets, journals and keys, under one SHA-256.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// A file is a line of JSON that says what it is, frames, and the trailer "sha256:" + 64 hex + newline over
/// all bytes before it. A frame is kind (1), key size (4), value size (4), both little endian, key, value;
/// its kind is a column, or 'f' for a file of the data folder.
///
/// Lines never change, so the log is consistent up to the head at the start, while the node goes on.
class BackupReader {
public:
  /// `data`: the folder with node_id and keys/.
  BackupReader(const log::Disk& disk, std::string data, const std::string& node, const std::string& cluster);

  /// Appends up to about `limit` bytes; false when this was the end.
  bool next(std::string& out, size_t limit);
  /// The last seq that is in it.
  [[nodiscard]] uint64_t seq() const { return seq_; }

private:
  void frame(char kind, std::string_view key, std::string_view value);
  bool read_lines(size_t limit);
  bool read_column(size_t limit);
  void read_files();
  void hand_out(std::string& out);

  const log::Disk& disk_;
  std::string data_;
  uint64_t seq_ = 0;
  std::deque<log::Column> columns_;
  std::string from_;  // The next key of the first column.
  std::string pending_;
  Sha256 hash_;
  bool files_read_ = false, done_ = false;
};

struct Restored {
  uint64_t seq = 0;
  std::string head;    ///< SHA-256 of the last line, hex.
  std::string digest;  ///< Of the backup file, hex.
  uint64_t bytes = 0;
};

/// Checks `file` from end to end, then writes it into `data`, which is empty or not there; checks the chain
/// on the way. The next start records the restore and raises the epoch. Errors: `not.found`, `conflict` (the
/// folder is not empty), `log.corrupt` (the file was changed or cut off), `log.unwritable`.
Result<Restored> restore_backup(const std::string& file, const std::string& data);

}  // namespace muster

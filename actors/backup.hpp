// A whole node in one file: lines, checkpoints, kept replies, secrets, keys and journals, under one SHA-256.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/backup_journals.hpp"
#include "base/hash.hpp"
#include "base/result.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// What a backup is made of.
struct BackupSource {
  std::string data;           ///< The folder with node_id, keys/ and runs/.
  std::string node, cluster;  ///< Their names.
  std::string reply_secret;   ///< What kept replies are recognized by; empty: the node's own key.
};

/// A file is a line of JSON that says what it is, frames, and the trailer "sha256:" + 64 hex + newline over
/// all bytes before it. A frame is kind (1), key size (4), value size (4), both little endian, key, value;
/// its kind is a column, 'f' for a file of the data folder, or 'j' for the next piece of a segment of a
/// journal (backup_frames.hpp).
///
/// It is of one moment: the store is read as it was when this was made, keys as they were then, and of
/// journals what they held then, unless the node has dropped it meanwhile to make room.
class BackupReader {
public:
  /// `disk` outlives it. Errors: `log.elsewhere` (this node has no log), `leader.starting` (it is fetching
  /// it), `log.unwritable` (the disk cannot be read).
  static Result<std::unique_ptr<BackupReader>> begin(const log::Disk& disk, const BackupSource& source);

  /// Appends up to about `limit` bytes; false when this was the end.
  bool next(std::string& out, size_t limit);
  /// The last seq that is in it.
  [[nodiscard]] uint64_t seq() const { return seq_; }

private:
  BackupReader() = default;
  void frame(char kind, std::string_view key, std::string_view value);
  bool read_lines(size_t limit);
  bool read_column(size_t limit);
  bool read_journals(size_t limit);
  void read_files(const BackupSource& source);
  void hand_out(std::string& out);

  std::unique_ptr<const log::Disk> disk_;
  uint64_t seq_ = 0;
  std::deque<log::Column> columns_;
  std::string from_;  // The next key of the first column.
  backup::Journals journals_;
  std::string pending_;
  Sha256 hash_;
  bool done_ = false;
};

struct Restored {
  uint64_t seq = 0;
  std::string head;    ///< SHA-256 of the last line, hex.
  std::string digest;  ///< Of the backup file, hex.
  uint64_t bytes = 0;
};

/// Checks `file` from end to end, then writes it into `data`, which is empty or not there; checks the chain,
/// names and sizes on the way, and leaves the folder empty when they are not right. The next start records
/// the restore and raises the epoch. Errors: `not.found`, `conflict` (the folder is not empty), `log.corrupt`
/// (the file was changed or cut off), `log.unwritable`.
Result<Restored> restore_backup(const std::string& file, const std::string& data);

}  // namespace muster

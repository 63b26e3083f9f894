// Reading a node out, as it is at one moment.
#include "actors/backup.hpp"
#include "actors/backup_frames.hpp"
#include "actors/borrowed.hpp"
#include "adapters/keys.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "events/log/chain.hpp"
#include "events/log/snapshot.hpp"

namespace muster {
namespace {

/// Of the meta column, only these belong to the log's history.
bool is_history(std::string_view key) {
  return key.starts_with("kept") || key == actors::kBorrowedKey;
}

void put_size(std::string& out, size_t n) {
  for (int i = 0; i < 4; i++) out += static_cast<char>(n >> (8 * i) & 0xff);
}

/// Whether the lines lead to the head: not so while a member fetches them.
bool is_whole(const log::Disk& disk, const log::ChainHead& head) {
  const auto newest = log::ChainReader{disk}.line(head.seq);
  return newest && sha256(*newest) == head.hash;
}

}  // namespace

Result<std::unique_ptr<BackupReader>> BackupReader::begin(const log::Disk& disk, const BackupSource& source) {
  try {
    std::unique_ptr<BackupReader> made{new BackupReader};
    made->journals_ = backup::Journals{source.data};
    made->disk_ = log::snapshot(disk);
    made->journals_.measure();
    const auto head = log::read_head(*made->disk_);
    if (head.seq == 0)
      return Error{"log.elsewhere", "this node has no log that could be backed up: ask a voter", {}};
    if (!is_whole(*made->disk_, head))
      return Error{"leader.starting", "this node is fetching the log: ask it later, or another member", {}};
    made->seq_ = head.seq;
    made->columns_ = {log::Column::events, log::Column::checkpoints, log::Column::local, log::Column::secrets,
                      log::Column::meta};
    made->pending_ = Json{{"muster_backup", backup::kVersion}, {"node", source.node},
                          {"cluster", source.cluster},         {"seq", head.seq},
                          {"head", to_hex(head.hash)},         {"time", to_rfc3339(system_now())}}
                       .dump() +
                     "\n";
    made->read_files(source);
    return made;
  } catch (const log::Unreadable& failed) {
    return failed.error();
  }
}

void BackupReader::frame(char kind, std::string_view key, std::string_view value) {
  if (key.size() > backup::kMaxKey || value.size() > backup::kMaxRow)
    throw log::Unreadable{"a value of " + std::to_string(value.size()) + " bytes is too large for a backup"};
  pending_ += kind;
  put_size(pending_, key.size());
  put_size(pending_, value.size());
  pending_.append(key).append(value);
}

/// Goes on with the lines, a frame each; true when they were read to their end.
bool BackupReader::read_lines(size_t limit) {
  bool more = false;
  log::ChainReader{*disk_}.each_from(from_.empty() ? 0 : log::number_of(from_),
                                     [&](uint64_t seq, std::string_view line) {
                                       const auto key = log::number_key(seq);
                                       if (pending_.size() >= limit) {
                                         from_ = key;
                                         more = true;
                                         return false;
                                       }
                                       frame(static_cast<char>(log::Column::events), key, line);
                                       return true;
                                     });
  return !more;
}

/// Goes on with the first column; true when it was read to its end.
bool BackupReader::read_column(size_t limit) {
  const auto column = columns_.front();
  if (column == log::Column::events) return read_lines(limit);
  bool more = false;
  disk_->scan(column, from_, "", [&](std::string_view key, std::string_view value) {
    if (pending_.size() >= limit) {
      from_ = key;
      more = true;
      return false;
    }
    if (column != log::Column::meta || is_history(key)) frame(static_cast<char>(column), key, value);
    return true;
  });
  return !more;
}

/// Goes on with the journals; true when they were read to their end.
bool BackupReader::read_journals(size_t limit) {
  std::string name, piece;
  while (pending_.size() < limit) {
    if (!journals_.next(name, piece)) return true;
    frame(backup::kJournal, name, piece);
  }
  return false;
}

/// A secret of replies that follows from a cluster key is written down: that key may be in a file that does
/// not go.
void BackupReader::read_files(const BackupSource& source) {
  for (const auto name : backup::kFiles) {
    if (name == backup::kReplies && !source.reply_secret.empty())
      frame(backup::kFile, name, to_hex(source.reply_secret) + "\n");
    else if (const auto bytes = read_file(source.data + "/" + std::string(name), backup::kMaxFile))
      frame(backup::kFile, name, *bytes);
  }
}

void BackupReader::hand_out(std::string& out) {
  hash_.add(pending_);
  out += pending_;
  pending_.clear();
}

bool BackupReader::next(std::string& out, size_t limit) {
  if (done_) return false;
  while (!columns_.empty() && pending_.size() < limit) {
    if (!read_column(limit)) break;
    columns_.pop_front();
    from_.clear();
  }
  bool more = !columns_.empty();
  if (!more) {
    disk_.reset();  // Journals may take long, and nothing is read there any more.
    more = !read_journals(limit);
  }
  hand_out(out);
  if (more) return true;
  out += "sha256:" + to_hex(hash_.finish()) + "\n";
  done_ = true;
  return false;
}

}  // namespace muster

// Writing a backup into a fresh folder.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "actors/backup.hpp"
#include "actors/backup_frames.hpp"
#include "adapters/keys.hpp"
#include "base/json.hpp"
#include "events/line.hpp"
#include "events/log/chain.hpp"
#include "events/log/rocks_disk.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBatchBytes = 4 << 20;

Error corrupt(std::string what) {
  return {"log.corrupt", "the backup does not verify: " + std::move(what), {}};
}

Error unwritable(const std::string& path) {
  return {"log.unwritable", "cannot write " + path + ": " + std::generic_category().message(errno), {}};
}

std::string shown(std::string_view name) {
  if (!is_utf8(name)) return "of the bytes " + to_hex(name);
  std::string text;
  append_json_string(text, name);
  return text;
}

/// The file's digest and whether its trailer agrees.
Result<std::string> check_digest(const std::string& path, uint64_t& size) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return Error{"not.found", "there is no backup at " + path, {}};
  std::error_code error;
  size = fs::file_size(path, error);
  if (error || size < backup::kTrailer) return corrupt("it is cut off");
  Sha256 hash;
  std::string piece(1 << 20, '\0');
  for (auto left = size - backup::kTrailer; left > 0;) {
    const auto want = std::min<uint64_t>(left, piece.size());
    if (!in.read(piece.data(), static_cast<std::streamsize>(want))) return corrupt("it cannot be read");
    hash.add({piece.data(), want});
    left -= want;
  }
  std::string trailer(backup::kTrailer, '\0');
  in.read(trailer.data(), backup::kTrailer);
  const auto digest = to_hex(hash.finish());
  if (trailer != "sha256:" + digest + "\n") return corrupt("its digest does not fit");
  return digest;
}

size_t most_of(char kind) {
  return kind == backup::kFile      ? backup::kMaxFile
         : kind == backup::kJournal ? backup::kMaxPiece
                                    : backup::kMaxRow;
}

/// Reads frames one after the other.
class FrameReader {
public:
  FrameReader(std::ifstream& in, uint64_t left) : in_(in), left_(left) {}

  /// False at the end. A frame that does not fit or is too large ends it, too: the digest was right, so that
  /// a defect wrote it.
  bool next(char& kind, std::string& key, std::string& value) {
    std::array<char, 9> head{};
    if (left_ < head.size() || !in_.read(head.data(), head.size())) return false;
    const auto size = [&](size_t at) {
      uint64_t n = 0;
      for (size_t i = 4; i-- > 0;) n = n << 8 | static_cast<uint8_t>(head[at + i]);
      return n;
    };
    const auto keys = size(1), values = size(5);
    if (head.size() + keys + values > left_ || keys > backup::kMaxKey || values > most_of(head[0]))
      return false;
    kind = head[0];
    key.resize(keys);
    value.resize(values);
    in_.read(key.data(), static_cast<std::streamsize>(keys));
    in_.read(value.data(), static_cast<std::streamsize>(values));
    left_ -= head.size() + keys + values;
    return static_cast<bool>(in_);
  }
  [[nodiscard]] uint64_t left() const { return left_; }

private:
  std::ifstream& in_;
  uint64_t left_;
};

/// Writes journals, a piece after the other.
class JournalWriter {
public:
  explicit JournalWriter(std::string folder) : folder_(std::move(folder)) {}
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;
  ~JournalWriter() { close(); }

  Status take(const std::string& name, std::string_view piece) {
    if (!backup::is_segment(name)) return corrupt("it holds a journal named " + shown(name));
    if (name != name_)
      if (auto begun = begin(name); !begun) return begun;
    size_ += piece.size();
    if (size_ > backup::kMaxSegment) return corrupt("journal " + name + " is too large");
    while (!piece.empty()) {
      const auto n = ::write(fd_, piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return unwritable(folder_ + "/" + name);
      piece.remove_prefix(static_cast<size_t>(n));
    }
    return Done{};
  }

  /// All of them at once: there may be thousands.
  Status finish() {
    if (fd_ >= 0 && ::syncfs(fd_) != 0) return unwritable(folder_);
    close();
    return Done{};
  }

private:
  /// A segment that is there already was written before another one: its pieces are out of order.
  Status begin(const std::string& name) {
    if (!seen_.insert(name).second) return corrupt("the pieces of journal " + name + " are apart");
    close();
    name_ = name;
    size_ = 0;
    const auto folder = folder_ + "/" + name.substr(0, name.find('/')) + "/journal";
    std::error_code error;
    fs::create_directories(folder, error);
    const auto path = folder + name.substr(name.find('/'));
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd_ < 0 ? Status{unwritable(path)} : Status{Done{}};
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  const std::string folder_;
  std::set<std::string> seen_;
  std::string name_;
  size_t size_ = 0;
  int fd_ = -1;
};

/// Writes frames into a fresh store and its folder.
class Writer {
public:
  Writer(log::Disk& disk, std::string data, uint64_t last)
    : disk_(disk), data_(std::move(data)), journals_(data_ + "/runs"), last_(last) {}

  Status take(char kind, const std::string& key, const std::string& value) {
    if (kind == backup::kFile) return file(key, value);
    if (kind == backup::kJournal) return journals_.take(key, value);
    if (static_cast<uint8_t>(kind) >= log::kColumns)
      return corrupt("it holds a frame of kind " + std::to_string(static_cast<uint8_t>(kind)));
    const auto column = static_cast<log::Column>(kind);
    if (column == log::Column::events) return line(value);
    if (is_later(column, key, value)) return Done{};
    batch_.put(column, key, value);
    return batch_.bytes() > kBatchBytes ? flush() : Status{Done{}};
  }

  Status finish() {
    // The new Raft log begins with its first configuration, at index 1.
    std::string head = log::number_key(1) + log::number_key(seq_);
    head.append(reinterpret_cast<const char*>(hash_.data()), hash_.size());
    batch_.put(log::Column::meta, "head", head);
    if (auto flushed = flush(); !flushed) return flushed;
    return journals_.finish();
  }
  [[nodiscard]] uint64_t seq() const { return seq_; }
  [[nodiscard]] const Digest& hash() const { return hash_; }

private:
  Status line(const std::string& text) {
    const auto record = read_line(text);
    if (!record) return record.error();
    if (seq_ != 0 && (record->seq != seq_ + 1 || record->prev != to_hex(hash_)))
      return corrupt("line " + std::to_string(record->seq) + " does not continue the chain");
    seq_ = record->seq;
    hash_ = sha256(text);
    rows_.add(seq_, text, batch_);
    streams_.add(record->stream, seq_);
    return batch_.bytes() > kBatchBytes ? flush() : Status{Done{}};
  }

  /// What tells of events that are not among the lines: version 1 was not of one moment.
  [[nodiscard]] bool is_later(log::Column column, std::string_view key, std::string_view value) const {
    if (column == log::Column::checkpoints)
      return key.size() > 8 && log::number_of(key.substr(key.size() - 8)) > last_;
    const auto reply = column == log::Column::meta ? log::decode_kept_reply(value) : std::nullopt;
    return reply && reply->seq > last_;
  }

  Status file(const std::string& name, const std::string& bytes) {
    if (std::find(backup::kFiles.begin(), backup::kFiles.end(), name) == backup::kFiles.end())
      return corrupt("it holds a file named " + shown(name));
    return write_file_atomically(data_ + "/" + name, bytes, 0600);
  }

  Status flush() {
    rows_.finish(batch_);
    streams_.finish(batch_);
    auto status = disk_.write(batch_, true);
    batch_.clear();
    return status;
  }

  log::Disk& disk_;
  std::string data_;
  JournalWriter journals_;
  log::Batch batch_;
  log::RowWriter rows_;
  log::StreamWriter streams_{disk_};
  const uint64_t last_;  ///< Seq that the backup says it ends with.
  uint64_t seq_ = 0;
  Digest hash_ = kNoDigest;
};

Status make_empty_folder(const std::string& data) {
  std::error_code error;
  if (fs::exists(data, error) && !fs::is_empty(data, error))
    return Error{"conflict", data + " is not empty: restore into a new folder", {}};
  fs::create_directories(data + "/keys", error);
  if (error) return Error{"log.unwritable", "cannot make " + data + ": " + error.message(), {}};
  fs::permissions(data, fs::perms::owner_all, error);
  fs::permissions(data + "/keys", fs::perms::owner_all, error);
  return Done{};
}

/// Writes the frames, and checks that they end where `about` says.
Status write_all(std::ifstream& in, uint64_t size, const Json& about, const std::string& data,
                 Restored& restored) {
  auto disk = log::open_rocks_disk(data + "/log", log::Access::read_write);
  if (!disk) return disk.error();
  Writer writer{**disk, data, about.value("seq", uint64_t{0})};
  FrameReader frames{in, size};
  char kind = 0;
  std::string key, value;
  while (frames.next(kind, key, value))
    if (auto status = writer.take(kind, key, value); !status) return status;
  if (frames.left() != 0) return corrupt("a frame does not fit");
  if (auto status = writer.finish(); !status) return status;
  restored.seq = writer.seq();
  restored.head = to_hex(writer.hash());
  if (restored.seq != about.value("seq", uint64_t{0}) || restored.head != about.value("head", ""))
    return corrupt("its last line is not the one it names");
  return write_file_atomically(data + "/restored", restored.digest + "\n", 0600);
}

}  // namespace

Result<Restored> restore_backup(const std::string& file, const std::string& data) {
  Restored restored;
  auto digest = check_digest(file, restored.bytes);
  if (!digest) return digest.error();
  restored.digest = std::move(*digest);
  std::ifstream in{file, std::ios::binary};
  std::string header;
  std::getline(in, header);
  const auto about = parse_json(header);
  const auto version = about && about->is_object() ? about->value("muster_backup", 0) : 0;
  if (version < 1 || version > backup::kVersion) return corrupt("it is not a backup of this version");
  if (auto status = make_empty_folder(data); !status) return status.error();
  const auto size = restored.bytes - backup::kTrailer - header.size() - 1;
  if (auto status = write_all(in, size, *about, data, restored); !status) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(data, ignored)) fs::remove_all(entry.path(), ignored);
    return status.error();
  }
  return restored;
}

}  // namespace muster

// Reading a node out, and writing it back.
#include "actors/backup.hpp"

#include <filesystem>
#include <fstream>

#include "adapters/keys.hpp"
#include "base/json.hpp"
#include "events/line.hpp"
#include "events/log/chain.hpp"
#include "events/log/rocks_disk.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr char kFileFrame = 'f';
constexpr size_t kTrailer = 7 + 64 + 1;  // "sha256:", the digest, a newline.
constexpr size_t kMaxFile = 1 << 20;
constexpr size_t kBatchBytes = 4 << 20;
constexpr std::string_view kKeptPrefix =
  "kept";  // Of the meta column, only kept replies belong to the log's history.

constexpr std::array<const char*, 4> kFiles = {"node_id", "keys/sign.key", "keys/seal.key",
                                               "keys/fingerprint.key"};

void put_size(std::string& out, size_t n) {
  for (int i = 0; i < 4; i++) out += static_cast<char>(n >> (8 * i) & 0xff);
}

Error corrupt(std::string what) {
  return {"log.corrupt", "the backup does not verify: " + std::move(what), {}};
}

/// The file's digest and whether its trailer agrees.
Result<std::string> check_digest(const std::string& path, uint64_t& size) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return Error{"not.found", "there is no backup at " + path, {}};
  std::error_code error;
  size = fs::file_size(path, error);
  if (error || size < kTrailer) return corrupt("it is cut off");
  Sha256 hash;
  std::string piece(1 << 20, '\0');
  for (auto left = size - kTrailer; left > 0;) {
    const auto want = std::min<uint64_t>(left, piece.size());
    if (!in.read(piece.data(), static_cast<std::streamsize>(want))) return corrupt("it cannot be read");
    hash.add({piece.data(), want});
    left -= want;
  }
  std::string trailer(kTrailer, '\0');
  in.read(trailer.data(), kTrailer);
  const auto digest = to_hex(hash.finish());
  if (trailer != "sha256:" + digest + "\n") return corrupt("its digest does not fit");
  return digest;
}

/// Reads frames one after the other.
class FrameReader {
public:
  FrameReader(std::ifstream& in, uint64_t left) : in_(in), left_(left) {}

  /// False at the end. A frame that does not fit ends it, too: the digest was right, so that a defect wrote
  /// it.
  bool next(char& kind, std::string& key, std::string& value) {
    std::array<char, 9> head{};
    if (left_ < head.size() || !in_.read(head.data(), head.size())) return false;
    const auto size = [&](size_t at) {
      uint64_t n = 0;
      for (size_t i = 4; i-- > 0;) n = n << 8 | static_cast<uint8_t>(head[at + i]);
      return n;
    };
    const auto keys = size(1), values = size(5);
    left_ -= head.size();
    if (keys + values > left_) return false;
    kind = head[0];
    key.resize(keys);
    value.resize(values);
    in_.read(key.data(), static_cast<std::streamsize>(keys));
    in_.read(value.data(), static_cast<std::streamsize>(values));
    left_ -= keys + values;
    return static_cast<bool>(in_);
  }
  [[nodiscard]] uint64_t left() const { return left_; }

private:
  std::ifstream& in_;
  uint64_t left_;
};

/// Writes frames into a fresh store.
class Writer {
public:
  Writer(log::Disk& disk, std::string data) : disk_(disk), data_(std::move(data)) {}

  Status take(char kind, const std::string& key, const std::string& value) {
    if (kind == kFileFrame) return file(key, value);
    const auto column = static_cast<log::Column>(kind);
    if (column == log::Column::events) return line(value);
    batch_.put(column, key, value);
    return batch_.bytes() > kBatchBytes ? flush() : Status{Done{}};
  }

  Status finish() {
    // The new Raft log begins with its first configuration, at index 1.
    std::string head = log::number_key(1) + log::number_key(seq_);
    head.append(reinterpret_cast<const char*>(hash_.data()), hash_.size());
    batch_.put(log::Column::meta, "head", head);
    return flush();
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

  Status file(const std::string& name, const std::string& bytes) {
    if (std::find(kFiles.begin(), kFiles.end(), name) == kFiles.end()) return Done{};
    std::error_code error;
    fs::create_directories(fs::path(data_ + "/" + name).parent_path(), error);
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
  log::Batch batch_;
  log::RowWriter rows_;
  log::StreamWriter streams_{disk_};
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

}  // namespace

BackupReader::BackupReader(const log::Disk& disk, std::string data, const std::string& node,
                           const std::string& cluster)
  : disk_(disk), data_(std::move(data)) {
  const auto head = log::read_head(disk);
  seq_ = head.seq;
  columns_ = {log::Column::events, log::Column::checkpoints, log::Column::journal,
              log::Column::local,  log::Column::secrets,     log::Column::meta};
  pending_ = Json{{"muster_backup", 1},        {"node", node},
                  {"cluster", cluster},        {"seq", seq_},
                  {"head", to_hex(head.hash)}, {"time", to_rfc3339(system_now())}}
               .dump() +
             "\n";
}

void BackupReader::frame(char kind, std::string_view key, std::string_view value) {
  pending_ += kind;
  put_size(pending_, key.size());
  put_size(pending_, value.size());
  pending_.append(key).append(value);
}

/// Goes on with the lines, a frame each; true when they were read to their end.
bool BackupReader::read_lines(size_t limit) {
  bool more = false;
  log::ChainReader{disk_}.each_from(from_.empty() ? 0 : log::number_of(from_),
                                    [&](uint64_t seq, std::string_view line) {
                                      const auto key = log::number_key(seq);
                                      if (seq > seq_) return false;
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
  disk_.scan(column, from_, "", [&](std::string_view key, std::string_view value) {
    if (pending_.size() >= limit) {
      from_ = key;
      more = true;
      return false;
    }
    if (column != log::Column::meta || key.starts_with(kKeptPrefix))
      frame(static_cast<char>(column), key, value);
    return true;
  });
  return !more;
}

void BackupReader::read_files() {
  files_read_ = true;
  for (const auto* name : kFiles)
    if (const auto bytes = read_file(data_ + "/" + name, kMaxFile)) frame(kFileFrame, name, *bytes);
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
  if (columns_.empty() && !files_read_) read_files();
  hand_out(out);
  if (!columns_.empty()) return true;
  out += "sha256:" + to_hex(hash_.finish()) + "\n";
  done_ = true;
  return false;
}

Result<Restored> restore_backup(const std::string& file, const std::string& data) {
  Restored restored;
  auto digest = check_digest(file, restored.bytes);
  if (!digest) return digest.error();
  restored.digest = std::move(*digest);
  std::ifstream in{file, std::ios::binary};
  std::string header;
  std::getline(in, header);
  const auto about = parse_json(header);
  if (!about || about->value("muster_backup", 0) != 1) return corrupt("it is not a backup of this version");
  if (auto status = make_empty_folder(data); !status) return status.error();
  auto disk = log::open_rocks_disk(data + "/log", log::Access::read_write);
  if (!disk) return disk.error();

  Writer writer{**disk, data};
  FrameReader frames{in, restored.bytes - kTrailer - header.size() - 1};
  char kind = 0;
  std::string key, value;
  while (frames.next(kind, key, value))
    if (auto status = writer.take(kind, key, value); !status) return status.error();
  if (frames.left() != 0) return corrupt("a frame does not fit");
  if (auto status = writer.finish(); !status) return status.error();
  restored.seq = writer.seq();
  restored.head = to_hex(writer.hash());
  if (restored.seq != about->value("seq", uint64_t{0}) || restored.head != about->value("head", ""))
    return corrupt("its last line is not the one it names");
  if (auto status = write_file_atomically(data + "/restored", restored.digest + "\n", 0600); !status)
    return status.error();
  return restored;
}

}  // namespace muster

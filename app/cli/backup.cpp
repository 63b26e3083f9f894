// :backup and :restore: a whole node in one file, checked by its digest on both ends.
#include "actors/backup.hpp"

#include <cstdio>
#include <ostream>

#include <fcntl.h>
#include <unistd.h>

#include "app/cli/catalog.hpp"
#include "app/cli/client.hpp"
#include "base/hash.hpp"

namespace muster::cli {
namespace {

constexpr size_t kTrailer = 7 + 64 + 1;  // "sha256:", the digest, a newline.

/// A file that is written whole or not at all: it gets its name when it was checked.
class Download {
public:
  explicit Download(std::string path) : path_(std::move(path)) {
    // It will hold keys: nobody else reads it.
    const int file = ::open(part().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) file_ = ::fdopen(file, "wb");
  }
  ~Download() {
    if (file_) std::fclose(file_);
    if (!kept_ && file_) std::remove(part().c_str());
  }
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  [[nodiscard]] bool open() const { return file_ != nullptr; }
  [[nodiscard]] std::string part() const { return path_ + ".part"; }

  /// The last bytes are held back: they are the trailer once the stream has ended.
  bool take(std::string_view bytes) {
    held_ += bytes;
    if (held_.size() <= kTrailer) return true;
    const auto ready = held_.size() - kTrailer;
    hash_.add(std::string_view{held_}.substr(0, ready));
    const bool written = std::fwrite(held_.data(), 1, ready, file_) == ready;
    bytes_ += ready;
    held_.erase(0, ready);
    return written;
  }

  /// Checks the trailer and gives the file its name. Error: `log.corrupt`, `internal`.
  Result<std::string> keep() {
    auto digest = to_hex(hash_.finish());
    if (held_ != "sha256:" + digest + "\n")
      return Error{"log.corrupt", "the backup was cut off or changed on its way", {}};
    if (std::fwrite(held_.data(), 1, held_.size(), file_) != held_.size() || std::fflush(file_) != 0 ||
        ::fsync(::fileno(file_)) != 0 || std::rename(part().c_str(), path_.c_str()) != 0)
      return Error{"internal", "cannot write " + path_, {}};
    kept_ = true;
    return digest;
  }
  [[nodiscard]] uint64_t bytes() const { return bytes_ + kTrailer; }

private:
  std::string path_;
  std::FILE* file_ = nullptr;
  std::string held_;
  Sha256 hash_;
  uint64_t bytes_ = 0;
  bool kept_ = false;
};

Outcome run_backup(Call& call) {
  const auto path = call.word(0);
  if (path.empty()) return usage_error(":backup needs the FILE to write");
  auto client = Client::make(call.config);
  if (!client) return client.error();
  Download download{path};
  if (!download.open())
    return Error{"conflict",
                 "cannot make " + download.part() + ": it is there already, or the folder is not writable",
                 {}};
  if (auto status =
        client->stream("/v1/backup", [&](std::string_view bytes) { return download.take(bytes); });
      !status)
    return status.error();
  const auto digest = download.keep();
  if (!digest) return digest.error();
  if (call.json)
    print_json(call, {{"file", path}, {"bytes", download.bytes()}, {"digest", *digest}});
  else
    call.io.out << path << ": " << download.bytes() << " bytes, sha256 " << *digest << '\n';
  return 0;
}

Outcome run_restore(Call& call) {
  const auto file = call.word(0);
  if (file.empty()) return usage_error(":restore needs the FILE that :backup wrote");
  const auto& data = call.config.text("data");
  const auto restored = restore_backup(file, data);
  if (!restored) return restored.error();
  if (call.json)
    print_json(
      call, {{"data", data}, {"seq", restored->seq}, {"head", restored->head}, {"digest", restored->digest}});
  else
    call.io.out << data << ": restored up to seq " << restored->seq << ", head " << restored->head
                << "\nThe next start records it and raises the epoch by 1000. Start it only when the old "
                   "node is gone.\n";
  return 0;
}

}  // namespace

Verb backup_verb() {
  return {.name = ":backup",
          .summary = "Write a running node's log, checkpoints, secrets and keys into one file",
          .usage = "FILE",
          .example = "muster :backup muster-2026-11-21.backup",
          .run = run_backup,
          .most_words = 1};
}

Verb restore_verb() {
  return {.name = ":restore",
          .summary = "Make a data folder from a backup",
          .usage = "FILE",
          .example = "muster :restore muster-2026-11-21.backup --data ./restored",
          .run = run_restore,
          .reads = config::Reader::node,
          .most_words = 1};
}

}  // namespace muster::cli

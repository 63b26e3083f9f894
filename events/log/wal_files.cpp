// Writing filler ahead of the end of log files.
#include "events/log/wal_files.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <rocksdb/file_system.h>
#include <unistd.h>

namespace muster::log {
namespace {

constexpr char kFiller = '\xff';         // As a record's head: a length and a type that none has.
constexpr uint64_t kPiece = 512 * 1024;  // Filled and synced at once.
constexpr uint64_t kAhead = 256 * 1024;  // With less than this filled, the next piece is.
constexpr size_t kSmall = 24 * 1024;     // Larger appends are worth blocks of their own.

/// Fills one file ahead of its end, on a thread of its own.
class Filler {
public:
  explicit Filler(const std::string& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)), thread_([this] { run(); }) {}
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;
  ~Filler() { close(); }

  /// `bytes` are appended next: waits while the place they go to is being filled.
  void make_way(size_t bytes) {
    std::unique_lock lock{mutex_};
    const auto end = end_ + bytes;
    done_.wait(lock, [&] { return !filling_ || end <= filled_; });
    end_ = end;
    filled_ = std::max(filled_, end);
    wanted_ = bytes <= kSmall && filled_ - end_ < kAhead;
    if (wanted_ && !filling_) wake_.notify_one();
  }

  /// Ends the file behind what was appended.
  void close() {
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(stop_, true)) return;
    }
    wake_.notify_one();
    thread_.join();
    if (fd_ < 0) return;
    // Filler that stays is no harm.
    if (filled_ > end_ && ::ftruncate(fd_, static_cast<off_t>(end_)) != 0) filled_ = end_;
    ::close(fd_);
  }

private:
  void run() {
    std::unique_lock lock{mutex_};
    while (fd_ >= 0) {
      wake_.wait(lock, [this] { return stop_ || wanted_; });
      if (stop_) return;
      filling_ = true;
      wanted_ = false;
      const auto from = filled_;
      lock.unlock();
      const bool filled = fill(from);
      lock.lock();
      filling_ = false;
      done_.notify_all();
      if (!filled) return;  // A full or broken disk: the next append tells of it.
      filled_ += kPiece;
    }
  }

  /// In writes of moderate size: appends wait for the one that runs.
  [[nodiscard]] bool fill(uint64_t from) const {
    static const std::string bytes(64 * 1024, kFiller);
    for (uint64_t at = 0; at < kPiece; at += bytes.size())
      if (::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(from + at)) !=
          static_cast<ssize_t>(bytes.size()))
        return false;
    return ::fdatasync(fd_) == 0;
  }

  const int fd_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  uint64_t end_ = 0;     ///< Of what was appended.
  uint64_t filled_ = 0;  ///< Up to here there is filler.
  bool wanted_ = false, filling_ = false, stop_ = false;
  std::thread thread_;
};

class FilledFile : public rocksdb::FSWritableFileOwnerWrapper {
public:
  FilledFile(std::unique_ptr<rocksdb::FSWritableFile> file, const std::string& path)
    : FSWritableFileOwnerWrapper(std::move(file)), filler_(path) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    filler_.make_way(data.size());
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& check,
                           rocksdb::IODebugContext* debug) override {
    filler_.make_way(data.size());
    return FSWritableFileOwnerWrapper::Append(data, options, check, debug);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    filler_.close();
    return FSWritableFileOwnerWrapper::Close(options, debug);
  }

private:
  Filler filler_;
};

class FilledFiles : public rocksdb::FileSystemWrapper {
public:
  FilledFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  [[nodiscard]] const char* Name() const override { return "muster.filled_files"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
    if (status.ok() && path.ends_with(".log")) *file = std::make_unique<FilledFile>(std::move(*file), path);
    return status;
  }
};

}  // namespace

rocksdb::Env* env_that_fills_ahead() {
  static const auto env = rocksdb::NewCompositeEnv(std::make_shared<FilledFiles>());
  return env.get();
}

}  // namespace muster::log

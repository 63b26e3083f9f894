// Writing a journal.
#include "adapters/run_journal.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/journal_frames.hpp"
#include "base/bytes.hpp"

namespace muster {
namespace {

Error unwritable(const std::string& what) {
  return {"journal.unwritable", what + ": " + std::generic_category().message(errno), {}};
}

}  // namespace

Result<RunJournal> RunJournal::open(const std::string& folder, const JournalLimits& limits,
                                    std::shared_ptr<Persistence> counts) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return Error{"journal.unwritable", folder + ": " + failed.message(), {}};
  RunJournal journal{folder, limits, std::move(counts)};
  const auto segments = journal::segments_of(folder);
  for (const auto first : segments) {
    journal::Walk walk{folder, first};
    journal.size_ = walk.end;
    if (walk.end == 0) continue;
    journal.totals_ = walk.before;
    while (const auto found = walk.next()) journal::count(journal.totals_, *found);
    journal.totals_.digest = walk.hash;
    journal.size_ = walk.end;
  }
  if (segments.empty()) return journal;
  const auto path = journal::segment_path(folder, segments.back());
  if (journal.size_ == 0) {  // Its first bytes never came: the next entry begins it anew.
    ::unlink(path.c_str());
    return journal;
  }
  journal.fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (journal.fd_ < 0 || ::ftruncate(journal.fd_, static_cast<off_t>(journal.size_)) != 0)
    return unwritable(path);
  return journal;
}

RunJournal::RunJournal(RunJournal&& other) noexcept
  : folder_(std::move(other.folder_)),
    limits_(other.limits_),
    counts_(std::move(other.counts_)),
    totals_(other.totals_),
    fd_(std::exchange(other.fd_, -1)),
    size_(other.size_),
    frame_(std::move(other.frame_)) {}

RunJournal& RunJournal::operator=(RunJournal&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(limits_, other.limits_);
  std::swap(counts_, other.counts_);
  std::swap(totals_, other.totals_);
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(frame_, other.frame_);
  return *this;
}

RunJournal::~RunJournal() {
  if (fd_ >= 0) ::close(fd_);
}

Status RunJournal::lines(EntryKind kind, uint16_t step, std::string_view text, Time at) {
  if (text.empty()) return Done{};
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto entries = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
  auto added = add(kind, step, entries, text, at);
  const auto bytes = text.size() - (entries - 1);
  if (added) {
    totals_.lines += entries;
    totals_.bytes += bytes;
  } else {
    totals_.dropped += bytes;
  }
  return added;
}

Status RunJournal::event(uint16_t step, std::string_view json, Time at) {
  return add(EntryKind::event, step, 1, json, at);
}

Status RunJournal::add(EntryKind kind, uint16_t step, uint32_t entries, std::string_view text, Time at) {
  if (!counts_) return append(kind, step, entries, text, at);
  const auto since = Persistence::Clock::now();
  errno = 0;
  auto added = append(kind, step, entries, text, at);
  const bool full = errno == ENOSPC || errno == EDQUOT;
  counts_->took(added  ? Persistence::append_ok
                : full ? Persistence::append_quota_exceeded
                       : Persistence::append_error,
                since);
  return added;
}

Status RunJournal::append(EntryKind kind, uint16_t step, uint32_t entries, std::string_view text, Time at) {
  if (fd_ < 0 || size_ + journal::kHead + text.size() > limits_.segment)
    if (auto begun = begin_segment(); !begun) return begun;
  frame_ = journal::numbers_of(journal::Frame{static_cast<uint32_t>(text.size()), totals_.last + 1,
                                              at.time_since_epoch().count(), static_cast<uint8_t>(kind), step,
                                              entries});
  const auto hash = journal::hash_after(totals_.digest, frame_, text);
  frame_ += bytes_of(hash);
  frame_ += text;
  for (size_t done = 0; done < frame_.size();) {
    const auto n = ::write(fd_, frame_.data() + done, frame_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const auto error = unwritable(folder_);
      if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) {  // Half a frame: what follows goes elsewhere.
        ::close(fd_);
        fd_ = -1;
      }
      return error;
    }
    done += static_cast<size_t>(n);
  }
  size_ += frame_.size();
  totals_.last += entries;
  totals_.digest = hash;
  return Done{};
}

Status RunJournal::begin_segment() {
  if (size_ == journal::kStart && fd_ >= 0) return Done{};  // Empty: one frame may be larger than a segment.
  const auto path = journal::segment_path(folder_, totals_.last + 1);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return unwritable(path);
  const auto numbers = journal::numbers_of(totals_);
  const auto start = std::string{journal::kWhat} + bytes_of(totals_.digest) + numbers;
  if (::write(fd, start.data(), start.size()) != static_cast<ssize_t>(start.size())) {
    const auto error = unwritable(path);
    ::close(fd);
    ::unlink(path.c_str());
    return error;
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  size_ = start.size();
  totals_.digest = journal::hash_after(totals_.digest, numbers, {});
  drop_oldest();
  return Done{};
}

void RunJournal::drop_oldest() const {
  const auto segments = journal::segments_of(folder_);
  for (size_t i = 0; i + limits_.segments < segments.size(); i++) {
    const auto path = journal::segment_path(folder_, segments[i]);
    struct stat about {};
    const bool sized = ::stat(path.c_str(), &about) == 0;
    if (::unlink(path.c_str()) == 0 && counts_)
      counts_->evicted(Persistence::journal, sized ? static_cast<uint64_t>(about.st_size) : 0);
  }
}

}  // namespace muster

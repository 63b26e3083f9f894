// Listing segments, and reading them while their writer goes on.
#include "actors/backup_journals.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "actors/backup_frames.hpp"
#include "adapters/journal_frames.hpp"
#include "domain/names.hpp"

namespace muster::backup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigits = 20;  // Of a segment's name.

std::string journal_of(const std::string& folder, const std::string& run) {
  return folder + "/" + run + "/journal";
}

/// Up to `most` bytes; fewer at the end of the file.
std::string read_some(int fd, size_t most) {
  std::string bytes(most, '\0');
  ssize_t got = 0;
  do {
    got = ::read(fd, bytes.data(), bytes.size());
  } while (got < 0 && errno == EINTR);
  bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return bytes;
}

}  // namespace

bool is_run(std::string_view name) {
  return name != "." && name != ".." && names::id_fault(name).empty();
}

bool is_segment(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos || !is_run(name.substr(0, slash))) return false;
  const auto segment = name.substr(slash + 1);
  return segment.size() == kDigits && segment.find_first_not_of("0123456789") == std::string_view::npos;
}

Journals::Journals(const std::string& data) : folder_(data + "/runs") {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored))
    if (auto id = entry.path().filename().string(); is_run(id))
      found.emplace_back(entry.last_write_time(ignored), std::move(id));
  std::sort(found.begin(), found.end());
  for (auto& [at, id] : found) runs_.push_back({std::move(id), {}});
}

Journals::Journals(Journals&& other) noexcept
  : folder_(std::move(other.folder_)),
    runs_(std::exchange(other.runs_, {})),
    opened_(std::exchange(other.opened_, false)) {}

Journals& Journals::operator=(Journals&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(runs_, other.runs_);
  std::swap(opened_, other.opened_);
  return *this;
}

Journals::~Journals() {
  close_run();
}

void Journals::measure() {
  for (auto& run : runs_) {
    const auto folder = journal_of(folder_, run.id);
    for (const auto first : journal::segments_of(folder)) {
      std::error_code gone;
      const auto size = fs::file_size(journal::segment_path(folder, first), gone);
      if (!gone) run.segments.push_back({first, size, -1});
    }
  }
}

void Journals::open_run() {
  auto& run = runs_.front();
  opened_ = true;
  for (auto at = run.segments.begin(); at != run.segments.end();) {
    const auto path = journal::segment_path(journal_of(folder_, run.id), at->first);
    at->fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (at->fd >= 0) {
      ++at;
      continue;
    }
    // The oldest goes first: so do those before it.
    for (auto before = run.segments.begin(); before != at; ++before) ::close(before->fd);
    at = run.segments.erase(run.segments.begin(), std::next(at));
  }
}

void Journals::close_run() {
  if (!std::exchange(opened_, false)) return;
  for (const auto& segment : runs_.front().segments) ::close(segment.fd);
  runs_.pop_front();
}

bool Journals::next(std::string& name, std::string& piece) {
  while (!runs_.empty()) {
    if (!opened_) open_run();
    auto& run = runs_.front();
    if (run.segments.empty()) {
      close_run();
      continue;
    }
    auto& segment = run.segments.front();
    piece = read_some(segment.fd, static_cast<size_t>(std::min<uint64_t>(segment.left, kMaxPiece)));
    segment.left -= piece.size();
    if (!piece.empty()) {
      name = run.id + journal::segment_path("", segment.first);
      return true;
    }
    ::close(segment.fd);
    run.segments.pop_front();
  }
  return false;
}

}  // namespace muster::backup

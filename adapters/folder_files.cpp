// lstat, mkdir, write and fsync.
#include "adapters/folder_files.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace muster {
namespace {

constexpr size_t kSyncsAtOnce = 4;

}  // namespace

FileLook look_at(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return {errno == ENOENT || errno == ENOTDIR ? FileKind::none : FileKind::other};
  const auto modified =
    std::chrono::seconds{info.st_mtim.tv_sec} + std::chrono::nanoseconds{info.st_mtim.tv_nsec};
  return {S_ISREG(info.st_mode)   ? FileKind::file
          : S_ISDIR(info.st_mode) ? FileKind::folder
                                  : FileKind::other,
          static_cast<uint64_t>(info.st_size), Time{std::chrono::duration_cast<Millis>(modified)}};
}

Status make_folder(const std::string& path) {
  constexpr mode_t kMode = 0755;
  if (::mkdir(path.c_str(), kMode) == 0) {
    ::chmod(path.c_str(), kMode);  // Whatever the umask took away.
    return Done{};
  }
  if (errno == EEXIST) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return Done{};
    errno = ENOTDIR;
  }
  const auto slash = path.rfind('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0) return disk_failed("cannot make", path);
  if (auto above = make_folder(path.substr(0, slash)); !above) return above;
  return make_folder(path);
}

Status begin_file(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (file < 0) return disk_failed("cannot write", path);
  Status written = Done{};
  while (written && !text.empty()) {
    const auto n = ::write(file, text.data(), text.size());
    if (n < 0)
      written = disk_failed("cannot write", path);
    else
      text.remove_prefix(static_cast<size_t>(n));
  }
  ::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
  ::close(file);
  return written;
}

Status sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? Status{Done{}} : disk_failed("cannot sync", path);
  auto synced = ::fsync(file) == 0 ? Status{Done{}} : disk_failed("cannot sync", path);
  ::close(file);
  return synced;
}

std::vector<Status> sync_all(const std::vector<std::string>& paths) {
  std::vector<Status> synced(paths.size(), Done{});
  std::atomic<size_t> next{0};
  const auto wait = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) synced[i] = sync(paths[i]);
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(kSyncsAtOnce, paths.size())) others.emplace_back(wait);
  } catch (const std::system_error&) {
    // Where there are no more threads, fewer wait.
  }
  wait();
  others.clear();
  return synced;
}

Error disk_failed(const std::string& what, const std::string& path) {
  return {"storage.degraded", what + " " + path + ": " + std::strerror(errno)};
}

}  // namespace muster

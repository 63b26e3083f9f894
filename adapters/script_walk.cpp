// Folders are listed again only when their stamps changed; files are only looked at.
#include "adapters/script_walk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/jobs/words.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

int64_t ns_of(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Stamp stamp_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, ns_of(info.st_mtim), ns_of(info.st_ctim)};
}

std::string under(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + '/' + name;
}

/// The contents of one folder that matter, by name: true is a folder; of files those that may say jobs.
struct Listed {
  std::set<std::string> folders;
  std::map<std::string, bool> files;  // Is it a link?
};

void add(Listed& to, int folder, const dirent& entry) {
  const std::string name = entry.d_name;
  if (name == "." || name == ".." || name == ".git") return;
  auto type = entry.d_type;
  if (type == DT_UNKNOWN) {
    struct stat info {};
    if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    type = static_cast<unsigned char>(IFTODT(info.st_mode));
  }
  if (type == DT_DIR)
    to.folders.insert(name);
  else if ((type == DT_REG || type == DT_LNK) && jobs::lower_case(name) == "config.yaml")
    to.files.emplace(name, type == DT_LNK);
}

class Walk {
public:
  Walk(int root, const fs::path& real_root, const JobFileLimits& limits,
       const std::function<void(UnreadScript)>& unread)
    : root_(root), real_root_(real_root), limits_(limits), unread_(unread) {}

  Sighting through(ScriptFolder& seen) {
    visit(seen, "", 0);
    return std::move(found_);
  }

private:
  void fault(const std::string& path, std::string why) {
    if (found_.faults.size() < limits_.faults) found_.faults.push_back({path, std::move(why)});
    if (found_.faults.size() == limits_.faults)
      found_.faults.back().error = "there are more faults than these";
  }

  void visit(ScriptFolder& folder, const std::string& path, size_t depth) {
    const auto many = [](size_t n) { return std::to_string(n); };
    if (depth > limits_.depth)
      return fault(path, "is more than " + many(limits_.depth) + " folders deep; it is not searched");
    if (folders_++ >= limits_.folders) {
      if (folders_ == limits_.folders + 1)
        fault(path, "there are more than " + many(limits_.folders) + " folders; the rest is not searched");
      return;
    }
    if (const int error = bring_up_to_date(folder, path)) {
      // One that went away between two looks is not worth a word.
      if (error != ENOENT && error != ENOTDIR)
        fault(path, std::string("cannot be read: ") + std::strerror(error));
      return;
    }
    for (auto& [name, file] : folder.files) look_at(file, under(path, name));
    for (auto& [name, inner] : folder.folders) visit(inner, under(path, name), depth + 1);
  }

  /// 0, or the number of what went wrong.
  int bring_up_to_date(ScriptFolder& folder, const std::string& path) {
    const char* name = path.empty() ? "." : path.c_str();
    struct stat info {};
    if (folder.listed_ns != 0) {  // Known: often one look is enough.
      if (fstatat(root_, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return errno;
      if (stamp_of(info) == folder.stamp && folder.stamp.settled(folder.listed_ns)) return 0;
    }
    found_.changed = true;
    const int fd = openat(root_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return folder = {}, errno;
    DIR* open = fdopendir(fd);
    if (!open) return close(fd), errno;
    folder.listed_ns = wall_clock_ns();
    if (fstat(fd, &info) == 0) folder.stamp = stamp_of(info);
    Listed listed;
    while (const dirent* entry = readdir(open)) add(listed, fd, *entry);
    closedir(open);
    keep(folder, listed);
    return 0;
  }

  static void keep(ScriptFolder& folder, const Listed& listed) {
    std::erase_if(folder.folders, [&](const auto& each) { return !listed.folders.contains(each.first); });
    for (const auto& name : listed.folders) folder.folders[name];
    std::erase_if(folder.files, [&](const auto& each) { return !listed.files.contains(each.first); });
    for (const auto& [name, link] : listed.files) folder.files[name].link = link;
  }

  void look_at(ScriptFile& file, const std::string& path) {
    if (!jobs::config_place(path)) return;
    if (file.link)
      if (auto why = misplaced(real_root_, real_root_ / path); !why.empty()) return fault(path, why);
    struct stat info {};
    if (fstatat(root_, path.c_str(), &info, file.link ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return;
    const auto size = static_cast<size_t>(std::max<off_t>(info.st_size, 0));
    if (found_.files.size() >= limits_.files || bytes_ + size > limits_.bytes) {
      if (!std::exchange(full_, true))
        fault(path, "there are more than " + std::to_string(limits_.files) + " files or " +
                      std::to_string(limits_.bytes >> 20) + " MiB of jobs; the rest is not read");
      return;
    }
    bytes_ += size;
    found_.files.push_back(&file);
    const auto stamp = stamp_of(info);
    if (file.config && stamp == file.stamp && stamp.settled(file.read_ns)) return;
    found_.changed = true;
    file.stamp = stamp;
    file.config.reset();
    unread_({&file, path});
  }

  const int root_;
  const fs::path& real_root_;
  const JobFileLimits& limits_;
  const std::function<void(UnreadScript)>& unread_;
  Sighting found_;
  size_t folders_ = 0, bytes_ = 0;
  bool full_ = false;
};

}  // namespace

bool Stamp::settled(int64_t at_ns) const {
  // Time moves in ticks of up to 10 ms, or in seconds on file systems that do not keep parts of them.
  const bool whole_seconds = modified_ns % 1'000'000'000 == 0 && changed_ns % 1'000'000'000 == 0;
  return std::max(modified_ns, changed_ns) + (whole_seconds ? 2'000'000'000 : 100'000'000) < at_ns;
}

int64_t wall_clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return ns_of(now);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Sighting look_through(int root, const fs::path& real_root, ScriptFolder& seen, const JobFileLimits& limits,
                      const std::function<void(UnreadScript)>& unread) {
  return Walk(root, real_root, limits, unread).through(seen);
}

Result<std::string> text_below(int root, const std::string& path, size_t limit) {
  const auto failed = [] { return Error{"internal", std::strerror(errno)}; };
  const Descriptor file(openat(root, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.get() < 0) return failed();
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return failed();
  if (!S_ISREG(info.st_mode)) return Error{"internal", "is not a plain file"};
  std::string text(std::min(static_cast<size_t>(info.st_size), limit) + 1, '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    const auto got = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno != EINTR) return failed();
    if (got == 0) break;
    if (got > 0) filled += static_cast<size_t>(got);
  }
  text.resize(filled);
  return text;
}

std::string misplaced(const fs::path& real_root, const fs::path& path) {
  std::error_code error;
  const auto real = fs::canonical(path, error);
  if (error == std::errc::no_such_file_or_directory) return "does not exist";
  if (error) return "cannot be reached: " + error.message();
  const auto [end, rest] = std::mismatch(real_root.begin(), real_root.end(), real.begin(), real.end());
  if (end != real_root.end()) return "is a link out of its tree of scripts";
  return fs::is_regular_file(real, error) ? "" : "is not a plain file";
}

}  // namespace muster

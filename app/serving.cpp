// Writing, locking and reading serving.json.
#include "app/serving.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events/fields.hpp"

namespace muster::app {
namespace {

constexpr size_t kMaxBytes = 4096;

struct Said : Served {
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("url", self.url);
    visit("scripts", self.scripts);
  }
};

std::string file_in(const std::string& data) {
  return data + "/serving.json";
}

/// A regular file that nobody but this user or root may write.
bool is_trusted(int file) {
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  return (about.st_uid == ::geteuid() || about.st_uid == 0) && (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

Status Serving::begin(const std::string& data, const Served& served) {
  end();
  path_ = file_in(data);
  const auto failed = [&] { return Error{"internal", path_ + ": " + std::strerror(errno), {}}; };
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) return failed();
  std::error_code odd;
  const auto text = to_json_text(Said{{served.url, std::filesystem::absolute(served.scripts, odd).string()}});
  const bool written = ::flock(file_, LOCK_EX | LOCK_NB) == 0 && ::ftruncate(file_, 0) == 0 &&
                       ::write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written) return Done{};
  auto why = failed();
  ::close(file_);
  file_ = -1;
  return why;
}

void Serving::end() {
  if (file_ < 0) return;
  ::unlink(path_.c_str());
  ::close(file_);
  file_ = -1;
}

std::optional<Served> served_by(const std::string& data) {
  const int file = ::open(file_in(data).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return std::nullopt;
  std::string text(kMaxBytes, '\0');
  ssize_t got = -1;
  // Whoever can lock it is alone with it: nobody serves.
  if (is_trusted(file) && ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    got = ::read(file, text.data(), text.size());
  ::close(file);
  if (got <= 0) return std::nullopt;
  const auto said = from_json_text<Said>(std::string_view{text}.substr(0, static_cast<size_t>(got)));
  return said ? std::optional<Served>{*said} : std::nullopt;
}

}  // namespace muster::app

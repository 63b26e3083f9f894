// Reading what was kept, looking at what changed, keeping it again.
#include "adapters/job_outline.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/outline_text.hpp"
#include "domain/jobs/typed_words.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".outline";

std::string file_of(const std::string& root) {
  char name[32];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(check_sum(root)));
  return name + std::string(kEnding);
}

/// The file's text, "" when there is none that this user wrote.
std::string kept_text(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid())
    return {};
  auto text = text_below(AT_FDCWD, path, kMaxOutline);
  return text && text->size() <= kMaxOutline ? std::move(*text) : std::string{};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto wrote = ::write(fd, text.data(), text.size());
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

/// Outlines of trees that nobody looked at for longest make room.
void make_room(const std::string& folder) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> kept;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().find(kEnding) != std::string::npos)
      kept.emplace_back(entry.last_write_time(error), entry.path());
  if (kept.size() <= kMaxOutlines) return;
  std::sort(kept.begin(), kept.end());
  for (size_t i = 0; i + kMaxOutlines < kept.size(); i++) fs::remove(kept[i].second, error);
}

/// As a whole or not at all; that it did not work costs the next one its time, and nobody else.
void keep(const std::string& folder, const std::string& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  mkdir(folder.c_str(), 0700);
  const auto fresh = path + '.' + std::to_string(getpid());
  unlink(fresh.c_str());  // Of a process that died.
  bool whole = false;
  {
    const Descriptor file(
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (file.get() < 0) return;
    whole = write_all(file.get(), text);
  }
  if (!whole || rename(fresh.c_str(), path.c_str()) != 0) unlink(fresh.c_str());
  make_room(folder);
}

/// Where no folder has the first word it may be an alias, of any of them.
WithArgs args_named_by(const std::vector<std::string>& words, const fs::path& root) {
  if (words.empty()) return [](const std::string&) { return false; };
  std::error_code error;
  if (!fs::exists(root / words.front(), error)) return [](const std::string&) { return true; };
  std::string path;
  for (const auto& word : words) path += word + '/';
  return [path](const std::string& folder) { return jobs::begins_with(path, folder + '/'); };
}

}  // namespace

Result<std::shared_ptr<const JobListing>> read_job_outline(const std::string& root,
                                                           const std::string& kept_in,
                                                           const std::vector<std::string>& words) {
  std::error_code error;
  const auto real = fs::canonical(root, error).string();
  if (error || kept_in.empty()) return JobFiles(root).read();
  const auto tree = real + '\n' + root;  // A link's name may be the id of the root's own job.
  const auto path = kept_in + '/' + file_of(tree);
  const auto text = kept_text(path);
  if (auto folder = parse_outline(text, tree, args_named_by(words, real))) {
    JobFiles files(root);
    *files.seen_ = std::move(*folder);
    auto listing = files.read();
    const bool alias = listing && !words.empty() && (*listing)->aliases.find(words.front()) != nullptr;
    const bool direct = !words.empty() && fs::exists(fs::path(real) / words.front(), error);
    if (!listing || (!files.changed_ && !(alias && direct))) return listing;
  }
  JobFiles files(root);  // What is kept has all arguments.
  if (auto folder = parse_outline(text, tree, [](const auto&) { return true; }))
    *files.seen_ = std::move(*folder);
  auto listing = files.read();
  if (!listing || !files.changed_) return listing;
  if (const auto now = outline_text(tree, *files.seen_); now.size() <= kMaxOutline) keep(kept_in, path, now);
  return listing;
}

}  // namespace muster

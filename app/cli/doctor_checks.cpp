// Looking at the machine.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

#include "app/cli/doctor.hpp"
#include "app/cli/terminal.hpp"
#include "domain/plan.hpp"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

/// The folder itself, or the nearest one above it that exists: where it would be made.
fs::path existing(const std::string& folder) {
  std::error_code ignored;
  fs::path path = fs::absolute(folder, ignored);
  while (!fs::exists(path, ignored) && path.has_parent_path() && path != path.parent_path())
    path = path.parent_path();
  return path;
}

/// A file that is gone when this is.
class ScratchFile {
public:
  explicit ScratchFile(const fs::path& folder) : path_((folder / ".muster-doctor-XXXXXX").string()) {
    fd_ = mkstemp(path_.data());
    if (fd_ >= 0) unlink(path_.c_str());
  }
  ~ScratchFile() {
    if (fd_ >= 0) close(fd_);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

private:
  std::string path_;
  int fd_ = -1;
};

Check private_file(const std::string& name, const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error || !fs::exists(status))
    return {name, Verdict::bad, path + " does not exist", "Create it, or correct --" + name};
  const auto others = fs::perms::group_all | fs::perms::others_all;
  if ((status.permissions() & others) == fs::perms::none) return {name, Verdict::good, path + " is private"};
  return {name, Verdict::bad, path + " is open to others on this machine", "chmod go= " + path};
}

}  // namespace

Check check_data(const config::Config& config) {
  constexpr uintmax_t kLeast = 64 << 20, kComfortable = uintmax_t{1} << 30;
  const auto& data = config.text("data");
  const fs::path folder = existing(data);
  std::error_code error;
  const bool made = fs::exists(data, error);
  if (!fs::is_directory(folder, error))
    return {"data", Verdict::bad, folder.string() + " is not a folder",
            "Move it away, or name another with --data"};
  const ScratchFile file{folder};
  if (file.fd() < 0)
    return {"data", Verdict::bad, folder.string() + " is not writable: " + std::strerror(errno),
            "Give this user the folder (chown), or name another with --data"};
  const auto space = fs::space(folder, error);
  const std::string room = human_bytes(space.available) + " free";
  const std::string found =
    made ? data + ", " + room : data + " will be made in " + folder.string() + ", " + room;
  if (!error && space.available < kLeast)
    return {"data", Verdict::bad, found, "Make room, or name another disk with --data"};
  if (!error && space.available < kComfortable)
    return {"data", Verdict::warning, found, "Make room before the log needs it"};
  return {"data", Verdict::good, found};
}

Check check_sync(const config::Config& config) {
  constexpr int kRounds = 50;
  constexpr std::chrono::microseconds kSlow{20'000};
  const ScratchFile file{existing(config.text("data"))};
  if (file.fd() < 0)
    return {"disk sync", Verdict::bad, "cannot write in the data folder", "See the check of data"};
  std::vector<std::chrono::microseconds> times;
  const std::array<char, 512> block{};
  for (int i = 0; i < kRounds; i++) {
    const auto start = std::chrono::steady_clock::now();
    if (write(file.fd(), block.data(), block.size()) < 0 || fdatasync(file.fd()) != 0)
      return {"disk sync", Verdict::bad, std::strerror(errno), "Mend the disk, or name another with --data"};
    times.push_back(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start));
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  const auto median = times[kRounds / 2];
  const std::string found = "median " + std::to_string(median.count()) + " us of " + std::to_string(kRounds);
  if (median > kSlow)
    return {"disk sync", Verdict::warning, found, "Every commit waits for it; use an SSD or NVMe disk"};
  return {"disk sync", Verdict::good, found};
}

Check check_clock(Time now) {
  const auto text = to_rfc3339(now);
  if (text < "2024" || text.size() != 24)
    return {"clock", Verdict::bad, "it says " + text,
            "Set the clock; timedatectl set-ntp true keeps it right"};
  timex state{};
  const int status = ntp_adjtime(&state);
  if (status == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    return {"clock", Verdict::warning, text + ", not synchronised as far as the kernel knows",
            "timedatectl set-ntp true; a node over 2 s off its peers does not lead"};
  return {"clock", Verdict::good, text + ", synchronised"};
}

Check check_open_files(const config::Config& config) {
  constexpr rlim_t kOwn = 1024;  // The log's files, sockets of its own, and some to spare.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = static_cast<rlim_t>(config.number("max-connections")) + kOwn;
  const std::string found =
    std::to_string(limit.rlim_max) + " allowed, " + std::to_string(needed) + " needed";
  if (limit.rlim_max >= needed) return {"open files", Verdict::good, found};
  return {
    "open files", limit.rlim_max > 2 * kOwn ? Verdict::warning : Verdict::bad, found,
    "ulimit -Hn " + std::to_string(needed) + ", LimitNOFILE= in the unit, or a smaller --max-connections"};
}

std::vector<Check> check_permissions(const config::Config& config) {
  std::vector<Check> checks;
  for (const char* name : {"tls-key", "api-key-file"})
    if (const auto& path = config.text(name); !path.empty()) checks.push_back(private_file(name, path));
  std::error_code error;
  const auto& data = config.text("data");
  if (!fs::is_directory(data, error)) return checks;
  const auto open = fs::status(data, error).permissions() & fs::perms::others_all;
  if (open != fs::perms::none)
    checks.push_back(
      {"permissions", Verdict::warning, data + " is open to others on this machine", "chmod o= " + data});
  else
    checks.push_back({"permissions", Verdict::good, data + " is closed to others"});
  return checks;
}

Check check_plans(const config::Config& config) {
  const auto& folder = config.text("plans-dir");
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return {"plans", config.given("plans-dir") ? Verdict::warning : Verdict::good,
            folder + " does not exist; the installed templates are used",
            config.given("plans-dir") ? "Create it, or correct --plans-dir" : ""};
  size_t good = 0;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".yaml" || entry.path().filename() == "profile.yaml") continue;
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto name = entry.path().string();
    const auto read = plan::parse_template(text, name);
    if (!read) return {"plans", Verdict::bad, read.error().detail, "Correct " + name};
    good++;
  }
  if (error)
    return {"plans", Verdict::bad, folder + ": " + error.message(),
            "Give this user the folder (chmod, chown)"};
  return {"plans", Verdict::good, std::to_string(good) + " templates in " + folder};
}

}  // namespace muster::cli

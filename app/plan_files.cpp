// From files to commands.
#include "app/plan_files.hpp"

#include <algorithm>
#include <filesystem>

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "adapters/keys.hpp"
#include "base/error_catalog.hpp"
#include "base/hash.hpp"
#include "domain/plan.hpp"
#include "domain/profile.hpp"

namespace muster::app {
namespace {

constexpr std::string_view kAbsent = "absent";
constexpr size_t kMaxSeen = 64 << 10;

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename();
}

std::map<std::string, std::string> read_seen(const std::string& path) {
  std::map<std::string, std::string> seen;
  const auto text = read_file(path, kMaxSeen);
  const auto document = text ? parse_json(*text) : Result<Json>{text.error()};
  if (!document || !document->is_object()) return seen;
  for (const auto& [name, digest] : document->items())
    if (digest.is_string()) seen.emplace(name, digest.get<std::string>());
  return seen;
}

/// What the log says of it.
const plans::View::Source& in_use(const plans::View& view, const std::string& name, bool profile) {
  static const plans::View::Source nothing;
  if (profile) return *view.profile;
  const auto* found = view.templates.find(name);
  return found ? **found : nothing;
}

/// Whether the file changed after that time; one that is gone has.
bool is_newer(const std::string& path, Time than) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return true;
  return Time{std::chrono::seconds{file.st_mtim.tv_sec + 1}} > than;
}

}  // namespace

std::string plans_folder(const config::Config& config) {
  namespace fs = std::filesystem;
  const auto& asked = config.text("plans-dir");
  std::error_code error;
  if (config.given("plans-dir") || fs::is_directory(asked, error)) return asked;
  const auto installed = fs::read_symlink("/proc/self/exe", error).parent_path() / "../share/muster/plans";
  return fs::is_directory(installed, error) ? installed.string() : asked;
}

PlanFiles::PlanFiles(System& system, std::string folder, std::string profile, std::string seen)
  : system_(system),
    folder_(std::move(folder)),
    profile_(std::move(profile)),
    seen_path_(std::move(seen)),
    seen_(read_seen(seen_path_)) {
  const auto list = [this] {
    return std::vector{profile_, folder_ + "/server.yaml", folder_ + "/camera-proxy.yaml"};
  };
  watcher_ = std::make_unique<FileWatcher>(list, [this](const std::string& path) { read(path); });
}

void PlanFiles::read(const std::string& path) {
  const bool profile = path == profile_;
  File file{path, name_of(path), read_file(path, profile ? profile::kMaxFile : plan::kMaxTemplate), {}};
  const bool absent = !file.text && file.text.error().code == "not.found";
  file.digest = absent ? kAbsent : sha256_hex(file.text ? *file.text : file.text.error().detail);
  if (!system_.ready()) return read_following(file);
  const bool takes = counts(file);
  followed_.erase(path);
  if (takes) return profile ? read_profile(file) : read_template(file);
  mark(file.name, file.digest);
  loaded_++;
}

/// What it has from the beginning is no edit.
void PlanFiles::read_following(const File& file) {
  followed_.insert(file.path);
  first_.emplace(file.name, file.digest);
}

/// What is in the log already is changed by an edit here, never by another member's coming to lead.
bool PlanFiles::counts(const File& file) {
  const auto views = system_.views();
  const auto& used = in_use(view<plans::View>(*views), file.name, file.path == profile_);
  if (used.generation.empty() && used.error.empty()) return true;
  const bool alone = view<cluster::View>(*views).members.size() < 2;
  const auto before = last_seen(file.name, alone);
  if (before == file.digest) return false;
  if (before.empty() ? alone && file.digest != kAbsent : alone || !followed_.contains(file.path)) return true;
  if (!before.empty() && is_newer(file.path, std::max(used.loaded_at, used.error_at))) return true;
  if (file.digest != kAbsent)
    spdlog::info("file={} stays without effect until it is edited: another member gave the one in use",
                 file.path);
  return false;
}

/// Empty: this node never looked at it before. One that is alone goes by what it gave alone: its file counts.
std::string PlanFiles::last_seen(const std::string& name, bool alone) {
  const std::lock_guard lock{mutex_};
  if (const auto seen = seen_.find(name); seen != seen_.end()) return seen->second;
  const auto first = first_.find(name);
  return alone || first == first_.end() ? "" : first->second;
}

void PlanFiles::mark(const std::string& name, const std::string& digest) {
  const std::lock_guard lock{mutex_};
  if (std::exchange(seen_[name], digest) == digest) return;
  if (auto kept = write_file_atomically(seen_path_, Json(seen_).dump() + "\n", 0600); !kept)
    spdlog::warn("plan files: {}", kept.error().detail);
}

/// A command that was not committed is tried again: the file is as it was.
Answer PlanFiles::recorded(const File& file) {
  return Answer{[this, name = file.name, digest = file.digest](const Result<Receipt>& outcome) {
    if (outcome) {
      mark(name, digest);
      loaded_++;
    } else if (error_kind(outcome.error().code).retryable) {
      read_again();
    }
  }};
}

void PlanFiles::read_template(const File& file) {
  auto parsed =
    file.text ? plan::parse_template(*file.text, file.name) : Result<plan::Template>{file.text.error()};
  if (!parsed) {
    spdlog::warn("template file={} error={}", file.name, parsed.error().detail);
    return system_.ask(plans::Command{plans::RejectTemplate{{file.name, parsed.error().detail}}}, {},
                       recorded(file));
  }
  plans::LoadTemplate load;
  load.loaded = {file.name, parsed->generation, {canonical_json(plan::to_json(parsed->apps))}};
  system_.ask(plans::Command{std::move(load)}, {}, recorded(file));
}

void PlanFiles::read_profile(const File& file) {
  // Without a file nothing is desired (section 9).
  const auto text = file.digest == kAbsent ? Result<std::string>{"{}"} : file.text;
  auto parsed = text ? profile::parse(*text, file.name) : Result<profile::Profile>{text.error()};
  if (!parsed) {
    spdlog::warn("profile file={} error={}", profile_, parsed.error().detail);
    return system_.ask(plans::Command{plans::RejectProfile{{parsed.error().detail}}}, {}, recorded(file));
  }
  for (const auto& warning : profile::warnings(*parsed))
    spdlog::warn("profile file={} warning={}", profile_, warning);
  system_.ask(
    plans::Command{plans::LoadProfile{{profile::generation(*parsed), {profile::to_json(*parsed).dump()}}}},
    {}, recorded(file));
}

bool may_change_plans(const Record& record) {
  return match(record.event)([]<class Event>(const Event&) {
    return std::is_same_v<Event, plans::TemplateLoaded> || std::is_same_v<Event, plans::ProfileLoaded> ||
           std::is_same_v<Event, bootstrap::Paused> || std::is_same_v<Event, bootstrap::Resumed> ||
           std::is_same_v<Event, lease::Granted> || std::is_same_v<Event, lease::Moved>;
  });
}

}  // namespace muster::app

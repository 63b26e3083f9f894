// From files on disk to a listing of jobs, each file read once.
#include "adapters/job_files.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <thread>

#include <fcntl.h>

#include "adapters/script_walk.hpp"
#include "domain/jobs/job_config.hpp"
#include "domain/jobs/steps.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFilesPerThread = 64;  ///< Fewer are not worth a thread.
constexpr size_t kMostThreads = 4;

std::string name_of(const std::string& root) {
  auto path = fs::absolute(root).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.filename();
}

/// Reads files while the walk goes on: parsing takes most of the time, so that all processors help.
class Readers {
public:
  Readers(int root, std::string root_name) : root_(root), root_name_(std::move(root_name)) {}
  ~Readers() { finish(); }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  void add(UnreadScript script) {
    const std::lock_guard lock(mutex_);
    scripts_.push_back(std::move(script));
    const auto most = std::min<size_t>(std::thread::hardware_concurrency(), kMostThreads);
    if (scripts_.size() >= kFilesPerThread * (threads_.size() + 1) && threads_.size() + 1 < most)
      threads_.emplace_back([this] { work(); });
    if (!threads_.empty()) more_.notify_one();
  }

  /// Returns when all were read.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      last_ = true;
    }
    more_.notify_all();
    work();
    threads_.clear();
  }

private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      more_.wait(lock, [this] { return last_ || !scripts_.empty(); });
      if (scripts_.empty()) return;
      const auto script = std::move(scripts_.back());
      scripts_.pop_back();
      lock.unlock();
      read(script);
      lock.lock();
    }
  }

  void read(const UnreadScript& script) const {
    script.file->read_ns = wall_clock_ns();
    jobs::ConfigFile config;
    if (const auto text = text_below(root_, script.path, jobs::kMaxConfig)) {
      config = jobs::read_config_file(script.path, *text, root_name_);
    } else {
      config.path = script.path;
      config.place = jobs::config_place(script.path).value_or(jobs::ConfigPlace{});
      config.error = "cannot be read: " + text.error().detail;
    }
    script.file->config = std::make_shared<const jobs::ConfigFile>(std::move(config));
  }

  const int root_;
  const std::string root_name_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<UnreadScript> scripts_;
  bool last_ = false;
  std::vector<std::jthread> threads_;  // Joined before what they use is gone.
};

bool same(const std::vector<jobs::Fault>& a, const std::vector<jobs::Fault>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.path == y.path && x.error == y.error; });
}

std::shared_ptr<const JobListing> listing_of(jobs::Tree::Files files, std::vector<jobs::Fault> faults,
                                             const std::string& alias_text) {
  auto made = std::make_shared<JobListing>();
  made->tree = jobs::Tree(std::move(files));
  const auto add = [&](const std::vector<jobs::Fault>& more) {
    faults.insert(faults.end(), more.begin(), more.end());
  };
  add(made->tree.faults());
  if (const auto declared = jobs::read_aliases(alias_text)) {
    made->aliases = jobs::Aliases(*declared, made->tree);
    add(made->aliases.faults());
  } else {
    auto detail = declared.error().detail;
    detail.erase(0, jobs::kAliasFile.size() + 2);
    faults.push_back({std::string(jobs::kAliasFile), declared.error().code + ": " + detail});
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const auto& a, const auto& b) { return a.path < b.path; });
  made->faults = std::move(faults);
  return made;
}

/// The names of the plain files of a folder that are run, sorted.
std::vector<std::string> numbered(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_directory(error)) names.push_back(entry.path().filename());
  }
  return jobs::main_scripts(std::move(names));
}

}  // namespace

JobFiles::JobFiles(std::string root, JobFileLimits limits)
  : root_(std::move(root)), limits_(limits), seen_(std::make_unique<ScriptFolder>()) {}

JobFiles::~JobFiles() = default;

Result<std::shared_ptr<const JobListing>> JobFiles::read() {
  const std::lock_guard lock(mutex_);
  return look();
}

Result<std::shared_ptr<const JobListing>> JobFiles::look() {
  const auto refused = [&](const std::string& why) {
    return Error{"config.invalid", "scripts-root: " + root_ + ' ' + why};
  };
  const Descriptor root(open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0 && errno == ENOENT) {
    *seen_ = {};
    files_.clear();
    faults_.clear();
    alias_text_.clear();
    return listing_ = std::make_shared<const JobListing>();
  }
  if (root.get() < 0 && errno == ENOTDIR) return refused("is not a folder");
  if (root.get() < 0) return refused(std::string("cannot be read: ") + std::strerror(errno));
  std::error_code error;
  const auto real = fs::canonical(root_, error);
  if (error) return refused("cannot be read: " + error.message());

  Readers readers(root.get(), name_of(root_));
  auto found = look_through(root.get(), real, *seen_, limits_,
                            [&](UnreadScript script) { readers.add(std::move(script)); });
  readers.finish();
  changed_ = found.changed;
  jobs::Tree::Files files;
  files.reserve(found.files.size());
  for (const auto* file : found.files) files.push_back(file->config);
  std::string alias_text;
  const std::string alias_file(jobs::kAliasFile);
  if (fs::exists(real / alias_file, error)) {
    if (auto why = misplaced(real, real / alias_file); !why.empty())
      found.faults.push_back({alias_file, why});
    else if (auto text = text_below(root.get(), alias_file, jobs::kMaxAliasFile))
      alias_text = std::move(*text);
    else
      found.faults.push_back({alias_file, "cannot be read: " + text.error().detail});
  }
  if (listing_ && files == files_ && alias_text == alias_text_ && same(found.faults, faults_))
    return listing_;
  listing_ = listing_of(files, found.faults, alias_text);
  files_ = std::move(files);
  faults_ = std::move(found.faults);
  alias_text_ = std::move(alias_text);
  return listing_;
}

Result<std::vector<std::string>> job_scripts(const std::string& root, const jobs::Job& job) {
  std::vector<std::string> names;
  if (job.stepped)
    for (const auto& step : job.steps) names.push_back(step.script);
  else
    names = numbered(fs::path(root) / job.folder);
  std::error_code error;
  const auto real = fs::canonical(root, error);
  std::vector<std::string> scripts;
  for (const auto& name : names) {
    const auto path = (fs::path(root) / job.folder / name).lexically_normal();
    std::string why = name.empty()          ? "is not named"
                      : name.front() == '/' ? "is not a path in the job's folder"
                                            : "";
    if (why.empty()) why = error ? error.message() : misplaced(real, path);
    if (!why.empty()) {
      std::string told = job.id;
      told.append(": the script \"").append(name).append("\" ").append(why);
      return Error{"E_CONFIG", std::move(told)};
    }
    scripts.push_back(path);
  }
  return scripts;
}

}  // namespace muster

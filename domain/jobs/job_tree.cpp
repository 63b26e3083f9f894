// From files to a tree of jobs with names.
#include "domain/jobs/job_tree.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "domain/jobs/job_config.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr std::string_view kConfigFolder = "config.d", kConfigFile = "config.yaml";

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view last_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0.
}

/// Calls `see` with each part between slashes until it returns true; did it?
template <class See>
bool any_part(std::string_view path, See see) {
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    if (see(part)) return true;
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return false;
}

/// Every fault of a file in one line.
std::string in_one_line(const Error& error) {
  if (error.fields.empty()) return error.detail;
  std::string text;
  for (const auto& field : error.fields) {
    if (!text.empty()) text += "; ";
    text += field.pointer + (field.pointer.empty() ? "" : " ") + field.message;
  }
  return text;
}

std::string joined(std::span<const std::string> words) {
  std::string path;
  for (const auto& word : words) path += (path.empty() ? "" : "/") + word;
  return path;
}

}  // namespace

std::optional<ConfigPlace> config_place(std::string_view path) {
  if (lower_case(last_of(path)) != kConfigFile) return std::nullopt;
  const auto parent = parent_of(path);
  if (last_of(parent) == kConfigFolder) return ConfigPlace{std::string(parent_of(parent)), false};
  // Below config.d stand variables and libraries, and behind a dot what is not for people.
  if (any_part(parent, [](auto part) { return part == kConfigFolder || part.front() == '.'; }))
    return std::nullopt;
  return ConfigPlace{std::string(parent), true};
}

std::string ConfigFile::shown() const {
  return std::string(parent_of(path));
}

ConfigFile read_config_file(std::string path, std::string_view text, std::string_view root_name) {
  ConfigFile file;
  file.place = config_place(path).value_or(ConfigPlace{});
  file.path = std::move(path);
  auto jobs = is_utf8(file.path) ? read_job_config(text, file.place.folder, root_name)
                                 : Result<std::vector<Job>>{Error{"E_CONFIG", "the path is not UTF-8"}};
  if (jobs)
    file.jobs = std::move(*jobs);
  else
    file.error = in_one_line(jobs.error());
  return file;
}

Tree::Tree(Files files) : files_(std::move(files)) {
  std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a->path < b->path; });
  std::set<std::string_view> proper;  // Folders with a config.d/config.yaml.
  for (const auto& file : files_)
    if (!file->place.plain) proper.insert(file->place.folder);
  std::unordered_map<const Job*, const ConfigFile*> origin;
  for (const auto& file : files_) {
    if (file->place.plain && proper.contains(file->place.folder)) continue;
    if (!file->error.empty()) faults_.push_back({file->path, file->error});
    for (const auto& job : file->jobs) {
      const auto [known, fresh] = by_id_.emplace(lower_case(job.id), &job);
      if (fresh) {
        origin.emplace(&job, file.get());
        jobs_.push_back({&job, file.get()});
      } else {
        faults_.push_back({file->path, "job.id.conflict: the id \"" + job.id + "\" is that of the job in " +
                                         origin.at(known->second)->path});
      }
    }
  }
  name_commands();
}

void Tree::name_commands() {
  std::set<std::string_view> folders;
  for (const auto& entry : jobs_) folders.insert(entry.job->folder);
  for (const auto& entry : jobs_) {
    const std::string& folder = entry.job->folder;
    bool reached = !folder.empty() &&
                   !any_part(folder, [](auto part) { return part.front() == '.' || part == kConfigFolder; });
    for (auto above = parent_of(folder); reached && !above.empty(); above = parent_of(above))
      reached = !folders.contains(above);
    if (reached) commands_.emplace(folder, entry.job);
  }
}

const Job* Tree::find(std::string_view id) const {
  const auto found = by_id_.find(lower_case(id));
  return found == by_id_.end() ? nullptr : found->second;
}

Match Tree::command(std::span<const std::string> words) const {
  for (size_t n = 1; n <= words.size(); n++)
    if (const auto found = commands_.find(joined(words.first(n))); found != commands_.end())
      return {found->second, n};
  return {};
}

std::vector<Segment> Tree::segments(std::span<const std::string> words) const {
  const std::string before = words.empty() ? "" : joined(words) + '/';
  std::map<std::string, const Job*> next;
  for (auto at = commands_.lower_bound(before); at != commands_.end() && at->first.starts_with(before);
       ++at) {
    const auto rest = std::string_view(at->first).substr(before.size());
    const auto word = rest.substr(0, rest.find('/'));
    auto& job = next[std::string(word)];
    if (word.size() == rest.size()) job = at->second;
  }
  std::vector<Segment> made;
  made.reserve(next.size());
  for (const auto& [word, job] : next) made.push_back({word, job});
  return made;
}

Tree make_tree(const std::vector<std::pair<std::string, std::string>>& files, std::string_view root_name) {
  Tree::Files read;
  for (const auto& [path, text] : files)
    if (config_place(path))
      read.push_back(std::make_shared<const ConfigFile>(read_config_file(path, text, root_name)));
  return Tree(std::move(read));
}

}  // namespace muster::jobs

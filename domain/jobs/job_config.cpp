// From the text of a config.yaml to jobs.
#include "domain/jobs/job_config.hpp"

#include <algorithm>
#include <array>

#include "base/nearest.hpp"
#include "domain/jobs/config_parts.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

using names::pointer_to;

constexpr std::string_view kFile = "config.yaml";

/// The index of what `key` says in `words`, the first when it says nothing.
template <size_t N>
size_t one_of(ObjectReader& from, std::string_view key, const std::array<std::string_view, N>& words) {
  const auto given = from.text(key);
  if (!given || given->empty()) return 0;
  const auto found = std::find(words.begin(), words.end(), lower_case(*given));
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  std::string message = "must be ";
  for (size_t i = 0; i < N; i++)
    message += std::string(i == 0 ? "" : i + 1 < N ? ", " : " or ").append(words[i]);
  from.complain(key, message + did_you_mean(*given, words));
  return 0;
}

class Reading {
public:
  Reading(const yaml::Document& document, std::string_view folder, std::string_view root_name,
          names::Check& check)
    : document_(document),
      root_(reader_of(document.value, "", check)),
      folder_(folder),
      root_name_(root_name),
      check_(check) {}

  std::vector<Job> jobs() {
    const Job shared = settings();
    std::vector<Job> made;
    if (const Json* one = root_.object("job")) made.push_back(named(shared, *one, "/job"));
    const Json& several = root_.array("jobs", kMaxJobsOfFile);
    for (size_t i = 0; i < several.size(); i++)
      made.push_back(named(shared, several[i], pointer_to("/jobs", i)));
    if (made.empty()) made.push_back(named(shared, Json::object(), ""));
    return made;
  }

private:
  /// What every job of the file has.
  Job settings() {
    Job job;
    job.folder = folder_;
    job.interpreter = root_.text("interpreter").value_or("");
    job.executor = lower_case(read_name(root_, "executor"));
    job.env = env();
    job.timeout_s = static_cast<uint64_t>(root_.integer("timeout", 0, kMaxTimeout).value_or(0));
    job.error_handling = error_handling();
    job.env_inheritance = root_.flag("env_inheritance").value_or(false);
    if (const Json* way = root_.any("composition");
        way && way->is_string() && lower_case(way->get<std::string>()) == "steps")
      job.steps = read_steps(root_, check_);
    job.stepped = !job.steps.empty();
    job.container = read_container(root_, "container", check_);
    job.args = read_args(root_, document_, check_);
    job.concurrency = concurrency();
    job.placement = placement();
    job.priority = root_.integer("priority", -kMaxPriority, kMaxPriority).value_or(0);
    check_aliases(root_, check_);
    return job;
  }

  std::map<std::string, std::string> env() {
    auto variables = root_.text_map("env");
    for (const auto& [name, value] : variables)
      if (name.find('=') != std::string::npos || name.find('\0') != std::string::npos)
        check_.fault(pointer_to("/env", name), "the name of a variable has neither '=' nor NUL in it");
    return variables;
  }

  ErrorHandling error_handling() {
    ErrorHandling made;
    const Json* given = root_.object("error_handling");
    if (!given) return made;
    constexpr std::array<std::string_view, 3> kWords{"abort", "continue", "retry"};
    ObjectReader from = reader_of(*given, "/error_handling", check_);
    made.policy = static_cast<OnError>(one_of(from, "policy", kWords));
    made.retries = static_cast<uint64_t>(from.integer("retries", 0, kMaxRetries).value_or(0));
    made.backoff_s = static_cast<uint64_t>(from.integer("retry_backoff", 0, kMaxBackoff).value_or(0));
    return made;
  }

  Concurrency concurrency() {
    Concurrency made;
    const Json* given = root_.object("concurrency");
    if (!given) return made;
    constexpr std::array<std::string_view, 3> kWords{"queue", "skip", "cancel-running"};
    ObjectReader from = reader_of(*given, "/concurrency", check_);
    made.group = read_name(from, "group", Need::required);
    made.policy = static_cast<Concurrency::Policy>(one_of(from, "policy", kWords));
    return made;
  }

  Placement placement() {
    Placement made;
    const Json* given = root_.object("placement");
    if (!given) return made;
    ObjectReader from = reader_of(*given, "/placement", check_);
    made.role = from.text("role", Need::optional, names::kMaxId).value_or("");
    made.labels = from.text_map("labels");
    return made;
  }

  Job named(Job job, const Json& given, std::string pointer) {
    ObjectReader from = reader_of(given, std::move(pointer), check_);
    job.id = read_name(from, "id");
    const bool derived = job.id.empty();
    if (derived) {
      job.id = folder_.empty() ? std::string(root_name_) : std::string(folder_);
      std::replace(job.id.begin(), job.id.end(), '/', '.');
    }
    if (auto fault = job_id_fault(job.id); !fault.empty())
      from.complain("id", derived ? "is not given, and the one derived from the folder " + fault : fault);
    job.name = read_name(from, "name");
    if (job.name.empty()) job.name = job.id;
    job.summary = from.text("summary", Need::optional, kMaxSummary).value_or("");
    return job;
  }

  const yaml::Document& document_;
  ObjectReader root_;
  std::string_view folder_, root_name_;
  names::Check& check_;
};

}  // namespace

bool says_nothing(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    const auto first = line.find_first_not_of(" \r");
    if (first != std::string_view::npos && line[first] != '#') return false;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return true;
}

std::string job_id_fault(std::string_view id) {
  if (auto fault = names::id_fault(id); !fault.empty()) return fault;
  if (id.find("..") != std::string_view::npos) return "must not have \"..\" in it";
  if (id.front() == ':') return "must not begin with ':'";
  return {};
}

Result<std::vector<Job>> read_job_config(std::string_view text, std::string_view folder,
                                         std::string_view root_name) {
  yaml::Limits limits;
  limits.bytes = kMaxConfig;
  const bool empty = text.size() <= kMaxConfig && says_nothing(text);
  auto document = empty ? Result<yaml::Document>{yaml::Document{}} : yaml::parse(text, limits);
  if (!document)
    return Error{"E_CONFIG", std::string(kFile) + ": " + document.error().detail, document.error().fields};
  if (document->value.is_null()) document->value = Json::object();
  names::Check check;
  auto jobs = Reading(*document, folder, root_name, check).jobs();
  if (!check.faults().empty()) return yaml::refusal("E_CONFIG", kFile, check.faults(), *document);
  return jobs;
}

}  // namespace muster::jobs

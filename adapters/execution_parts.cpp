// Small parts of a run's course.
#include "adapters/execution_parts.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <sys/stat.h>

namespace muster {

std::vector<jobs::Step> needs_of(const RunOrder& order) {
  std::vector<jobs::Step> steps;
  for (const auto& one : order.steps) {
    auto& step = steps.emplace_back();
    step.id = one.id;
    step.needs = one.needs;
  }
  return steps;
}

jobs::ErrorHandling handling_of(const RunOrder& order) {
  const auto policy = order.on_error == "retry"      ? jobs::OnError::retry
                      : order.on_error == "continue" ? jobs::OnError::go_on
                                                     : jobs::OnError::abort;
  return {policy, order.retries, order.backoff_s};
}

StepOutcome outcome_of(const ScriptEnd& end) {
  StepOutcome outcome;
  outcome.exit_code = end.code;
  if (!end.known) {
    outcome.exit_code = -1;
    outcome.error = "it was killed from outside";
  } else if (end.code > 128 && end.code <= 128 + SIGRTMAX) {
    outcome.exit_code = -1;
    const char* name = ::sigabbrev_np(end.code - 128);
    outcome.error = std::string{"signal "} + (name ? name : std::to_string(end.code - 128));
  }
  outcome.status = outcome.exit_code == 0 ? "completed" : "failed";
  return outcome;
}

Status make_folders(const RunOrder& order) {
  std::error_code failed;
  for (const auto& folder : {order.folder, order.memory}) {
    std::filesystem::create_directories(folder, failed);
    if (failed) return Error{"internal", folder + ": " + failed.message(), {}};
    ::chmod(folder.c_str(), 0700);
  }
  return Done{};
}

std::string event_text(const RunOrder& order, Time began, const std::string& step, const Json& more) {
  Json event = Json::object();
  event["run_id"] = order.run;
  for (const auto& [name, text] : order.about)
    if (auto value = parse_json(text)) event[name] = std::move(*value);
  event["started_at"] = to_rfc3339(began);
  if (!step.empty()) event["step"] = step;
  for (const auto& [name, value] : more.items()) event[name] = value;
  return event.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status replace_file(const std::string& path, const std::string& text) {
  {
    std::ofstream out{path + ".new", std::ios::binary | std::ios::trunc};
    out << text;
    if (!out.flush()) return Error{"internal", path + ": " + std::strerror(errno), {}};
  }
  if (std::rename((path + ".new").c_str(), path.c_str()) != 0)
    return Error{"internal", path + ": " + std::strerror(errno), {}};
  return Done{};
}

}  // namespace muster

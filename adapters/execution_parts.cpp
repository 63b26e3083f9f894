// Small parts of a run's course.
#include "adapters/execution_parts.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <sys/stat.h>

#include "base/utf8.hpp"
#include "domain/jobs/container_command.hpp"

namespace muster {
namespace {

constexpr size_t kMostSaid = 1000;           // Bytes of what a command beside a step says,
constexpr size_t kMostRead = kMostSaid + 3;  // and with the rest of its last character.

/// What is wrong with how `line` ended that frees, ends or removes a container; empty: nothing is, or the
/// container is gone already. `said` is what it printed.
std::string wrong_with(const Words& line, const ScriptEnd& end, const std::string& said) {
  if ((end.known && end.code == 0) || jobs::says_gone(said)) return {};
  return line.front() + ": exit " + std::to_string(end.code) + ": " + as_utf8(said, kMostSaid);
}

}  // namespace

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

RunOutcome outcome_of(const RunProgress& progress, const StepOutcome& failed, bool any_failed) {
  RunOutcome outcome;
  outcome.exit_code = progress.timed_out ? kTimedOut : failed.exit_code;
  outcome.error = progress.timed_out ? "timeout" : failed.error;
  outcome.status = progress.canceled                  ? "canceled"
                   : progress.lost                    ? "lost"
                   : progress.timed_out || any_failed ? "failed"
                                                      : "completed";
  return outcome;
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

void remove_folder(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
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

void run_aside(ScriptLoop& loop, ScriptOrder like, std::vector<Words> lines,
               std::function<void(const std::string& wrong)> then, std::string wrong) {
  if (lines.empty()) return then(wrong);
  like.argv = std::move(lines.front());
  lines.erase(lines.begin());
  remove_folder(like.pipes);  // An earlier life may have left it.
  auto process = ScriptProcess::start(like);
  if (!process) {
    if (wrong.empty()) wrong = process.error().detail;
    return run_aside(loop, std::move(like), std::move(lines), std::move(then), std::move(wrong));
  }
  const auto said = std::make_shared<std::string>();
  ScriptSink sink;
  sink.output = [said](Channel, std::string_view bytes) {
    *said += bytes.substr(0, kMostRead - std::min(said->size(), kMostRead));
  };
  sink.ended = [&loop, said, like = std::move(like), lines = std::move(lines), then = std::move(then),
                wrong = std::move(wrong)](const ScriptEnd& end) {
    remove_folder(like.pipes);
    run_aside(loop, like, lines, then, wrong.empty() ? wrong_with(like.argv, end, *said) : wrong);
  };
  loop.add(std::move(*process), std::move(sink), kAsideLimit);
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

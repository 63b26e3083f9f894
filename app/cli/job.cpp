// Binding a job's arguments, running it, and showing its stream.
#include "app/cli/job.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <ostream>

#include <pwd.h>
#include <unistd.h>

#include "app/cli/table.hpp"
#include "app/jobs/job_run.hpp"
#include "app/jobs/run_parts.hpp"
#include "domain/jobs/arguments.hpp"

namespace muster::cli {
namespace {

/// `--name=value` or `--name value` before the job's words.
std::vector<config::Given> settings_before(std::vector<std::string>& words) {
  std::vector<config::Given> given;
  while (!words.empty() && words.front().starts_with("--")) {
    auto name = words.front().substr(2);
    words.erase(words.begin());
    std::string value;
    if (const auto equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (!words.empty()) {
      value = words.front();
      words.erase(words.begin());
    }
    given.push_back({name, value, "--" + name});
  }
  return given;
}

std::string actor() {
  const auto* who = ::getpwuid(::geteuid());
  return "cli:" + (who ? std::string{who->pw_name} : std::to_string(::geteuid()));
}

/// One event of the stream in pieces.
struct Event {
  std::string type;
  Json members;
};
Event event_of(const JournalEntry& entry) {
  const auto space = entry.text.find(' ');
  Event event{std::string{entry.text.substr(0, space)}, Json::object()};
  if (space != std::string_view::npos)
    if (auto members = parse_json(entry.text.substr(space + 1))) event.members = std::move(*members);
  return event;
}

/// What stands under `data` of a line (contract of jobs, section 7).
Json data_of(const Event& event) {
  Json data = Json::object();
  const auto take = [&](std::initializer_list<const char*> names) {
    for (const auto* name : names)
      if (event.members.contains(name)) data[name] = event.members[name];
  };
  if (event.type == "run.start")
    take({"job_id"});
  else if (event.type == "step.finish")
    take({"exit_code", "status", "error"});
  else
    take({"status", "error", "reason", "attempt"});
  return data;
}

class Stream {
public:
  Stream(const Io& io, const jobs::Common& common, const std::vector<jobs::PreparedStep>& steps)
    : io_(io), common_(common), steps_(steps) {}

  void show(const JournalEntry& entry) {
    if (entry.kind == EntryKind::event) return event(entry);
    if (common_.json) return line(entry);
    (entry.kind == EntryKind::out ? io_.out : io_.err) << entry.text << '\n' << std::flush;
  }

  /// [{Name, ExitCode, Duration (ns), Err}]
  [[nodiscard]] const Json& report() const { return report_; }

private:
  Json base(const JournalEntry& entry, const std::string& type) const {
    return {{"sequence", entry.seq}, {"timestamp", to_rfc3339(entry.at)}, {"type", type}, {"run_id", run_}};
  }
  void print(const Json& json) const {
    io_.out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
  }

  void line(const JournalEntry& entry) const {
    if (entry.text.empty()) return;
    auto json = base(entry, "step.log");
    if (entry.step < steps_.size()) json["step"] = steps_[entry.step].step.id;
    json["channel"] = entry.kind == EntryKind::out ? "stdout" : "stderr";
    json["message"] = entry.text;
    print(json);
  }

  void event(const JournalEntry& entry) {
    const auto what = event_of(entry);
    if (what.members.contains("run_id")) run_ = what.members["run_id"].get<std::string>();
    const auto step = what.members.value("step", std::string{});
    if (what.type == "step.start") began_[step] = entry.at;
    if (what.type == "step.finish") {
      const auto took = began_.contains(step) ? entry.at - began_[step] : Millis{0};
      report_.push_back({{"Name", step},
                         {"ExitCode", what.members.value("exit_code", int64_t{0})},
                         {"Duration", std::chrono::nanoseconds{took}.count()},
                         {"Err", what.members.value("error", std::string{})}});
    }
    const auto data = data_of(what);
    if (common_.json) {
      auto json = base(entry, what.type);
      if (!step.empty()) json["step"] = step;
      if (!data.empty()) json["data"] = data;
      return print(json);
    }
    if (common_.quiet) return;
    io_.err << '[' << entry.seq << "] " << what.type << " run=" << run_;
    if (!step.empty()) io_.err << " step=" << printable(step);
    if (!data.empty()) io_.err << " data=" << printable(data.dump());
    io_.err << '\n' << std::flush;
  }

  const Io& io_;
  const jobs::Common& common_;
  const std::vector<jobs::PreparedStep>& steps_;
  std::string run_;
  std::map<std::string, Time> began_;
  Json report_ = Json::array();
};

std::string yaml_of(const Json& report) {
  std::string text;
  for (const auto& row : report) {
    char before = '-';
    for (const auto& [name, value] : row.items()) {
      text += before + std::string{" "} + name + ": " + value.dump() + '\n';
      before = ' ';
    }
  }
  return text.empty() ? "[]\n" : text;
}

Status write_report(const Io& io, const jobs::Common& common, const Json& report) {
  if (common.report.empty()) return Done{};
  const auto text = common.report == "yaml" ? yaml_of(report) : report.dump(2) + "\n";
  if (common.report_file.empty()) {
    io.out << text;
    return Done{};
  }
  std::ofstream file{common.report_file};
  file << text;
  if (!file.flush()) return Error{"internal", "cannot write the report to " + common.report_file, {}};
  return Done{};
}

void print_job_help(const Io& io, const std::string& words, const jobs::Job& job) {
  io.out << printable(job.name) << (job.summary.empty() ? "" : ": " + printable(job.summary))
         << "\n\nusage: muster " << printable(words) << " [arguments] [flags]\n";
  if (!job.args.empty()) io.out << "\nARGUMENTS\n";
  Table table{{{"NAME", false, true}, {"TYPE"}, {"DESCRIPTION"}}};
  for (const auto& arg : job.args)
    table.add({{"--" + arg.name},
               {arg.type + (arg.required ? ", required" : "") + (arg.secret ? ", secret" : "")},
               {arg.description}});
  if (!job.args.empty()) table.print(io.out, io.terminal);
  io.out << "\nFLAGS\n";
  Table flags{{{"NAME", false, true}, {"DESCRIPTION"}}};
  for (const auto& flag : jobs::common_flags())
    flags.add({{"--" + std::string{flag.name}}, {std::string{flag.help}}});
  flags.print(io.out, io.terminal);
}

Outcome run(const app::JobChoice& choice, const std::vector<std::string>& words, const config::Config& config,
            const Io& io) {
  jobs::Common common;
  const auto arguments = jobs::bind_words(*choice.job, std::span{words}.subspan(choice.words), common);
  if (!arguments) return arguments.error();
  if (common.help) {
    std::string name;
    for (size_t i = 0; i < choice.words; i++) name += (i == 0 ? "" : " ") + words[i];
    print_job_help(io, name, *choice.job);
    return 0;
  }
  for (const auto& stray : common.stray)
    io.err << "muster: the word '" << printable(stray) << "' belongs to no flag, and is passed over\n";
  if (!common.node.empty())
    return Error{"unreachable", "--node: a command line without a server runs jobs on this machine only", {}};
  auto prepared = app::prepare_job(choice, io.environment, common.profile);
  if (!prepared) return prepared.error();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Before any thread: all inherit it.
  std::signal(SIGPIPE, SIG_IGN);                  // Whoever reads its output may go: the run does not.
  auto node = app::Embedded::open(config);
  if (!node) return node.error();
  app::JobRunOptions options{actor(), app::whole_environment(), common.on_error, common.strict,
                             common.dry_run};
  Stream stream{io, common, prepared->steps};
  const auto outcome = app::run_job(**node, choice, *prepared, *arguments, options,
                                    [&](const JournalEntry& entry) { stream.show(entry); });
  if (!outcome) return outcome.error();
  if (auto written = write_report(io, common, stream.report()); !written) return written.error();
  if (common.exit_code && outcome->exit_code > 0) return static_cast<int>(outcome->exit_code & 0xff);
  return outcome->status == "completed" ? 0 : 1;
}

}  // namespace

std::optional<Outcome> run_named_job(const std::vector<std::string>& arguments, const Io& io) {
  auto words = arguments;
  const auto before = settings_before(words);
  if (words.empty() || words.front().starts_with(':')) return std::nullopt;
  auto config = config::load("", io.environment, before);
  if (!config) return before.empty() ? std::nullopt : std::optional<Outcome>{config.error()};
  auto choice = app::choose_job(*config, words);
  if (choice) return run(*choice, words, *config, io);
  const auto& code = choice.error().code;
  // Of a folder without jobs nobody expects any.
  const auto listing = code == "job.unknown" ? JobFiles(config->text("scripts-root")).read() : choice.error();
  const bool any = listing && !(*listing)->tree.jobs().empty();
  return code == "job.unknown" && !any ? std::nullopt : std::optional<Outcome>{choice.error()};
}

}  // namespace muster::cli

// Binding a job's arguments, running it, and showing its stream.
#include "app/cli/job.hpp"

#include <csignal>
#include <ostream>

#include <pwd.h>
#include <unistd.h>

#include "app/cli/job_stream.hpp"
#include "app/cli/remote_job.hpp"
#include "app/cli/remote_jobs.hpp"
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

/// An entry of the journal, as the stream shows it.
void show(JobStream& stream, const JournalEntry& entry, const std::vector<jobs::PreparedStep>& steps) {
  if (entry.kind != EntryKind::event) {
    const auto step = entry.step < steps.size() ? steps[entry.step].step.id : std::string{};
    return stream.line(entry.seq, entry.at, step, entry.kind != EntryKind::out, entry.text);
  }
  const auto space = entry.text.find(' ');
  const auto members =
    space == std::string_view::npos ? Result<Json>{Json::object()} : parse_json(entry.text.substr(space + 1));
  stream.event(entry.seq, entry.at, std::string{entry.text.substr(0, space)},
               members ? *members : Json::object());
}

Outcome run(const app::JobChoice& choice, const std::vector<std::string>& words, const config::Config& config,
            const Io& io) {
  jobs::Common common;
  const auto arguments = jobs::bind_words(*choice.job, std::span{words}.subspan(choice.words), common);
  if (!arguments) return arguments.error();
  if (common.help) {
    print_job_help(io, words, choice.words, *choice.job);
    return 0;
  }
  warn_of_strays(io, common);
  if (!common.node.empty())
    return Error{"unreachable", "--node: a command line without a server runs jobs on this machine only", {}};
  const auto judged = app::judge_here(choice, config, io.environment, common.profile);
  if (!judged) return judged.error();
  const auto& prepared = judged->prepared;
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Before any thread: all inherit it.
  std::signal(SIGPIPE, SIG_IGN);                  // Whoever reads its output may go: the run does not.
  auto node = app::Embedded::open(config);
  if (!node) return node.error();
  app::JobRunOptions options{actor(),
                             app::whole_environment(),
                             {common.on_error, common.strict, common.dry_run},
                             common.verbose >= jobs::kKeepsProfile};
  JobStream stream{io, common, prepared.steps.size()};
  const auto outcome = app::run_job(
    **node, choice, prepared, *arguments, options,
    {[&](const JournalEntry& entry) { show(stream, entry, prepared.steps); }, [&] { stream.tick(); }});
  if (!outcome) return outcome.error();
  if (auto written = stream.write_report(); !written) return written.error();
  if (common.exit_code && outcome->exit_code > 0) return static_cast<int>(outcome->exit_code & 0xff);
  return outcome->status == "completed" ? 0 : 1;
}

}  // namespace

void print_job_help(const Io& io, const std::vector<std::string>& words, size_t named, const jobs::Job& job) {
  std::string name;
  for (size_t i = 0; i < named; i++) name += (i == 0 ? "" : " ") + words[i];
  io.out << printable(job.name) << (job.summary.empty() ? "" : ": " + printable(job.summary))
         << "\n\nusage: muster " << printable(name) << " [arguments] [flags]\n";
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

void warn_of_strays(const Io& io, const jobs::Common& common) {
  for (const auto& stray : common.stray)
    io.err << "muster: the word '" << printable(stray) << "' belongs to no flag, and is passed over\n";
}

std::optional<Outcome> run_named_job(const std::vector<std::string>& arguments, const Io& io) {
  auto words = arguments;
  const auto before = settings_before(words);
  if (words.empty() || words.front().starts_with(':')) return std::nullopt;
  auto config = config::load("", io.environment, before);
  if (!config) return before.empty() ? std::nullopt : std::optional<Outcome>{config.error()};
  const auto server = node_of_jobs(*config);
  if (!server) return Outcome{server.error()};
  if (*server) {
    auto asked = run_remote_job(**server, words, *config, io);
    if (asked.answered || config->given("server")) return asked.outcome;
  }
  auto choice = app::choose_job(*config, words);
  if (choice) return run(*choice, words, *config, io);
  const auto& code = choice.error().code;
  // Of a folder without jobs nobody expects any.
  const auto listing = code == "job.unknown" ? JobFiles(config->text("scripts-root")).read() : choice.error();
  const bool any = listing && !(*listing)->tree.jobs().empty();
  return code == "job.unknown" && !any ? std::nullopt : std::optional<Outcome>{choice.error()};
}

}  // namespace muster::cli

// Finding the job at a node, asking for it, following it.
#include "app/cli/remote_job.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "app/cli/client.hpp"
#include "app/cli/job.hpp"
#include "app/cli/job_stream.hpp"
#include "app/cli/remote_jobs.hpp"
#include "app/cli/run_follow.hpp"
#include "base/error_catalog.hpp"
#include "domain/jobs/arguments.hpp"

namespace muster::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{100}, kLookAgain{10};
constexpr std::chrono::seconds kRecordedWithin{5}, kAskedWithin{10}, kCancelEvery{1};

std::atomic<int> signals{0};  // How many came that ask to end.

/// What is given goes; the node fills in what has a default.
Json body_of(const jobs::Job& job, const jobs::Arguments& arguments, const jobs::Common& common) {
  Json args = Json::object();
  for (const auto& bound : arguments) {
    const bool kept = bound.arg->secret && bound.value == Json(std::string{jobs::kSecretShown});
    if (!kept) args[bound.arg->name] = bound.value;
  }
  Json body = {{"job_id", job.id}, {"args", std::move(args)}};
  if (!common.strict) body["strict"] = false;  // The API's default is true.
  if (common.dry_run) body["dry_run"] = true;
  if (common.verbose >= jobs::kKeepsProfile) body["keep_profile"] = true;
  if (!common.profile.empty()) body["requested_security_profile"] = common.profile;
  if (!common.node.empty()) body["node"] = common.node;
  if (common.on_error) body["on_error"] = jobs::word_of(*common.on_error);
  return body;
}

/// Asks for the run until it is known whether it was accepted: under one key it happens once.
Result<Json> accepted_run(Client& client, const Json& body) {
  const auto key = new_key();
  auto pause = kFirstPause;
  for (const auto until = SteadyClock::now() + kAskedWithin;; pause *= 2) {
    const auto accepted = client.call("POST", "/runs", body.dump(), key);
    if (accepted) return parse_json(accepted->body);
    const bool again = error_kind(accepted.error().code).retryable && accepted.error().code != "rate.limited";
    if (!again || signals > 0) return accepted.error();
    if (SteadyClock::now() + pause > until) {
      auto why = accepted.error();
      why.detail += "; the run may have been accepted: see muster :runs";
      return why;
    }
    std::this_thread::sleep_for(pause);
  }
}

/// The run's stream until its end. A signal cancels the run, a second one leaves it alone.
class Following {
public:
  /// `canceling` is asked while `client` waits for the stream.
  Following(Client& client, Client& canceling, const Io& io, JobStream& stream, const std::string& run)
    : canceling_(canceling),
      io_(io),
      stream_(stream),
      run_(run),
      follower_(
        client, run,
        [this](uint64_t id, const std::string& type, const Json& data) {
          show(id, type, data);
          return true;
        },
        [this] { return tick(); }) {
    follower_.insist();
  }

  Status follow() {
    const auto ended = follower_.follow();
    if (!ended) return gone_on(ended.error().detail);
    if (!*ended) return gone_on("this command was told to leave");
    return Done{};
  }

private:
  void show(uint64_t id, const std::string& type, const Json& data) {
    if (type == "step.log")
      stream_.line(id, io_.now(), data.value("step", ""), data.value("channel", "") == "stderr",
                   data.value("message", ""));
    else
      stream_.event(id, io_.now(), type, data);
  }

  /// False: this command is to leave. A run whose cancellation could not be asked for is tried again.
  bool tick() {
    stream_.tick();
    const auto now = SteadyClock::now();
    if (signals == 0 || canceled_ || now < cancel_at_) return signals < 2;
    cancel_at_ = now + kCancelEvery;
    const auto said = canceling_.call("POST", "/runs/" + path_segment(run_) + ":cancel");
    canceled_ = said || !error_kind(said.error().code).retryable;
    return signals < 2;
  }

  [[nodiscard]] Error gone_on(const std::string& why) const {
    return {
      "unreachable",
      why + "; run " + run_ + (canceled_ ? " is canceled" : " goes on") + ": see muster :run show " + run_,
      {}};
  }

  Client& canceling_;
  const Io& io_;
  JobStream& stream_;
  const std::string run_;
  RunFollower follower_;
  bool canceled_ = false;
  SteadyClock::time_point cancel_at_{};
};

/// As the log has it: its node tells of the end a moment after the stream showed it. Whoever asks next is to
/// see it, too.
std::optional<int64_t> recorded_exit_code(Client& client, const std::string& run) {
  for (const auto until = SteadyClock::now() + kRecordedWithin; SteadyClock::now() < until;) {
    const auto shown = client.get("/runs/" + path_segment(run));
    if (shown && shown->contains("finished_at")) return shown->value("exit_code", int64_t{0});
    std::this_thread::sleep_for(kLookAgain);
  }
  return std::nullopt;
}

Outcome end_of(Client& client, const std::string& run, const JobStream& stream, const jobs::Common& common) {
  if (auto written = stream.write_report(); !written) return written.error();
  const auto code = recorded_exit_code(client, run).value_or(stream.exit_code());
  if (common.exit_code && code > 0) return static_cast<int>(code & 0xff);
  return stream.status() == "completed" ? 0 : 1;
}

Outcome run_there(Client& client, Client& canceling, const RemoteJob& found,
                  const std::vector<std::string>& words, const Io& io) {
  const auto& job = found.job;
  jobs::Common common;
  const auto arguments = jobs::bind_words(job, std::span{words}.subspan(found.words), common);
  if (!arguments) return arguments.error();
  if (common.help) {
    print_job_help(io, words, found.words, job);
    return 0;
  }
  warn_of_strays(io, common);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { signals++; });
  std::signal(SIGPIPE, SIG_IGN);  // Whoever reads its output may go: the run does not.
  const auto run = accepted_run(client, body_of(job, *arguments, common));
  if (!run) return run.error();
  const auto id = run->value("id", "");
  JobStream stream{io, common, run->contains("steps") ? (*run)["steps"].size() : 0};
  if (auto followed = Following{client, canceling, io, stream, id}.follow(); !followed)
    return followed.error();
  return end_of(canceling, id, stream, common);
}

}  // namespace

Asked run_remote_job(const std::string& server, const std::vector<std::string>& words,
                     const config::Config& config, const Io& io) {
  const auto failed = [](Error why) { return Asked{true, Outcome{std::move(why)}}; };
  auto client = Client::make_for(server, config);
  if (!client) return failed(client.error());
  auto canceling = Client::make_for(server, config);
  if (!canceling) return failed(canceling.error());
  try {
    client->ask_once();  // Below, each is asked again until a signal comes.
    canceling->ask_once();
    auto found = find_remote_job(*client, words);
    if (!found) return {found.error().code != "unreachable", Outcome{found.error()}};
    if (!*found) return {true, std::nullopt};
    return {true, run_there(*client, *canceling, **found, words, io)};
  } catch (const Json::exception& odd) {
    return failed({"internal", server + " answers with what is none of this version's: " + odd.what(), {}});
  }
}

}  // namespace muster::cli

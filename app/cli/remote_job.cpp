// Finding the job at a node, asking for it, following it.
#include "app/cli/remote_job.hpp"

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <ostream>
#include <thread>
#include <utility>

#include "app/cli/client.hpp"
#include "app/cli/job.hpp"
#include "app/cli/job_stream.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/run_follow.hpp"
#include "app/serving.hpp"
#include "base/error_catalog.hpp"
#include "base/hash.hpp"
#include "domain/jobs/arguments.hpp"

namespace muster::cli {
namespace {

constexpr size_t kPage = 200;     // As many as the node gives at once.
constexpr size_t kKeyBytes = 16;  // Of an Idempotency-Key.
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{100}, kLookAgain{10};
constexpr std::chrono::seconds kRecordedWithin{5}, kAskedWithin{10}, kCancelEvery{1};

std::atomic<int> signals{0};  // How many came that ask to end.

/// An argument as GET /jobs shows it.
jobs::Arg argument_of(const Json& json) {
  jobs::Arg arg;
  arg.name = json.value("name", "");
  arg.type = json.value("type", "string");
  arg.format = json.value("format", "");
  arg.secret = json.value("secret", false);
  arg.required = json.value("required", false);
  if (json.contains("default")) arg.otherwise = json["default"];
  arg.description = json.value("description", "");
  arg.choices = json.value("enum", std::vector<std::string>{});
  arg.items_type = json.value("items_type", "");
  arg.item_choices = json.value("items_enum", std::vector<std::string>{});
  arg.value_type = json.value("value_type", "");
  return arg;
}

struct RemoteJob {
  jobs::Job job;
  size_t words = 0;  ///< How many of the words named it.
};

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// How many of the words name the row: those of its folders, or its id. 0: they name another one.
size_t words_of(const Json& row, const std::vector<std::string>& words) {
  const auto command = row.value("command", std::vector<std::string>{});
  if (!command.empty() && command.size() <= words.size() &&
      std::equal(command.begin(), command.end(), words.begin()))
    return command.size();
  return same(row.value("id", ""), words.front()) ? 1 : 0;
}

/// Nothing: there is not one job at all. Error: `job.unknown`, and what the node says.
Result<std::optional<RemoteJob>> find(Client& client, const std::vector<std::string>& words) {
  std::optional<RemoteJob> found;
  bool any = false;
  for (size_t page = 1;; page++) {
    const auto rows =
      client.get(with_query("/jobs", {{"per_page", std::to_string(kPage)}, {"page", std::to_string(page)}}));
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
      any = true;
      const auto count = words_of(row, words);
      if (count == 0 || (found && found->words >= count)) continue;
      found.emplace();
      found->words = count;
      found->job.id = row.value("id", "");
      found->job.name = row.value("name", "");
      found->job.summary = row.value("description", "");
      if (row.contains("args"))
        for (const auto& arg : row["args"]) found->job.args.push_back(argument_of(arg));
    }
    if (rows->size() < kPage) break;
  }
  if (!found && any)
    return Error{"job.unknown", client.server() + " has no job " + words.front() + ": see GET /jobs", {}};
  return found;
}

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
  const auto key = random_hex(kKeyBytes);
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

std::optional<std::string> node_to_ask(const config::Config& config) {
  if (config.given("server")) return config.text("server");
  return app::serving_url(config.text("data"));
}

Asked run_remote_job(const std::string& server, const std::vector<std::string>& words,
                     const config::Config& config, const Io& io) {
  const auto failed = [](Error why) { return Asked{true, Outcome{std::move(why)}}; };
  auto client = Client::make_for(server, config);
  if (!client) return failed(client.error());
  auto canceling = Client::make_for(server, config);
  if (!canceling) return failed(canceling.error());
  try {
    auto found = find(*client, words);
    if (!found) return {found.error().code != "unreachable", Outcome{found.error()}};
    if (!*found) return {true, std::nullopt};
    return {true, run_there(*client, *canceling, **found, words, io)};
  } catch (const Json::exception& odd) {
    return failed({"internal", server + " answers with what is none of this version's: " + odd.what(), {}});
  }
}

}  // namespace muster::cli

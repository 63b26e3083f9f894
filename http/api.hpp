// The application behind the server: routes, authenticates, limits, logs and counts every request.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "actors/peering.hpp"
#include "actors/secret_sharing.hpp"
#include "actors/system.hpp"
#include "domain/jobs/source.hpp"
#include "http/auth.hpp"
#include "http/jobs_port.hpp"
#include "http/metrics.hpp"
#include "http/router.hpp"
#include "http/run_metrics.hpp"
#include "http/server.hpp"
#include "http/tail.hpp"

namespace muster {
class Environment;
}

namespace muster::http {

struct ApiOptions {
  AuthOptions auth;
  bool dev = false;       ///< CORS for localhost.
  bool json_log = false;  ///< The node's log is JSON: request lines are made of members.
  Millis node_ttl{45'000};
  Millis leader_ttl{45'000};
  Millis claim_ttl{24 * 3600 * 1000};
  Millis secret_ttl{24 * 3600 * 1000};
  Millis command_timeout{5'000};
  size_t max_page = 1000;         ///< --max-page
  size_t max_in_flight = 16'384;  ///< --max-in-flight: commands that are not answered yet (429).
  size_t max_tails = 10'000;      ///< --max-tails: open event streams (429).
  std::string control_plane_url, gateway_url;
  bool plan_requires_registration = false;
  std::function<bool()> also_ready;  ///< What else /readyz waits for; empty: nothing.
  std::string data;                  ///< The data folder, for /v1/status.
  std::string services;              ///< Folder of this node's services, for their logs; empty: it runs none.
  struct Entry {
    std::string address;              ///< Of the member port.
    std::function<std::string()> ca;  ///< SHA-256 of the CA's certificate, hex.
    std::function<bool()> bare;       ///< The log holds nothing but its own bootstrap.
    bool seeks = false;               ///< This node looks for a cluster at URLs, too.
  };
  Entry entry{};                     ///< How this cluster is joined.
  Peering* peering = nullptr;        ///< Null: this node has no other members, and never will.
  SecretSharing* sharing = nullptr;  ///< Null exactly when `peering` is.
  /// Changes the cluster key; `force`: without members that are silent. Empty exactly when `peering` is null.
  std::function<void(bool force, Origin origin, Answer answer)> rotate_key;
  Environment* environment = nullptr;       ///< Null: this node keeps none. Set before the server starts.
  JobsPort* jobs = nullptr;                 ///< Null: this node runs no jobs. Set before the server starts.
  bool aliases_public = false;              ///< --aliases-public: GET /jobs shows aliases to everybody.
  bool export_runs = false;                 ///< --extension export: GET /runs/{id}/events.ndjson.
  std::string outbox;                       ///< The broker that overlay events go to; empty: none.
  std::string security_profile = "secure";  ///< That runs are judged by, unless they ask for another.
  std::string containers;                   ///< podman or docker; empty: there is none.
  bool metrics = true;                      ///< --metrics: GET /metrics is there.
  bool metrics_open = false;                ///< To everybody: only loopback is served.
  /// Fetches a source, and calls `then` with its record, or why not; from any thread, once. Empty: this node
  /// adds none.
  std::function<void(jobs::Source source, std::function<void(Result<sources::Added>)> then)> add_source;
  std::string version;
};

class Api : public Application {
public:
  Api(System& system, ApiOptions options);
  ~Api() override;

  /// The server that this application runs behind; before it starts.
  void serve_behind(Server& server);

  void handle(Request& request, const Reply& reply, std::string_view& route) override;
  void finished(const Finished& request) override;
  void begin() override;
  void turn_ended() override;
  void tick() override;

  /// Handles a request that was authenticated already: a command of a batch.
  void dispatch(Request& request, const Reply& reply, std::string_view& route);
  /// A request that another member hands on to whoever leads; `answer` gets the reply's bytes. Any thread.
  void handle_forwarded(std::string request, std::function<void(std::string)> answer);
  /// A request that this node makes itself. Where another member leads, that one answers. Any thread.
  struct InsideRequest {
    Method method = Method::post;
    std::string path, query, body;
    Headers headers;
    std::string id = "inside";           ///< Request id.
    std::optional<Principal> principal;  ///< Nothing: the node itself.
  };
  void ask_inside(InsideRequest request, std::function<void(Response)> answer);
  /// Has another member answer, as if it had been asked.
  void hand_to(const std::string& node, const Request& request, const Reply& reply);

  // What routes use. All on the server's thread.

  [[nodiscard]] System& system() { return system_; }
  [[nodiscard]] const ApiOptions& options() const { return options_; }
  void set_jobs(JobsPort* jobs) { options_.jobs = jobs; }
  void set_environment(Environment* environment) { options_.environment = environment; }
  [[nodiscard]] Router& router() { return router_; }
  [[nodiscard]] TailRing& tails() { return tails_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] RunMetrics& run_metrics() { return run_metrics_; }
  [[nodiscard]] Server& server() { return *server_; }
  [[nodiscard]] Time started_at() const { return started_at_; }
  /// Whether the policy lets the caller do what a route asks for beside its own action.
  [[nodiscard]] Status may(const Principal& caller, std::string_view action) const {
    return authenticator_.authorize(caller, action, *system_.views());
  }
  [[nodiscard]] Principal own_principal() const { return authenticator_.own(); }

  using Render = std::function<Response(const Receipt&)>;

  /// Who asks, for the log; `one_time` when the reply will hold a secret. Error: `field.invalid` for a
  /// malformed Idempotency-Key.
  Result<Origin> origin_of(const Request& request, bool one_time = false) const;

  /// Asks the domain of `command` and answers with what `render` makes of the receipt, or with the problem.
  /// A `one_time` reply waits until the views hold what it tells of: a secret that was handed out works.
  template <class Command>
  void command(const Request& request, const Reply& reply, Command command, Render render,
               bool one_time = false) {
    auto origin = origin_of(request, one_time);
    if (!origin) return reply(problem(origin.error(), request.id));
    auto answer = answer_to(request, reply, std::move(render), one_time);
    if (answer) system_.ask(std::move(command), std::move(*origin), std::move(*answer));
  }

  /// The answer that `command` gives a domain; nothing when the limit of commands in flight was reached, and
  /// then `reply` was answered.
  std::optional<Answer> answer_to(const Request& request, const Reply& reply, Render render,
                                  bool when_seen = false);

  using Show = std::function<Response(const ViewSet&)>;

  /// Shows the views: the newest, those after ?after=SEQ, or those as of ?as_of=SEQ or TIME.
  void show(const Request& request, const Reply& reply, Show show);

  /// Calls `then` with the seq that ?as_of=`when` means, on the thread for slow readings; answers when it
  /// means none.
  void at_past(const Request& request, const Reply& reply, const std::string& when,
               std::function<void(uint64_t)> then);

  /// The response, which says as of when it is, and whether it may be old: nobody who leads is heard.
  [[nodiscard]] Response mark(Response response, uint64_t seq) const;

  /// Answers once the views hold `seq`, so that what the caller does next is judged with it. Any thread.
  void answer_when_seen(uint64_t seq, const Reply& reply, Response response);

  /// Lines were committed and their views published. Any thread.
  void on_lines(const std::vector<Record>& records, const std::vector<log::Line>& lines);

private:
  void hand_on(const Request& request, const Reply& reply);
  [[nodiscard]] bool elsewhere(const Route& route, const Request& request) const;
  [[nodiscard]] bool without_log() const;
  void show_consistent(const Request& request, const Reply& reply, Show show);
  void show_after(uint64_t after, const Reply& reply, std::string id, Show show);
  struct Waiting {
    uint64_t after;
    std::chrono::steady_clock::time_point until;
    Reply reply;
    std::string id;
    Show show;
  };
  void sweep();
  void log_request(const Finished& request) const;
  void wake_waiting();
  void cors(const Request& request, Response& response) const;
  void show_past(const Request& request, const Reply& reply, const std::string& when, Show show);

  System& system_;
  ApiOptions options_;
  Authenticator authenticator_;
  Router router_;
  Metrics metrics_;
  RunMetrics run_metrics_;
  TailRing tails_;
  Server* server_ = nullptr;
  Time started_at_ = system_now();
  std::deque<std::pair<std::chrono::steady_clock::time_point, Reply>> in_flight_;
  std::deque<Waiting> waiting_;
};

}  // namespace muster::http

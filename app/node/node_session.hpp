// A node's conversation with its control plane, on a thread of its own: what is due is asked, what comes back
// is kept and handed on.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http_client.hpp"
#include "adapters/machine.hpp"
#include "adapters/ports/fact_store.hpp"
#include "app/node/cluster_file.hpp"
#include "app/node/plan_watch.hpp"
#include "app/node/report_box.hpp"
#include "domain/node_life.hpp"
#include "domain/supervision.hpp"

namespace muster::app {

struct NodeSessionOptions {
  std::string node, version, role_hint, labels, claim_token;
  std::string host;  ///< What people call it; empty: the host name.
  /// Tried in turn while nobody answers; and after them, with `learns`, the members that they named.
  std::function<std::vector<std::string>()> urls;
  bool learns = false;  ///< Asks who the members are, and to be told when plans may be other ones.
  HttpHeaders credentials;
  std::string ca_file;
  bool insecure = false;
  Millis timeout{5'000};
  Millis poll{10'000};
  std::string state;      ///< Folder of the last good plan and profile.
  std::string discovery;  ///< Folder of cluster.json.
  FactStore* facts = nullptr;
  ReportBox* reports = nullptr;                       ///< Nothing: no environment is reported.
  std::function<std::vector<std::string>()> running;  ///< What heartbeats tell.
  /// A plan to apply, also the cached one at the start. `executor` is the plan's own.
  std::function<void(supervision::Plan plan, std::string executor)> on_plan;
  /// A profile that is new here, also the cached one at the start. May be empty.
  std::function<void(const std::string& profile)> on_profile;
};

class NodeSession {
public:
  /// Hands on what is cached, and begins to ask. Error: `config.invalid` for a damaged cluster.json.
  static Result<std::unique_ptr<NodeSession>> start(NodeSessionOptions options);
  ~NodeSession();  ///< Stops.
  NodeSession(const NodeSession&) = delete;
  NodeSession& operator=(const NodeSession&) = delete;

  // Any thread.

  /// The plan may be another one now.
  void notify();
  /// Facts or reports wait.
  void facts_wait();
  void stop();

private:
  static constexpr size_t kFactsAtOnce = 256;
  static constexpr int kUnavailable = 503;  // It is there, and cannot decide.
  /// Its HTTP status, 0 when nobody answered.
  static int status_of(const Result<HttpReply>& reply) { return reply ? reply->status : 0; }

  explicit NodeSession(NodeSessionOptions options) : options_(std::move(options)) {}
  void load_cache();
  void loop();
  int ask(node_life::Ask what);
  [[nodiscard]] std::vector<std::string> urls() const;
  Result<HttpReply> call(const std::string& method, const std::string& path, const std::string& body,
                         HttpHeaders more = {});
  int claim();
  int register_node();
  int ask_plan();
  int keep_plan(const std::string& text);
  int beat();
  int tell();
  int tell_facts();
  int tell_reports();
  [[nodiscard]] bool has_to_tell() const;
  void ask_profile();
  Status take_plan(const std::string& text, bool cached);
  void hand_plan_on();
  void keep_cluster_file();
  void learn_members();
  void watch_plans(const HttpReply& plan);

  NodeSessionOptions options_;
  Machine machine_ = this_machine();
  HttpClient client_;
  std::mt19937_64 chance_{std::random_device{}()};
  size_t url_ = 0;
  std::string base_;  ///< The URL that was asked last.
  std::chrono::steady_clock::time_point next_members_{};
  ClusterFile file_;
  bool file_kept_ = false, was_reachable_ = true;
  std::string plan_, profile_, profile_etag_;                       // As they came.
  std::optional<std::pair<supervision::Plan, std::string>> fresh_;  // A plan, and its executor.
  std::string no_profile_;                                          // Why the last one could not be had.
  size_t facts_at_once_ = kFactsAtOnce;

  std::mutex mutex_;
  std::condition_variable wake_;
  node_life::State life_;
  bool notified_ = false, stopping_ = false;
  std::unique_ptr<PlanWatch> watch_;
  std::thread thread_;
};

}  // namespace muster::app

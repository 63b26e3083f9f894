// Asking the control plane, by the rules of domain/node_life.
#include "app/node/node_session.hpp"

#include <algorithm>
#include <filesystem>

#include <spdlog/spdlog.h>

#include "adapters/keys.hpp"
#include "base/hash.hpp"

namespace muster::app {
namespace {

using node_life::Ask;

constexpr size_t kMaxReply = 4 << 20;  // Bytes of a plan or a profile.

node_life::Tick tick() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string_view word(Ask what) {
  switch (what) {
    case Ask::claim:
      return "claim";
    case Ask::registration:
      return "register";
    case Ask::plan:
      return "plan";
    case Ask::heartbeat:
      return "heartbeat";
    case Ask::facts:
      break;
  }
  return "facts";
}

/// "site=north,rack=4" as an object.
Json labels_of(const std::string& text) {
  Json labels = Json::object();
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto pair = text.substr(at, end - at);
    if (const auto equals = pair.find('='); equals != std::string::npos)
      labels[pair.substr(0, equals)] = pair.substr(equals + 1);
    at = end + 1;
  }
  return labels;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
T member(const Json& json, const char* name, T fallback) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return fallback;
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? found->get<std::string>() : fallback;
  else
    return found->is_number_unsigned() ? found->get<T>() : fallback;
}

}  // namespace

Result<std::unique_ptr<NodeSession>> NodeSession::start(NodeSessionOptions options) {
  std::unique_ptr<NodeSession> made{new NodeSession{std::move(options)}};
  auto& self = *made;
  auto file = read_cluster_file(self.options_.discovery);
  if (!file) return file.error();
  if (*file) {
    self.file_ = std::move(**file);
    self.file_kept_ = true;
  } else {
    self.life_.claims = !self.options_.claim_token.empty();
  }
  std::error_code error;
  std::filesystem::create_directories(self.options_.state, error);
  self.life_.poll = self.options_.poll;
  self.load_cache();
  if (self.options_.learns) self.watch_ = std::make_unique<PlanWatch>([&self] { self.notify(); });
  self.thread_ = std::thread([&self] { self.loop(); });
  return made;
}

NodeSession::~NodeSession() {
  stop();
}

void NodeSession::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  client_.cancel();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  watch_.reset();
}

void NodeSession::notify() {
  const std::lock_guard lock{mutex_};
  notified_ = true;
  wake_.notify_all();
}

void NodeSession::facts_wait() {
  const std::lock_guard lock{mutex_};
  life_.facts = true;
  wake_.notify_all();
}

/// Nobody has to answer for what ran before to run again.
void NodeSession::load_cache() {
  life_.facts = has_to_tell();
  if (const auto profile = read_file(options_.state + "/profile.json", kMaxReply)) {
    profile_ = *profile;
    if (options_.on_profile) options_.on_profile(profile_);
  }
  if (const auto plan = read_file(options_.state + "/plan.json", kMaxReply)) {
    if (const auto status = take_plan(*plan, true); !status)
      spdlog::warn("node file=plan.json error={}", status.error().detail);
    hand_plan_on();
  }
}

void NodeSession::loop() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (std::exchange(notified_, false)) node_life::notified(life_, tick());
    const auto what = node_life::next(life_, tick());
    if (!what) {
      const auto rest = node_life::due(life_) - tick();
      wake_.wait_for(lock, std::max(rest, Millis{1}));
      continue;
    }
    if (*what == Ask::facts) life_.facts = false;  // What comes meanwhile says so again.
    lock.unlock();
    const int status = ask(*what);
    const double chance = std::uniform_real_distribution<>{0, 1}(chance_);
    lock.lock();
    if (stopping_) break;
    if (*what == Ask::facts && has_to_tell()) life_.facts = true;
    node_life::answered(life_, *what, status, tick(), chance);
    if (status >= 300) spdlog::warn("node asked={} status={}", word(*what), status);
    if (life_.reachable != was_reachable_)
      spdlog::info("node control_plane={}",
                   life_.reachable ? "answers" : "does not answer; the last plan goes on");
    was_reachable_ = life_.reachable;
  }
}

int NodeSession::ask(Ask what) {
  switch (what) {
    case Ask::claim:
      return claim();
    case Ask::registration:
      return register_node();
    case Ask::plan:
      return ask_plan();
    case Ask::heartbeat:
      return beat();
    case Ask::facts:
      break;
  }
  return tell();
}

Result<HttpReply> NodeSession::call(const std::string& method, const std::string& path,
                                    const std::string& body, HttpHeaders more) {
  const auto all = urls();
  if (all.empty()) return Error{"unreachable", "no control plane is known", {}};
  HttpRequest request;
  request.method = method;
  base_ = all[url_ % all.size()];
  request.url = base_ + path;
  request.headers = options_.credentials;
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  for (auto& one : more) request.headers.push_back(std::move(one));
  request.body = body;
  request.connect_timeout = request.total_timeout = options_.timeout;
  request.ca_file = options_.ca_file;
  request.insecure = options_.insecure;
  request.max_bytes = kMaxReply;
  auto reply = client_.fetch(request);
  if (!reply || reply->status == kUnavailable) url_++;  // The next one may answer.
  return reply;
}

int NodeSession::claim() {
  const Json body{
    {"token", options_.claim_token},
    {"node_id", options_.node},
    {"info", {{"video_devices", machine_.video_devices}, {"gpu", Json::array({machine_.gpu})}}}};
  const auto status = status_of(call("POST", "/api/claims/fulfill", dump(body)));
  if (status >= 300) spdlog::warn("node claim status={}: not fulfilled, going on without", status);
  return status;
}

int NodeSession::register_node() {
  const Json body{{"node_id", options_.node},
                  {"host", options_.host.empty() ? machine_.host : options_.host},
                  {"caps",
                   {{"cpu", machine_.cpus},
                    {"ram_mb", machine_.ram_mb},
                    {"gpu", machine_.gpu},
                    {"devices", machine_.video_devices.size()}}},
                  {"versions", {{"muster", options_.version}}},
                  {"labels", labels_of(options_.labels)}};
  const auto reply = call("POST", "/v1/nodes/register", dump(body));
  if (!reply || reply->status != 200) return status_of(reply);
  if (const auto answer = parse_json(reply->body); answer && answer->is_object()) {
    const auto ttl = member<uint64_t>(*answer, "ttl_seconds", member<uint64_t>(*answer, "ttl", 0));
    const std::lock_guard lock{mutex_};
    life_.ttl = Millis{static_cast<int64_t>(std::min<uint64_t>(ttl, 86'400) * 1000)};
  }
  return reply->status;
}

int NodeSession::ask_plan() {
  const Json body{{"node_id", options_.node},
                  {"role_hint", options_.role_hint},
                  {"labels", options_.labels},
                  {"capabilities", {{"video_devices", machine_.video_devices}, {"gpu", machine_.gpu}}}};
  const auto reply = call("POST", "/v1/nodes/plan", dump(body));
  if (!reply) return 0;
  const auto status = reply->status == 200 ? keep_plan(reply->body) : reply->status;
  ask_profile();  // Whatever the plan came to; its services come after what they need.
  hand_plan_on();
  if (status != 200) return status;
  learn_members();
  keep_cluster_file();
  watch_plans(*reply);
  return status;
}

/// An HTTP status.
int NodeSession::keep_plan(const std::string& text) {
  if (const auto taken = take_plan(text, false); !taken) {
    if (taken.error().code == "leader.stale") url_++;  // Another one may know better.
    spdlog::error("node plan error={}: the last good one goes on", taken.error().detail);
    return 502;
  }
  if (const auto status = write_file_atomically(options_.state + "/plan.json", text, 0600); !status)
    spdlog::error("node file=plan.json error={}", status.error().detail);
  return 200;
}

/// Reads a plan of this node, to be handed on; the same generation again changes nothing. What is cached was
/// taken once.
Status NodeSession::take_plan(const std::string& text, bool cached) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto refuse = [](const std::string& why) { return Error{"plan.template.invalid", why, {}}; };
  if (!document->is_object() || !document->contains("apps")) return refuse("the plan has no apps");
  const auto node = member<std::string>(*document, "node", options_.node);
  if (node != options_.node) return refuse("the plan is for node " + node);
  const node_life::Standing told{member<std::string>(*document, "cluster", ""),
                                 member<uint64_t>(*document, "epoch", 0)};
  const bool stale = node_life::is_stale(told, {file_.cluster, file_.epoch});
  if (stale && !cached)
    return Error{"leader.stale",
                 "the plan is of epoch " + std::to_string(told.epoch) + ", and epoch " +
                   std::to_string(file_.epoch) + " was heard of",
                 {}};
  auto apps = plan::apps_from_json((*document)["apps"]);
  if (!apps) return apps.error();
  auto ordered = plan::start_order(*apps);
  if (!ordered) return ordered.error();
  auto generation = member<std::string>(*document, "generation", "");
  if (generation.empty()) generation = sha256_hex(canonical_json((*document)["apps"]));

  const bool same = file_.plan_generation == generation && file_.cluster == told.cluster && !plan_.empty();
  file_.role = member<std::string>(*document, "role", "worker");
  if (!stale) file_.epoch = told.epoch;
  file_.cluster = told.cluster;
  file_.control_plane_url = member<std::string>(*document, "control_plane_url", "");
  file_.gateway_url = member<std::string>(*document, "gateway_url", "");
  file_.ttl_seconds = member<uint64_t>(*document, "ttl_seconds", 0);
  file_.services.clear();
  for (const auto& app : *ordered) file_.services.push_back(app.name);
  file_.plan_generation = generation;
  plan_ = text;
  if (file_.ttl_seconds > 0) {
    const std::lock_guard lock{mutex_};
    life_.ttl = Millis{static_cast<int64_t>(std::min<uint64_t>(file_.ttl_seconds, 86'400) * 1000)};
  }
  if (!same)
    fresh_ = {supervision::Plan{std::move(generation), std::move(*ordered), told.cluster},
              member<std::string>(*document, "executor", "")};
  return Done{};
}

void NodeSession::hand_plan_on() {
  if (!fresh_) return;
  auto [plan, executor] = *std::exchange(fresh_, std::nullopt);
  options_.on_plan(std::move(plan), std::move(executor));
}

void NodeSession::keep_cluster_file() {
  file_.node_id = options_.node;
  if (const auto reply = call("GET", "/v1/leader", ""); reply && reply->status == 200)
    if (const auto leader = parse_json(reply->body); leader && leader->is_object())
      file_.leader_url = member<std::string>(*leader, "leader_url", "");
  const auto known = read_cluster_file(options_.discovery);
  if (known && *known && **known == file_) return;
  if (const auto status = write_cluster_file(options_.discovery, file_); !status)
    spdlog::error("node file=cluster.json error={}", status.error().detail);
}

/// Why there is none is told once.
void NodeSession::ask_profile() {
  const auto reply =
    call("GET", "/v1/bootstrap/profile", "",
         profile_etag_.empty() ? HttpHeaders{} : HttpHeaders{{"If-None-Match", profile_etag_}});
  const auto why = !reply                                         ? reply.error().detail
                   : reply->status != 200 && reply->status != 304 ? "status " + std::to_string(reply->status)
                                                                  : "";
  if (std::exchange(no_profile_, why) != why && !why.empty())
    spdlog::warn("node profile error={}: the last one goes on", why);
  if (!reply || reply->status != 200) return;
  profile_etag_ = reply->header("etag");
  if (reply->body == profile_ || !parse_json(reply->body)) return;
  profile_ = reply->body;
  if (const auto status = write_file_atomically(options_.state + "/profile.json", profile_, 0600); !status)
    spdlog::error("node file=profile.json error={}", status.error().detail);
  if (options_.on_profile) options_.on_profile(profile_);
}

int NodeSession::beat() {
  const Json body{{"node_id", options_.node},
                  {"role", file_.role.empty() ? "worker" : file_.role},
                  {"services_running", options_.running()},
                  {"versions", {{"muster", options_.version}}}};
  return status_of(call("POST", "/v1/nodes/heartbeat", dump(body)));
}

}  // namespace muster::app

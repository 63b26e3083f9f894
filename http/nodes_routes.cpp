// Nodes over HTTP: register, heartbeat, list; and the legacy routes.
#include "domain/names.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// POST /v1/nodes/register (supervisor contract, section 4). `caps` and `capabilities` are synonyms.
struct RegisterBody {
  nodes::Registered record;
  RawJson capabilities;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.record.node);
    visit("host", self.record.host);
    visit("ip", self.record.ip);
    visit("class", self.record.node_class);
    visit("version", self.record.version);
    visit("address", self.record.address);
    visit("features", self.record.features);
    visit("versions", self.record.versions);
    visit("labels", self.record.labels);
    visit("caps", self.record.caps);
    visit("capabilities", self.capabilities);
    visit("meta", self.record.meta);
  }
};

/// POST /v1/nodes/heartbeat. `metrics` are telemetry: taken, never stored.
struct HeartbeatBody {
  nodes::Changed report;
  RawJson metrics;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.report.node);
    visit("role", self.report.role);
    visit("services_running", self.report.services_running);
    visit("versions", self.report.versions);
    visit("metrics", self.metrics);
  }
};

/// The legacy POST /register and /heartbeat (section 14): strict.
struct AgentBody {
  nodes::Registered record;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.record.node);
    visit("class", self.record.node_class);
    visit("version", self.record.version);
    visit("features", self.record.features);
    visit("address", self.record.address);
    visit("meta", self.record.meta);
  }
};

struct AgentBeatBody {
  std::string id;
  RawJson meta;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("meta", self.meta);
  }
};

/// A registry entry as GET /v1/nodes shows it.
struct Entry {
  std::string id, node_class, version;
  std::vector<std::string> features;
  std::string status;
  Time last_heartbeat{};
  std::string address, role, host, ip;
  RawJson meta, caps;
  StringMap versions, labels;
  std::vector<std::string> services_running;
  uint64_t seq = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("node_id", self.id);
    visit("class", self.node_class);
    visit("version", self.version);
    visit("features", self.features);
    visit("status", self.status);
    visit("last_heartbeat", self.last_heartbeat);
    visit("address", self.address);
    visit("role", self.role);
    visit("host", self.host);
    visit("ip", self.ip);
    visit("meta", self.meta);
    visit("caps", self.caps);
    visit("versions", self.versions);
    visit("labels", self.labels);
    visit("services_running", self.services_running);
    visit("seq", self.seq);
  }
};

Entry entry_of(const std::string& id, const nodes::View::Row& row, const Beats::Map* beats) {
  Entry entry;
  entry.id = id;
  entry.node_class = row.record->node_class;
  entry.version = row.record->version;
  entry.features = row.record->features;
  entry.status = row.status();
  entry.last_heartbeat = row.last_heard;
  if (const auto* beat = beats ? beats->find(id) : nullptr; beat && *beat > row.last_heard)
    entry.last_heartbeat = *beat;
  entry.address = row.record->address;
  entry.role = row.report->role;
  entry.host = row.record->host;
  entry.ip = row.record->ip;
  entry.meta = row.record->meta;
  entry.caps = row.record->caps;
  entry.versions = row.versions();
  entry.labels = row.record->labels;
  entry.services_running = row.report->services_running;
  entry.seq = row.seq;
  return entry;
}

/// The newest list is asked for over and over: its bytes are kept as long as nothing changed.
struct ListCache {
  std::string query;
  uint64_t changed = 0;
  std::shared_ptr<const Beats::Map> beats;
  Response response;
};

Response list_nodes(const Request& request, const Page& page, const ViewSet& views, const Beats::Map* beats) {
  const auto& all = view<nodes::View>(views).nodes;
  const auto status = request.query_value("status");
  const auto role = request.query_value("role");
  std::string body = "[", last;
  size_t count = 0;
  bool more = false;
  all.each_from(page.after, [&](const std::string& id, const nodes::View::Row& row) {
    if (id == page.after) return true;
    if ((status && *status != row.status()) || (role && *role != row.report->role)) return true;
    if (count == page.limit) {
      more = true;
      return false;
    }
    if (count++ > 0) body += ',';
    append_fields(body, entry_of(id, row, beats));
    last = id;
    return true;
  });
  auto response = json_response({});
  response.shared = std::make_shared<const std::string>(body + "]");
  if (more) add_next_page(response, request, last);
  return response;
}

Response copy_of(const Response& from) {
  Response to;
  to.shared = from.shared;
  to.headers = from.headers;
  return to;
}

void list_route(Api& api, const Request& request, const Reply& reply,
                const std::shared_ptr<ListCache>& cache) {
  auto page = page_of(request, api.options().max_page);
  if (!page) return reply(problem(page.error(), request.id));
  if (request.query_value("as_of") || request.query_value("after") || request.query_value("consistent")) {
    // What a later thread needs of the request is copied: the request is gone by then.
    auto kept = std::make_shared<std::pair<std::string, std::string>>(request.path, request.query);
    return api.show(request, reply, [kept, page = *page](const ViewSet& views) {
      Request again;
      again.path = kept->first;
      again.query = kept->second;
      return list_nodes(again, page, views, nullptr);
    });
  }
  const auto views = api.system().views();
  const auto changed = view<nodes::View>(*views).about.changed;
  auto beats = api.system().beats();
  const auto etag = etag_of("nodes", changed);
  if (auto same = not_modified(request, etag)) return reply(api.mark(std::move(*same), views->seq));
  if (!cache->response.shared || cache->changed != changed || cache->beats != beats ||
      cache->query != request.query) {
    cache->response = list_nodes(request, *page, *views, beats.get());
    cache->response.headers.emplace_back("ETag", etag);
    cache->query = request.query;
    cache->changed = changed;
    cache->beats = std::move(beats);
  }
  reply(api.mark(copy_of(cache->response), views->seq));
}

void one_route(Api& api, const Request& request, const Reply& reply) {
  const std::string id{request.param("id")}, request_id{request.id};
  auto beats = request.query_value("as_of") ? nullptr : api.system().beats();
  api.show(request, reply, [id, request_id, beats](const ViewSet& views) {
    const auto* row = view<nodes::View>(views).nodes.find(id);
    if (!row) return problem({"node.unknown", "node " + id + " is not registered", {}}, request_id);
    return json_response(to_json_text(entry_of(id, *row, beats.get())));
  });
}

/// Answers with the faults of members that the domain does not know, or knows under other names.
bool refused(names::Check check, const Request& request, const Reply& reply) {
  const auto status = check.done();
  if (!status) reply(problem(status.error(), request.id));
  return !status;
}

names::Check check_agent(const nodes::Registered& agent) {
  names::Check check;
  check.id("/id", agent.node);
  check.text("/class", agent.node_class);
  check.text("/version", agent.version);
  check.list("/features", agent.features);
  check.text("/address", agent.address);
  check.object("/meta", agent.meta);
  return check;
}

names::Check check_beat(const AgentBeatBody& beat) {
  names::Check check;
  check.id("/id", beat.id);
  check.object("/meta", beat.meta);
  return check;
}

names::Check check_capabilities(const RawJson& value) {
  names::Check check;
  check.object("/capabilities", value);
  return check;
}

void register_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<RegisterBody>(request, reply);
  if (!body || refused(check_capabilities(body->capabilities), request, reply)) return;
  if (body->record.caps.text.empty()) body->record.caps = std::move(body->capabilities);
  const auto ttl = std::to_string(api.options().node_ttl.count() / 1000);
  std::string answer = "{\"registered\":true,\"node_id\":";
  append_json_string(answer, body->record.node);
  answer += ",\"ttl\":" + ttl + ",\"ttl_seconds\":" + ttl + "}";
  api.command(request, reply, nodes::Command{nodes::Register{std::move(body->record)}},
              [answer = std::move(answer)](const Receipt&) { return json_response(answer); });
}

Response empty_ok(const Receipt&) {
  Response response;
  response.content_type = "text/plain";
  return response;
}

void heartbeat_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<HeartbeatBody>(request, reply);
  if (!body) return;
  api.command(request, reply, nodes::Command{nodes::Heartbeat{std::move(body->report)}}, no_content);
}

}  // namespace

void add_node_routes(Api& api) {
  auto& router = api.router();
  const auto cache = std::make_shared<ListCache>();
  const auto list = [&api, cache](const Request& q, const Reply& r) { list_route(api, q, r, cache); };
  router.add({Method::get, "/v1/nodes", list, "open"});
  router.add({Method::get, "/agents", list, "open"});
  router.add({Method::get, "/v1/nodes/{id}",
              [&api](const Request& q, const Reply& r) { one_route(api, q, r); }, "open"});
  router.add({Method::post, "/v1/nodes/register",
              [&api](const Request& q, const Reply& r) { register_route(api, q, r); }, "register", true});
  router.add({Method::post, "/v1/nodes/heartbeat",
              [&api](const Request& q, const Reply& r) { heartbeat_route(api, q, r); }, "heartbeat", true});
  router.add({Method::del, "/v1/nodes/{id}",
              [&api](const Request& q, const Reply& r) {
                api.command(q, r, nodes::Command{nodes::Forget{std::string(q.param("id"))}}, no_content);
              },
              "admin"});
  router.add({Method::post, "/register",
              [&api](const Request& q, const Reply& r) {
                auto body = read_body<AgentBody>(q, r, Unknown::refuse);
                if (body && !refused(check_agent(body->record), q, r))
                  api.command(q, r, nodes::Command{nodes::Register{std::move(body->record)}}, empty_ok);
              },
              "authenticated", true});
  router.add({Method::post, "/heartbeat",
              [&api](const Request& q, const Reply& r) {
                auto body = read_body<AgentBeatBody>(q, r, Unknown::refuse);
                if (body && !refused(check_beat(*body), q, r))
                  api.command(q, r,
                              nodes::Command{nodes::MergeMeta{std::move(body->id), std::move(body->meta)}},
                              empty_ok);
              },
              "authenticated", true});
}

}  // namespace muster::http

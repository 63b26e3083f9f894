// Files that machines of the network fetch from this node: put whole, given whole, kept in its folder.
#include "adapters/folder_storage.hpp"
#include "base/hash.hpp"
#include "domain/names.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr const char* kBucket = "artifacts";

/// The store of this node; reading and writing happens on the thread for what is slow.
struct Artifacts {
  Artifacts(Api& in, std::string root) : api(in), store(std::move(root)) {}
  Api& api;
  FolderStorage store;

  Status put(const std::string& name, std::string_view bytes) {
    if (auto made = store.ensure_bucket(kBucket, {}); !made) return made.error();
    return store.put_object(kBucket, name, bytes);
  }
};
using ArtifactsPtr = std::shared_ptr<Artifacts>;

Json shown(const std::string& name, size_t bytes) {
  return {{"name", name}, {"bytes", bytes}};
}

/// Error: `not.found` also for what is there and cannot be a file's name.
Error not_there(const std::string& name, const Error& why) {
  if (why.code != "not.found" && why.code != "field.invalid") return why;
  return {"not.found", "this node has no artifact " + name, {}};
}

void put_route(const ArtifactsPtr& artifacts, const Request& request, const Reply& reply) {
  names::Check check;
  check.id("/name", request.param("name"));
  if (auto status = check.done(); !status) return reply(problem(status.error(), request.id));
  artifacts->api.system().read_slowly([artifacts, reply, name = std::string(request.param("name")),
                                       body = request.body, id = std::string(request.id)] {
    if (auto kept = artifacts->put(name, body); !kept) return reply(problem(kept.error(), id));
    auto json = shown(name, body.size());
    json["sha256"] = sha256_hex(body);
    reply(json_response(json.dump()));
  });
}

void get_route(const ArtifactsPtr& artifacts, const Request& request, const Reply& reply) {
  artifacts->api.system().read_slowly([artifacts, reply, name = std::string(request.param("name")),
                                       known = std::string(request.header("if-none-match")),
                                       id = std::string(request.id)] {
    auto bytes = artifacts->store.get_object(kBucket, name);
    if (!bytes) return reply(problem(not_there(name, bytes.error()), id));
    const auto etag = '"' + sha256_hex(*bytes) + '"';
    Request again;
    again.headers = {{"if-none-match", known}};
    if (auto same = not_modified(again, etag)) return reply(std::move(*same));
    Response response;
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("ETag", etag);
    response.body = std::move(*bytes);
    reply(std::move(response));
  });
}

void list_route(const ArtifactsPtr& artifacts, const Request& request, const Reply& reply) {
  artifacts->api.system().read_slowly([artifacts, reply,
                                       after = std::string(request.query_value("cursor").value_or("")),
                                       id = std::string(request.id)] {
    auto found = artifacts->store.objects(kBucket, "", after);
    if (!found && found.error().code != "not.found") return reply(problem(found.error(), id));
    Json rows = Json::array();
    if (found)
      for (const auto& object : *found) rows.push_back(shown(object.key, object.bytes));
    auto response = json_response(rows.dump());
    if (found && found->size() == FolderStorage::kMaxListed)
      response.headers.emplace_back("X-Next-Cursor", found->back().key);
    reply(std::move(response));
  });
}

}  // namespace

void add_artifact_routes(Api& api) {
  const auto artifacts = std::make_shared<Artifacts>(api, api.options().data + "/artifacts");
  // What a crash left of a file that was on its way.
  api.system().read_slowly([artifacts] { (void)artifacts->store.expire(system_now()); });
  auto& router = api.router();
  router.add({Method::get, "/v1/artifacts",
              [artifacts](const Request& q, const Reply& r) { list_route(artifacts, q, r); }, "read", false,
              true});
  router.add({Method::get, "/v1/artifacts/{name}",
              [artifacts](const Request& q, const Reply& r) { get_route(artifacts, q, r); }, "read", false,
              true});
  router.add({Method::put, "/v1/artifacts/{name}",
              [artifacts](const Request& q, const Reply& r) { put_route(artifacts, q, r); }, "admin", false,
              true});
}

}  // namespace muster::http

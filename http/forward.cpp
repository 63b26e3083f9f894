// Requests and replies between members.
#include "http/forward.hpp"

#include <array>
#include <memory>

#include "base/json.hpp"

namespace muster::http {
namespace {

/// What an answer may depend on.
constexpr std::array<std::string_view, 4> kHeaders = {"idempotency-key", "content-type", "accept",
                                                      "if-none-match"};
/// Only of whom the member that was asked does not know: the one that leads finds out.
constexpr std::array<std::string_view, 2> kCredentials = {"authorization", "x-api-key"};
/// Of static storage, as Response wants it.
constexpr std::array<std::string_view, 3> kTypes = {"application/json", "application/problem+json",
                                                    "text/plain"};

Error malformed() {
  return {"bad.request", "what another member handed on cannot be read", {}};
}

Method method_of(std::string_view name) {
  for (const auto method : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del})
    if (to_string(method) == name) return method;
  return Method::other;
}

}  // namespace

std::string encode_request(const Request& request) {
  Json head{{"method", request.method_name},  {"path", request.path},
            {"query", request.query},         {"id", request.id},
            {"remote", request.remote},       {"tls", request.tls},
            {"caller", request.principal.id}, {"scopes", request.principal.scopes}};
  const auto keep = [&](std::string_view name) {
    if (const auto value = request.header(name); !value.empty()) head["headers"][std::string(name)] = value;
  };
  for (const auto name : kHeaders) keep(name);
  if (request.principal.anonymous())
    for (const auto name : kCredentials) keep(name);
  return head.dump() + "\n" + std::string(request.body);
}

Result<std::unique_ptr<ForwardedRequest>> decode_request(std::string bytes) {
  auto forwarded = std::make_unique<ForwardedRequest>();
  forwarded->bytes = std::move(bytes);
  const std::string_view all{forwarded->bytes};
  const auto end = all.find('\n');
  if (end == std::string_view::npos) return malformed();
  const auto head = parse_json(all.substr(0, end));
  if (!head || !head->is_object()) return malformed();
  try {
    forwarded->method = head->at("method").get<std::string>();
    forwarded->path = head->at("path").get<std::string>();
    forwarded->query = head->at("query").get<std::string>();
    forwarded->id = head->at("id").get<std::string>();
    forwarded->remote = head->at("remote").get<std::string>();
    auto& request = forwarded->request;
    request.tls = head->at("tls").get<bool>();
    request.principal = {head->at("caller").get<std::string>(),
                         head->at("scopes").get<std::vector<std::string>>()};
    if (head->contains("headers"))
      for (const auto& [name, value] : head->at("headers").items())
        forwarded->headers.emplace_back(name, value.get<std::string>());
    request.method = method_of(forwarded->method);
    request.method_name = forwarded->method;
    request.path = forwarded->path;
    request.query = forwarded->query;
    request.id = forwarded->id;
    request.remote = forwarded->remote;
    request.body = all.substr(end + 1);
    for (const auto& [name, value] : forwarded->headers) request.headers.emplace_back(name, value);
  } catch (const Json::exception&) {
    return malformed();
  }
  return forwarded;
}

std::string encode_response(Response response) {
  if (response.stream)
    response = problem(
      {"log.elsewhere", "the node that was asked has no log of its own, and streams are not handed on", {}},
      {});
  Json head{{"status", response.status}, {"type", response.content_type}, {"headers", Json::array()}};
  for (const auto& [name, value] : response.headers) head["headers"].push_back({name, value});
  return head.dump() + "\n" + (response.shared ? *response.shared : response.body);
}

Result<Response> decode_response(std::string_view bytes) {
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos) return malformed();
  const auto head = parse_json(bytes.substr(0, end));
  if (!head || !head->is_object()) return malformed();
  Response response;
  try {
    response.status = head->at("status").get<int>();
    const auto type = head->at("type").get<std::string>();
    for (const auto known : kTypes)
      if (type == known) response.content_type = known;
    for (const auto& header : head->at("headers"))
      response.headers.emplace_back(header.at(0).get<std::string>(), header.at(1).get<std::string>());
  } catch (const Json::exception&) {
    return malformed();
  }
  response.body = bytes.substr(end + 1);
  return response;
}

}  // namespace muster::http

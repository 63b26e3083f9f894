// Errors as application/problem+json: the one place where a code becomes a reply.
#include "base/error_catalog.hpp"
#include "base/json.hpp"
#include "http/message.hpp"
#include "http/router.hpp"

namespace muster::http {
namespace {

/// What clients of flowd know some problems by (jobs contract, section 14); empty: any other problem.
std::string_view known_type(std::string_view code) {
  if (code == "cursor.expired") return "https://flowd.dev/problems/cursor-expired";
  if (code == "idempotency.conflict") return "https://flowd.dev/problems/idempotency-key-conflict";
  if (code == "source-signature-invalid") return "https://flowd.dev/problems/source-signature-invalid";
  if (code == "storage.degraded") return "https://flowd.dev/problems/storage-degraded";
  if (code == "extension.unsupported") return "about:blank#extension-unsupported";
  return {};
}

/// Details may quote what a caller sent; a reply is UTF-8 whatever that was.
void append_text(std::string& to, std::string_view text) {
  if (is_utf8(text)) return append_json_string(to, text);
  std::string ascii;
  for (const char c : text) ascii += static_cast<unsigned char>(c) < 0x80 ? c : '?';
  append_json_string(to, ascii);
}

void append_member(std::string& to, std::string_view name, std::string_view value) {
  append_json_string(to, name);
  to += ':';
  append_text(to, value);
  to += ',';
}

void append_fields(std::string& to, const std::vector<FieldError>& fields) {
  to += "\"errors\":[";
  for (const auto& field : fields) {
    if (to.back() != '[') to += ',';
    to += "{\"pointer\":";
    append_text(to, field.pointer);
    to += ",\"message\":";
    append_text(to, field.message);
    to += '}';
  }
  to += ']';
}

std::string allow(const Match& match) {
  std::string list;
  for (const auto method : match.allowed) {
    list += to_string(method);
    list += ", ";
  }
  return list + "OPTIONS";
}

}  // namespace

Response problem(const Error& error, std::string_view request_id) {
  const auto& kind = error_kind(error.code);
  Response response;
  response.status = kind.status;
  response.content_type = "application/problem+json";
  auto& body = response.body;
  body = "{";
  const auto type = known_type(kind.code);
  append_member(body, "type",
                type.empty() ? "https://muster.dev/problems/" + std::string(kind.code) : std::string(type));
  append_member(body, "title", kind.title);
  body += "\"status\":" + std::to_string(kind.status) + ',';
  append_member(body, "detail", error.detail);
  append_member(body, "code", kind.code);
  body += kind.retryable ? "\"retryable\":true," : "\"retryable\":false,";
  append_member(body, "outcome", error.outcome_unknown ? "unknown" : "not_done");
  append_member(body, "request", request_id);
  append_fields(body, error.fields);
  body += '}';
  if (kind.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"flowd\"");
  if (kind.retryable && (kind.status == 429 || kind.status == 503))
    response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response with(Response response, const Json& members) {
  auto body = parse_json(response.body);
  if (!body) return response;
  body->update(members);
  response.body = body->dump();
  return response;
}

Response method_not_allowed(const Match& match, const Request& request) {
  auto list = allow(match);
  Error error{"method.not.allowed",
              std::string(request.method_name) + " is not allowed here; allowed: " + list};
  auto response = problem(error, request.id);
  response.headers.emplace_back("Allow", std::move(list));
  return response;
}

Response allowed_methods(const Match& match) {
  Response response;
  response.status = 204;
  response.headers.emplace_back("Allow", allow(match));
  return response;
}

}  // namespace muster::http

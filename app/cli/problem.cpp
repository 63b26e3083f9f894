// Printing and reading problems.
#include "app/cli/problem.hpp"

#include <ostream>

#include "base/error_catalog.hpp"

namespace muster::cli {
namespace {

std::string code_for(int status) {
  switch (status) {
    case 400:
      return "bad.request";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not.found";
    case 405:
      return "method.not.allowed";
    case 409:
      return "conflict";
    case 413:
      return "body.too.large";
    case 422:
      return "field.invalid";
    case 429:
      return "rate.limited";
    case 502:
    case 503:
    case 504:
      return "unreachable";
    default:
      return "internal";
  }
}

std::string member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Json as_json(const Error& error) {
  const auto& kind = error_kind(error.code);
  Json json = {{"code", error.code},
               {"title", kind.title},
               {"status", kind.status},
               {"detail", error.detail},
               {"retryable", kind.retryable},
               {"outcome", error.outcome_unknown ? "unknown" : "not_done"},
               {"errors", Json::array()},
               {"remedy", kind.remedy},
               {"exit", kind.exit}};
  for (const auto& field : error.fields)
    json["errors"].push_back({{"pointer", field.pointer}, {"message", field.message}});
  return json;
}

}  // namespace

int print_problem(const Io& io, const Error& error, bool json) {
  const auto& kind = error_kind(error.code);
  if (json) {
    io.err << as_json(error).dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    return kind.exit;
  }
  const auto& terminal = io.error_terminal;
  io.err << painted("muster: " + std::string{kind.title}, Colour::red, terminal) << " ("
         << printable(error.code) << ")\n";
  if (!error.detail.empty()) io.err << "  " << printable(error.detail) << '\n';
  for (const auto& field : error.fields)
    if (error.fields.size() > 1 || field.message != error.detail)
      io.err << "  " << printable(field.pointer) << ": " << printable(field.message) << '\n';
  if (error.outcome_unknown) io.err << "  The request may still have taken effect.\n";
  io.err << painted("  -> " + std::string{kind.remedy}, Colour::dim, terminal) << '\n';
  return kind.exit;
}

Error problem_of(int http_status, const std::string& body) {
  Error error{code_for(http_status), "HTTP " + std::to_string(http_status)};
  const auto document = parse_json(body);
  if (!document || !document->is_object()) {
    const auto line = body.substr(0, std::min(body.find('\n'), size_t{200}));
    if (!line.empty()) error.detail += ": " + line;
    return error;
  }
  const auto code = member(*document, "code");
  error.detail = member(*document, "detail");
  if (error_kind(code).code == code)
    error.code = code;
  else
    error.detail += " [" + code + ", HTTP " + std::to_string(http_status) + "]";
  if (const auto request = member(*document, "request"); !request.empty())
    error.detail += " (request " + request + ")";
  error.outcome_unknown = member(*document, "outcome") == "unknown";
  if (const auto fields = document->find("errors"); fields != document->end() && fields->is_array())
    for (const auto& field : *fields)
      if (field.is_object()) error.fields.push_back({member(field, "pointer"), member(field, "message")});
  return error;
}

}  // namespace muster::cli

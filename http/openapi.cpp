// Putting the description together.
#include "http/openapi.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/error_catalog.hpp"

namespace muster::http {
namespace {

/// The same thing described twice, or a piece that is no piece: a defect of the source.
class Defect : public std::exception {
public:
  explicit Defect(std::string what) : what_(std::move(what)) {}
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

private:
  std::string what_;
};

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// Adds the members of `from`; none may be there already.
void add_members(Json& to, const Json& from, const std::string& where) {
  for (const auto& [key, value] : from.items()) {
    if (to.contains(key)) throw Defect((std::string{where}.append(" says ") += key) += " again");
    to[key] = value;
  }
}

void add_piece(Json& document, const EmbeddedFile& file) {
  const auto piece = parse_json(file.text);
  const std::string name{file.name};
  if (!piece) throw Defect(name + ": " + piece.error().detail);
  for (const auto& [key, value] : piece->items()) {
    if (key == "components") {
      for (const auto& [section, entries] : value.items()) add_members(document[key][section], entries, name);
    } else if (key == "paths") {
      for (const auto& [path, operations] : value.items()) add_members(document[key][path], operations, name);
    } else if (key == "tags") {
      for (const auto& tag : value) document[key].push_back(tag);
    } else if (key == "info") {
      add_members(document[key], value, name);
    } else {
      add_members(document, Json{{key, value}}, name);
    }
  }
}

/// What operations have in common, taken out of the document.
struct Shared {
  Json sets, bodies;
};

Json take(Json& document, const char* key) {
  auto value = document.value(key, Json::object());
  document.erase(key);
  return value;
}

/// Codes by the status that they are told with. "@name" is a set.
using CodesByStatus = std::map<int, std::set<std::string>>;

void add_code(CodesByStatus& codes, const Json& sets, const std::string& code) {
  if (code.starts_with('@')) {
    for (const auto& one : sets.at(code.substr(1))) add_code(codes, sets, one.get<std::string>());
    return;
  }
  const auto& kind = error_kind(code);
  if (kind.code != code) throw Defect("the catalogue has no error " + code);
  codes[kind.status].insert(code);
}

Json problem_response(int status, const std::set<std::string>& codes) {
  std::string titles;
  for (const auto& code : codes) titles.append(titles.empty() ? "" : "; ").append(error_kind(code).title);
  Json schema{{"allOf",
               {{{"$ref", "#/components/schemas/Problem"}},
                {{"properties", {{"status", {{"const", status}}}, {"code", {{"enum", codes}}}}}}}}};
  Json response{{"description", titles}};
  const bool later =
    std::any_of(codes.begin(), codes.end(), [](const auto& c) { return error_kind(c).retryable; });
  if (later && (status == 429 || status == 503))
    response["headers"]["Retry-After"] = {{"$ref", "#/components/headers/Retry-After"}};
  response["content"]["application/problem+json"]["schema"] = std::move(schema);
  return response;
}

void spell_out(Json& operation, const Route& route, const Shared& shared) {
  CodesByStatus codes;
  for (const auto& code : operation.value("x-problems", Json::array()))
    add_code(codes, shared.sets, code.get<std::string>());
  operation.erase("x-problems");
  add_code(codes, shared.sets, "@every");
  if (route.action != "open") add_code(codes, shared.sets, "@credential");
  if (route.takes_body) add_code(codes, shared.sets, "@body");
  for (const auto& [status, said] : codes) {
    auto& response = operation["responses"][std::to_string(status)];
    if (!response.is_null()) throw Defect("status " + std::to_string(status) + " is there twice");
    response = problem_response(status, said);
  }
  operation["x-action"] = route.action;
  if (!operation.contains("requestBody")) return;
  auto refused = operation.value("x-refused", Json::array());
  for (const auto& body : shared.bodies.at("any")) refused.push_back(body);
  if (operation["requestBody"].value("required", false))
    for (const auto& body : shared.bodies.at("required")) refused.push_back(body);
  operation["x-refused"] = std::move(refused);
}

Json put_together(std::span<const EmbeddedFile> pieces, const std::vector<Route>& routes,
                  std::string_view version) {
  Json document{{"openapi", "3.1.0"}, {"info", Json::object()}};
  for (const auto& piece : pieces) add_piece(document, piece);
  document["info"]["version"] = version;
  const Shared shared{take(document, "x-problem-sets"), take(document, "x-refused-bodies")};
  for (const auto& route : routes) {
    const auto path = document["paths"].find(route.pattern);
    if (path == document["paths"].end()) continue;
    const auto operation = path->find(lower(to_string(route.method)));
    if (operation == path->end()) continue;
    try {
      spell_out(*operation, route, shared);
    } catch (const std::exception& e) {
      throw Defect(route.pattern + ": " + e.what());
    }
  }
  return document;
}

}  // namespace

Result<Json> openapi_document(std::span<const EmbeddedFile> pieces, const std::vector<Route>& routes,
                              std::string_view version) {
  try {
    return put_together(pieces, routes, version);
  } catch (const std::exception& e) {  // Of the JSON library too: a member of another type than it must have.
    return Error{"internal", std::string("openapi: ") + e.what(), {}};
  }
}

}  // namespace muster::http

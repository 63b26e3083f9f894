// Who did what, over HTTP: the log read backwards, and counts.
#include <charconv>

#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr size_t kMaxScanned = 20'000;  // Lines read for one page, wanted or not.

/// GET /v1/audit: newest first.
struct Question {
  uint64_t from = 0;  ///< The newest seq to look at.
  size_t limit = 0;
  std::optional<std::string> actor;
  TailFilter filter;
  std::optional<Time> since, until;

  [[nodiscard]] bool wants(const Record& record) const {
    return (!actor || record.envelope.actor == *actor) && filter.wants(record.type, record.stream);
  }
};

Result<std::optional<Time>> time_from_query(const Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text) return std::optional<Time>{};
  const auto time = parse_rfc3339(*text);
  const std::string what = "must be a time, such as 2026-01-02T03:04:05Z";
  if (!time) return Error{"field.invalid", std::string(name) + " " + what, {{"?" + std::string(name), what}}};
  return std::optional{*time};
}

/// The cursor is the seq to go on from, plain: rows have no other key.
Result<uint64_t> cursor_of(const Request& request, uint64_t newest) {
  const auto text = request.query_value("cursor");
  if (!text) return newest;
  uint64_t seq = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), seq);
  if (ec != std::errc{} || end != text->data() + text->size() || seq == 0)
    return Error{"cursor.invalid", "this cursor was not made by this listing", {}};
  return std::min(seq, newest);
}

Result<Question> question_of(const Request& request, size_t max_page, uint64_t newest) {
  Question question;
  const auto limit = number_from_query(request, "limit", std::min<size_t>(max_page, 100));
  if (!limit) return limit.error();
  if (*limit == 0 || *limit > max_page) {
    const auto what = "must be from 1 to " + std::to_string(max_page) + " (limit max-page)";
    return Error{"field.invalid", "limit " + what, {{"?limit", what}}};
  }
  question.limit = *limit;
  const auto from = cursor_of(request, newest);
  if (!from) return from.error();
  question.from = *from;
  const auto since = time_from_query(request, "since"), until = time_from_query(request, "until");
  if (!since) return since.error();
  if (!until) return until.error();
  question.since = *since;
  question.until = *until;
  question.actor = request.query_value("actor");
  question.filter = {request.query_value("type").value_or(""), request.query_value("stream").value_or("")};
  return question;
}

void append_row(std::string& body, const Record& record) {
  const auto& said = record.envelope;
  if (body.back() != '[') body += ',';
  body += "{\"seq\":" + std::to_string(record.seq) + ',';
  body += to_json_text(audit::View::Row{said.time, said.actor, record.type, record.stream, said.request,
                                        said.node, said.cause})
            .substr(1);
}

std::string answer(const log::ChainReader& chain, const Question& question) {
  std::string body = R"({"rows":[)";
  size_t found = 0, scanned = 0;
  uint64_t next = 0;
  auto from = question.from;
  if (question.until) from = std::min(from, chain.last_at(*question.until));
  if (from == 0) return body + R"(],"next":null})";
  chain.each_back(from, [&](uint64_t seq, std::string_view line) {
    if (found == question.limit || scanned++ == kMaxScanned) {
      next = seq;
      return false;
    }
    const auto record = read_line(line);
    if (!record) return true;
    if (question.since && record->envelope.time < *question.since) return false;
    if (question.wants(*record)) {
      found++;
      append_row(body, *record);
    }
    return true;
  });
  return body + R"(],"next":)" + (next == 0 ? "null" : '"' + std::to_string(next) + '"') + "}";
}

void audit_route(Api& api, const Request& request, const Reply& reply) {
  auto question = question_of(request, api.options().max_page, api.system().views()->seq);
  if (!question) return reply(problem(question.error(), request.id));
  api.system().read_slowly([&api, reply, question = std::move(*question)] {
    reply(json_response(answer(api.system().chain(), question)));
  });
}

/// GET /v1/audit/summary: how many events of each actor and of each type.
Response show_summary(const ViewSet& views) {
  std::string body = "{\"seq\":" + std::to_string(views.seq) + ",\"actors\":[";
  const auto append = [&](const char* name, const std::string& key, const std::string& row) {
    if (body.back() != '[') body += ',';
    body.append("{\"").append(name).append("\":");
    append_json_string(body, key);
    body += ',' + row.substr(1);
  };
  view<audit::View>(views).actors.each(
    [&](const std::string& actor, const auto& row) { append("actor", actor, to_json_text(row)); });
  body += R"(],"types":[)";
  view<cluster::View>(views).types.each(
    [&](const std::string& type, const auto& row) { append("type", type, to_json_text(row)); });
  return json_response(body + "]}");
}

}  // namespace

void add_audit_routes(Api& api) {
  api.router().add(
    {Method::get, "/v1/audit", [&api](const Request& q, const Reply& r) { audit_route(api, q, r); }, "read"});
  api.router().add({Method::get, "/v1/audit/summary",
                    [&api](const Request& q, const Reply& r) { api.show(q, r, show_summary); }, "read"});
}

}  // namespace muster::http

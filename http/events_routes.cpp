// The log over HTTP: tail it, and ask why.
#include <charconv>

#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr size_t kMaxWhy = 256;  // Steps of an answer to why.

bool wants_sse(const Request& request) {
  return request.header("accept").find("text/event-stream") != std::string_view::npos;
}

Result<TailRequest> tail_request(const Request& request) {
  TailRequest tail;
  const auto from = number_from_query(request, "from", 1);
  const auto to = number_from_query(request, "to", UINT64_MAX);
  const auto limit = number_from_query(request, "limit", UINT64_MAX);
  for (const auto* number : {&from, &to, &limit})
    if (!*number) return number->error();
  tail.from = *from;
  tail.to = *to;
  tail.limit = *limit;
  const auto follow = request.query_value("follow");
  tail.follow = follow && *follow != "false" && *follow != "0";
  tail.filter = {request.query_value("type").value_or(""), request.query_value("stream").value_or("")};
  if (!wants_sse(request)) return tail;
  tail.format = TailFormat::sse;
  if (!follow) tail.follow = true;  // An EventSource expects no end.
  if (const auto last = request.header("last-event-id"); !last.empty()) {
    uint64_t seq = 0;
    const auto [end, ec] = std::from_chars(last.data(), last.data() + last.size(), seq);
    if (ec != std::errc{} || end != last.data() + last.size())
      return Error{"field.invalid", "Last-Event-ID must be a seq", {}};
    tail.from = seq + 1;
  }
  return tail;
}

void tail_route(Api& api, const Request& request, const Reply& reply) {
  auto tail = tail_request(request);
  if (!tail) return reply(problem(tail.error(), request.id));
  if (api.tails().readers() >= api.options().max_tails)
    return reply(problem(
      {"rate.limited", std::to_string(api.options().max_tails) + " tails are open (limit max-tails)", {}},
      request.id));
  const auto compacted = view<cluster::View>(*api.system().views()).log.compacted_to;
  const bool asked = request.query_value("from").has_value() || !request.header("last-event-id").empty();
  if (tail->from <= compacted && asked)
    return reply(
      problem({"log.compacted", "the oldest seq is " + std::to_string(compacted + 1), {}}, request.id));
  tail->from = std::max(tail->from, compacted + 1);
  Response response;
  response.content_type = tail->format == TailFormat::sse ? "text/event-stream" : "application/x-ndjson";
  response.headers.emplace_back("Cache-Control", "no-store");
  const auto last = api.tails().last();
  response.stream = api.tails().open(std::move(*tail));
  reply(api.mark(std::move(response), last));
}

/// From one event back through its causes; without one, what its stream said before.
std::string why(const log::ChainReader& chain, uint64_t seq) {
  std::string out = "[";
  for (size_t steps = 0; seq != 0 && steps < kMaxWhy; steps++) {
    const auto line = chain.line(seq);
    if (!line) break;
    const auto record = read_line(*line);
    if (!record) break;
    if (out.size() > 1) out += ',';
    out += *line;
    const auto& cause = record->envelope.cause;
    if (cause && *cause > 0) {
      seq = static_cast<uint64_t>(*cause);
    } else if (cause) {
      seq -= std::min(seq, static_cast<uint64_t>(-*cause));
    } else {
      uint64_t before = 0;
      chain.each_in_stream(record->stream, 1, [&](uint64_t at) {
        if (at < seq) before = at;
        return at < seq;
      });
      seq = before;
    }
  }
  return out + "]";
}

void why_route(Api& api, const Request& request, const Reply& reply) {
  const auto stream = request.query_value("stream");
  const auto seq = number_from_query(request, "seq", 0);
  if (!seq) return reply(problem(seq.error(), request.id));
  if (!stream && *seq == 0)
    return reply(problem(
      {"field.invalid", "give ?stream=NAME or ?seq=N", {{"?stream", "or ?seq is required"}}}, request.id));
  api.system().read_slowly([&api, reply, stream, seq = *seq, id = std::string(request.id)] {
    const auto& chain = api.system().chain();
    const auto from = stream ? chain.version(*stream) : seq;
    if (from == 0 || !chain.line(from))
      return reply(problem(
        {"not.found", stream ? "no event tells of " + *stream : "there is no seq " + std::to_string(seq), {}},
        id));
    reply(json_response(why(chain, from)));
  });
}

}  // namespace

void add_event_routes(Api& api) {
  api.router().add(
    {Method::get, "/v1/events", [&api](const Request& q, const Reply& r) { tail_route(api, q, r); }, "read"});
  api.router().add(
    {Method::get, "/v1/why", [&api](const Request& q, const Reply& r) { why_route(api, q, r); }, "read"});
}

}  // namespace muster::http

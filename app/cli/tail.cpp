// :tail and :events, the log as it grows and as it was.
#include <charconv>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/event_line.hpp"
#include "app/cli/follow.hpp"

namespace muster::cli {
namespace {

/// The bytes of the log in a pipe or with --json, one line for people on a terminal.
void print_event(const Call& call, std::string_view line, bool dated) {
  if (call.json || !call.io.terminal.tty)
    call.io.out << line << '\n';
  else
    call.io.out << (dated ? dated_event_line : event_line)(line, call.io.terminal) << '\n';
}

Result<uint64_t> number(const Call& call, std::string_view flag, uint64_t fallback) {
  if (!call.has(flag)) return fallback;
  const auto text = call.text(flag);
  uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size())
    return usage_error("--" + std::string{flag} + ": '" + text + "' is not a number");
  return n;
}

/// Where to begin: --from, or so many events before the end of the log.
Result<uint64_t> start(const Call& call, Client& client, uint64_t before_end) {
  if (call.has("from")) return number(call, "from", 1);
  const auto head = head_of(client);
  if (!head) return head.error();
  return *head >= before_end ? *head - before_end + 1 : 1;
}

Query filter_of(const Call& call) {
  return {{"type", call.text("type")}, {"stream", call.text("stream")}};
}

Outcome run_tail(Call& call) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto last = number(call, "last", 10);
  if (!last) return last.error();
  const auto from = start(call, *client, *last);
  if (!from) return from.error();
  const auto ended = follow(call, *from, filter_of(call), [&](std::string_view line) {
    if (seq_of(line) == 0)
      call.io.err << "muster: " << printable(line) << '\n';
    else
      print_event(call, line, false);
    call.io.out << std::flush;
    return call.io.out.good();
  });
  if (!ended) return ended.error();
  return 0;
}

Outcome run_events(Call& call) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto limit = number(call, "limit", 100);
  if (!limit) return limit.error();
  Query query = filter_of(call);
  if (const auto seq = call.word(0); !seq.empty()) {
    query.emplace_back("from", seq);
    query.emplace_back("to", seq);
  } else {
    const bool filtered = call.has("type") || call.has("stream") || call.has("to");
    const auto from = filtered ? number(call, "from", 1) : start(call, *client, *limit);
    if (!from) return from.error();
    query.emplace_back("from", std::to_string(*from));
    query.emplace_back("to", call.text("to"));
  }
  query.emplace_back("limit", std::to_string(*limit));
  Lines lines;
  const auto ended = client->stream(with_query("/v1/events", query), [&](std::string_view bytes) {
    return lines.take(bytes, [&](std::string_view line) {
      print_event(call, line, true);
      return call.io.out.good();
    });
  });
  if (!ended) return ended.error();
  return 0;
}

}  // namespace

Verb tail_verb() {
  return {.name = ":tail",
          .summary = "Follow the log: events as they are committed",
          .example = "muster :tail --stream node/edge-a\nmuster :tail --from 1 | jq .type",
          .run = run_tail,
          .flags = {{"from", "SEQ", "Begin at this event"},
                    {"last", "N", "Begin with so many old events (10)"},
                    {"type", "TYPE", "Only events of this type; prefix*, or several with commas"},
                    {"stream", "STREAM", "Only events of this entity, such as node/n1"}}};
}

Verb events_verb() {
  return {
    .name = ":events",
    .summary = "Print events of the log: the newest, a range, or one",
    .usage = "[SEQ]",
    .example = "muster :events --limit 20\nmuster :events --type node.silent --from 1\nmuster :events 42",
    .run = run_events,
    .flags = {{"from", "SEQ", "Begin at this event"},
              {"to", "SEQ", "End with this event"},
              {"limit", "N", "Most events (100)"},
              {"type", "TYPE", "Only events of this type; prefix*, or several with commas"},
              {"stream", "STREAM", "Only events of this entity, such as node/n1"}},
    .most_words = 1};
}

}  // namespace muster::cli

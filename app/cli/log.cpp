// :log, the log itself: its head and sizes, a checkpoint now, dropping old lines.
#include <algorithm>
#include <cctype>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

Outcome print_reply(const Call& call, const Result<Answer>& answer) {
  if (!answer) return answer.error();
  auto reply = answer->body.empty() ? Result<Json>{Json::object()} : parse_json(answer->body);
  if (!reply) return reply.error();
  if (call.json)
    print_json(call, *reply);
  else
    print_fields(call.io.out, *reply, call.io.terminal, call.io.now());
  return 0;
}

Outcome compact(Call& call, Client& client) {
  const auto before = call.text("before");
  if (before.empty()) return usage_error(":log compact needs --before SEQ or --before TIME");
  const bool seq =
    std::all_of(before.begin(), before.end(), [](unsigned char c) { return std::isdigit(c) != 0; }) &&
    before.size() < 19;
  if (!seq && !parse_rfc3339(before))
    return usage_error("--before: '" + before + "' is neither a seq nor a time");
  Json body = {{"before", seq ? Json(std::stoull(before)) : Json(before)}, {"dry_run", !call.has("yes")}};
  auto done = print_reply(call, client.call("POST", "/v1/log/compact", body.dump()));
  if (done && !call.has("yes")) call.io.err << "Nothing was dropped; add --yes to do it.\n";
  return done;
}

Outcome run(Call& call) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto what = call.word(0);
  if (what == "compact") return compact(call, *client);
  if (what == "checkpoint") return print_reply(call, client->call("POST", "/v1/checkpoints"));
  return show(
    call, [&](Client& asked) { return asked.get("/v1/log"); },
    [&](std::ostream& out, const Json& log) { print_fields(out, log, call.io.terminal, call.io.now()); });
}

}  // namespace

Verb log_verb() {
  return {.name = ":log",
          .summary = "Show the log's head and sizes, make a checkpoint, or drop old lines",
          .usage = "[status | checkpoint | compact --before SEQ|TIME]",
          .example = "muster :log\nmuster :log compact --before 100000 --yes",
          .run = run,
          .flags = {{"before", "SEQ|TIME", "Drop the lines before this one"},
                    {"yes", "", "Drop them; without it, only say what would be dropped"},
                    {"watch", "", "Draw again when something changes"}},
          .subverbs = {"status", "checkpoint", "compact"},
          .most_words = 1};
}

}  // namespace muster::cli

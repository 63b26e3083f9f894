// :claims, one-time tokens: list, open, wait for, fulfil.
#include <istream>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

Outcome list(Call& call) {
  return show(
    call, [&](Client& client) { return listing(call, client, "/v1/claims", {}); },
    [&](std::ostream& out, const Json& claims) {
      if (claims["rows"].empty())
        out << "there are no claims\n";
      else
        print_fields(out, claims["rows"], call.io.terminal, call.io.now());
      print_more(out, claims);
    });
}

Outcome open(Call& call, Client& client) {
  const auto answer = client.call("POST", "/api/claims/new");
  if (!answer) return answer.error();
  const auto claim = parse_json(answer->body);
  if (!claim) return claim.error();
  if (call.json) {
    print_json(call, *claim);
    return 0;
  }
  print_fields(call.io.out, *claim, call.io.terminal, call.io.now());
  call.io.err
    << "The token is shown this once. The machine that fulfils the claim needs it as CLAIM_TOKEN.\n";
  return 0;
}

Outcome watch(Call& call, Client& client) {
  bool fulfilled = false;
  Lines lines;
  const auto ended =
    client.stream("/api/claims/" + path_segment(call.word(1)) + "/watch", [&](std::string_view bytes) {
      return lines.take(bytes, [&](std::string_view line) {
        if (line.starts_with("data: fulfilled")) fulfilled = true;
        return !fulfilled;
      });
    });
  if (!ended) return ended.error();
  if (!fulfilled) return Error{"unreachable", "the watch ended before the claim was fulfilled"};
  if (call.json)
    print_json(call, {{"id", call.word(1)}, {"status", "fulfilled"}});
  else
    call.io.out << "fulfilled\n";
  return 0;
}

Outcome fulfil(Call& call, Client& client) {
  // Not an argument: those can be read by everybody on the machine.
  auto token = call.io.environment("CLAIM_TOKEN").value_or("");
  if (token.empty()) std::getline(call.io.in, token);
  const Json body = {{"id", call.word(1)}, {"token", token}};
  const auto answer = client.call("POST", "/api/claims/fulfill", body.dump());
  if (!answer) return answer.error();
  if (call.json)
    print_json(call, {{"id", call.word(1)}, {"status", "fulfilled"}});
  else
    call.io.out << "fulfilled\n";
  return 0;
}

Outcome run(Call& call) {
  const auto what = call.word(0);
  if (what.empty() || what == "list") return list(call);
  if (what != "new" && call.word(1).empty()) return usage_error(":claims " + what + " needs the claim's id");
  auto client = Client::make(call.config);
  if (!client) return client.error();
  if (what == "new") return open(call, *client);
  return what == "watch" ? watch(call, *client) : fulfil(call, *client);
}

}  // namespace

Verb claims_verb() {
  Verb verb{
    .name = ":claims",
    .summary = "List claims, open one, wait for one, or fulfil one",
    .usage = "[list | new | watch ID | fulfill ID]",
    .example = "muster :claims new\nmuster :claims watch 5f0c\nCLAIM_TOKEN=... muster :claims fulfill 5f0c",
    .run = run,
    .flags = listing_flags(),
    .subverbs = {"list", "new", "watch", "fulfill"},
    .most_words = 2};
  verb.flags.push_back({"watch", "", "Draw the list again when something changes"});
  return verb;
}

}  // namespace muster::cli

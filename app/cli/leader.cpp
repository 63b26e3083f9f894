// :leader, who holds the lease, and claiming it for a node.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

Outcome claim(Call& call) {
  if (call.words.size() != 3) return usage_error(":leader claim needs NODE and URL");
  const Json body = {{"node_id", call.word(1)}, {"url", call.word(2)}};
  bool granted = false;
  auto done = show(
    call,
    [&](Client& client) -> Result<Json> {
      const auto answer = client.call("POST", "/v1/leader/claim", body.dump());
      if (!answer) return answer.error();
      auto reply = parse_json(answer->body);
      if (reply && reply->is_object()) granted = reply->value("granted", false);
      return reply;
    },
    [&](std::ostream& out, const Json& reply) { print_fields(out, reply, call.io.terminal, call.io.now()); });
  if (!done) return done;
  // Somebody else holds the lease: not an error of the call, but not what was asked either.
  return granted ? 0 : 4;
}

Outcome transfer(Call& call) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const Json body = call.word(1).empty() ? Json::object() : Json{{"member", call.word(1)}};
  const auto answer = client->call("POST", "/v1/leader/transfer", body.dump());
  if (!answer) return answer.error();
  if (call.json)
    print_json(call, {{"transferring", true}});
  else
    call.io.out << "handing leadership on\n";
  return 0;
}

Outcome run(Call& call) {
  if (call.word(0) == "transfer") {
    if (call.has("watch")) return usage_error(":leader transfer cannot be watched");
    if (call.words.size() > 2) return usage_error(":leader transfer takes one member at most");
    return transfer(call);
  }
  if (call.word(0) == "claim") {
    if (call.has("watch")) return usage_error(":leader claim cannot be watched");
    return claim(call);
  }
  const Query query = {{"as_of", call.text("as-of")}, {"after", call.text("after")}};
  return show(
    call, [&](Client& client) { return client.get(with_query("/v1/leader", query)); },
    [&](std::ostream& out, const Json& leader) {
      print_fields(out, leader, call.io.terminal, call.io.now());
    });
}

}  // namespace

Verb leader_verb() {
  return {.name = ":leader",
          .summary = "Show who leads, hand leadership on, or claim the lease for a node",
          .usage = "[transfer [MEMBER] | claim NODE URL]",
          .example = "muster :leader --watch\nmuster :leader claim n1 http://10.0.0.7:8070",
          .run = run,
          .flags = {{"watch", "", "Draw again when something changes"},
                    {"as-of", "SEQ|TIME", "As it was then"},
                    {"after", "SEQ", "Wait until the view has seen this event"}},
          .subverbs = {"transfer", "claim"},
          .most_words = 3};
}

}  // namespace muster::cli

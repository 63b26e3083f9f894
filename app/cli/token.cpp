// :token, credentials for callers: make, list, revoke.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

Outcome list(Call& call) {
  return show(
    call, [&](Client& client) { return listing(call, client, "/v1/tokens", {}); },
    [&](std::ostream& out, const Json& tokens) {
      if (tokens["rows"].empty())
        out << "there are no tokens\n";
      else
        print_fields(out, tokens["rows"], call.io.terminal, call.io.now());
      print_more(out, tokens);
    });
}

/// "read,register" with the configured prefix where a scope has none.
Json scopes_of(const Call& call) {
  Json scopes = Json::array();
  const auto text = call.text("scope");
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto scope = text.substr(at, end - at);
    if (!scope.empty())
      scopes.push_back(scope.find(':') == std::string::npos ? call.config.text("scope-prefix") + ":" + scope
                                                            : scope);
    at = end + 1;
  }
  return scopes;
}

Outcome make(Call& call, Client& client) {
  if (call.word(1).empty()) return usage_error(":token new needs a name for the token");
  Json body = {{"name", call.word(1)}, {"scopes", scopes_of(call)}};
  if (body["scopes"].empty()) return usage_error(":token new needs --scope, such as --scope read,register");
  if (call.has("expires")) {
    const auto text = call.text("expires");
    const auto lasts = parse_duration(text);
    if (!lasts && !parse_rfc3339(text))
      return usage_error("--expires: '" + text + "' is neither a duration nor a time");
    body["expires"] = lasts ? to_rfc3339(call.io.now() + *lasts) : text;
  }
  const auto answer = client.call("POST", "/v1/tokens", body.dump());
  if (!answer) return answer.error();
  const auto token = parse_json(answer->body);
  if (!token) return token.error();
  if (call.json) {
    print_json(call, *token);
    return 0;
  }
  // The token alone on stdout, so that TOKEN=$(muster :token new ...) works.
  call.io.out << text_of(*token, "token") << '\n';
  call.io.err << "id " << printable(text_of(*token, "id")) << "; the token is shown this once\n";
  return 0;
}

Outcome revoke(Call& call, Client& client) {
  if (call.word(1).empty()) return usage_error(":token revoke needs the token's id");
  const auto answer = client.call("DELETE", "/v1/tokens/" + path_segment(call.word(1)));
  if (!answer) return answer.error();
  if (call.json)
    print_json(call, {{"id", call.word(1)}, {"status", "revoked"}});
  else
    call.io.out << "revoked " << call.word(1) << '\n';
  return 0;
}

Outcome run(Call& call) {
  const auto what = call.word(0);
  if (what.empty() || what == "list") return list(call);
  auto client = Client::make(call.config);
  if (!client) return client.error();
  return what == "new" ? make(call, *client) : revoke(call, *client);
}

}  // namespace

Verb token_verb() {
  Verb verb{.name = ":token",
            .summary = "List tokens, make one, or revoke one",
            .usage = "[list | new NAME --scope SCOPES | revoke ID]",
            .example = "muster :token new ci --scope read,register --expires 30d\nmuster :token revoke 5f0c",
            .run = run,
            .flags = listing_flags(),
            .subverbs = {"list", "new", "revoke"},
            .most_words = 2};
  verb.flags.push_back(
    {"scope", "SCOPES", "What the token may do: register, read, apply, admin, runs:write ..., by commas"});
  verb.flags.push_back({"expires", "TIME", "When it stops working: 30d, or a time; never when not given"});
  return verb;
}

}  // namespace muster::cli

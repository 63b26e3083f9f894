// :secret, values that are sealed on the members and named by ${secret:NAME}.
#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/client.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

/// From --file or stdin, never from the command line; one line end is not part of it.
Result<std::string> read_value(const Call& call) {
  std::string value;
  if (const auto path = call.text("file"); !path.empty()) {
    std::ifstream in{path, std::ios::binary};
    if (!in) return usage_error("--file: " + path + " cannot be read");
    value.assign(std::istreambuf_iterator<char>{in}, {});
  } else {
    value.assign(std::istreambuf_iterator<char>{call.io.in}, {});
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.empty()) return usage_error("the secret is empty; give it on stdin or with --file");
  return value;
}

Outcome report(const Call& call, std::string_view status) {
  if (call.json)
    print_json(call, {{"name", call.word(1)}, {"status", status}});
  else
    call.io.out << status << ' ' << call.word(1) << '\n';
  return 0;
}

Outcome run(Call& call) {
  const auto what = call.word(0);
  if (what.empty() || call.word(1).empty())
    return usage_error(":secret needs set, show, check or delete, and a name");
  const std::string path = "/v1/secrets/" + path_segment(call.word(1));
  auto client = Client::make(call.config);
  if (!client) return client.error();
  if (what == "set") {
    const auto value = read_value(call);
    if (!value) return value.error();
    const auto answer = client->call("PUT", path, Json{{"value", *value}}.dump());
    if (!answer) return answer.error();
    return report(call, "sealed");
  }
  if (what == "check") {
    const auto value = read_value(call);
    if (!value) return value.error();
    const auto answer = client->call("POST", path + ":check", Json{{"value", *value}}.dump());
    if (!answer) return answer.error();
    const auto said = parse_json(answer->body);
    if (!said) return said.error();
    const bool same = said->value("same", false);
    if (call.json)
      print_json(call, *said);
    else
      call.io.out << (same ? "same value" : "another value") << ", says " << text_of(*said, "member") << '\n';
    return same ? 0 : 1;
  }
  if (what == "delete") {
    const auto answer = client->call("DELETE", path);
    if (!answer) return answer.error();
    return report(call, "deleted");
  }
  const auto secret = client->get(path);
  if (!secret) return secret.error();
  if (call.json)
    print_json(call, *secret);
  else
    print_fields(call.io.out, *secret, call.io.terminal, call.io.now());
  return 0;
}

}  // namespace

Verb secret_verb() {
  return {.name = ":secret",
          .summary = "Seal a secret, show when it lapses, check its value, or delete it",
          .usage = "set|show|check|delete NAME",
          .example = "muster :secret set db-password < password.txt\nmuster :secret delete db-password",
          .run = run,
          .flags = {{"file", "FILE", "Read the secret from this file, not from stdin"}},
          .subverbs = {"set", "show", "check", "delete"},
          .most_words = 2};
}

}  // namespace muster::cli

// :sources, where jobs come from besides the node's own folder: list, add, remove.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/client.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

constexpr Millis kPatience{15'000};  // The node may have to fetch; --timeout says otherwise.
constexpr size_t kShownDigits = 12;  // Of a commit or a digest in a table.

std::string pin_of(const Json& source) {
  auto pin = text_of(source, "resolved_commit");
  if (pin.empty()) pin = text_of(source, "digest");
  if (pin.starts_with("sha256:")) pin.erase(0, 7);
  return pin.substr(0, kShownDigits);
}

Outcome list(Call& call, Client& client) {
  const auto sources = listing(call, client, "/sources", {});
  if (!sources) return sources.error();
  if (call.json) {
    print_json(call, *sources);
    return 0;
  }
  const auto& rows = (*sources)["rows"];
  if (rows.empty()) {
    call.io.out << "there are no sources\n";
    return 0;
  }
  Table table{{{"NAME", false, true}, {"TYPE"}, {"REF"}, {"PINNED", false, true}, {"URL"}}};
  for (const auto& row : rows)
    table.add({{text_of(row, "name")},
               {text_of(row, "type")},
               {text_of(row, "ref")},
               {pin_of(row)},
               {text_of(row, "url")}});
  table.print(call.io.out, call.io.terminal);
  return 0;
}

Json body_of(const Call& call) {
  Json body = {{"type", call.has("type") ? call.text("type") : "oci"}};
  for (const auto* flag : {"name", "ref", "url", "expose"})
    if (call.has(flag)) body[flag] = call.text(flag);
  if (call.has("pull-policy")) body["pull_policy"] = call.text("pull-policy");
  if (call.has("trusted")) body["trusted"] = true;
  if (call.has("verify-signatures")) body["verify_signatures"] = true;
  return body;
}

/// An image that is not said to be trusted is refused before anybody is asked.
Outcome add(Call& call) {
  const auto body = body_of(call);
  if (body["type"] == "oci" && !call.has("trusted"))
    return Error{
      "source.trust.required", "an image brings jobs that run on the node: say --trusted, if it is", {}};
  auto client = Client::make(call.config, kPatience);
  if (!client) return client.error();
  const auto answer = client->call("POST", "/sources", body.dump());
  if (!answer) return answer.error();
  const auto source = parse_json(answer->body);
  if (!source) return source.error();
  if (call.json) {
    print_json(call, *source);
    return 0;
  }
  const auto pin = pin_of(*source);
  call.io.out << (answer->status == 201 ? "added " : "replaced ") << printable(text_of(*source, "name"))
              << (pin.empty() ? "" : " at " + printable(pin)) << '\n';
  return 0;
}

Outcome remove(Call& call, Client& client) {
  if (call.word(1).empty()) return usage_error(":sources remove needs the source's name");
  const auto answer = client.call("DELETE", "/sources/" + path_segment(call.word(1)));
  if (!answer) return answer.error();
  if (call.json)
    print_json(call, {{"name", call.word(1)}, {"status", "removed"}});
  else
    call.io.out << "removed " << call.word(1) << '\n';
  return 0;
}

Outcome run(Call& call) {
  const auto what = call.word(0);
  if (what != "remove" && call.words.size() > 1)
    return usage_error(":sources " + what + " takes no '" + call.word(1) + "'; name it with --name");
  if (what == "add") return add(call);
  auto client = Client::make(call.config, kPatience);
  if (!client) return client.error();
  return what == "remove" ? remove(call, *client) : list(call, *client);
}

}  // namespace

Verb sources_verb() {
  Verb verb{.name = ":sources",
            .summary = "List where jobs come from, add a source, or remove one",
            .usage = "[list | add --type TYPE --ref REF | remove NAME]",
            .example =
              "muster :sources add --type git --name tools --url https://git.example/tools.git --ref main\n"
              "muster :sources add --ref registry.example/addon:1.2 --trusted\nmuster :sources remove tools",
            .run = run,
            .flags = listing_flags(),
            .subverbs = {"list", "add", "remove"},
            .most_words = 2};
  for (Flag& flag : std::vector<Flag>{
         {"type", "TYPE", "What it is (oci)", {"local", "git", "oci"}},
         {"name", "NAME", "What it is called; made of the ref or URL when not given"},
         {"ref", "REF", "A folder; a branch, tag or commit; an image"},
         {"url", "URL", "Of a git repository"},
         {"pull-policy", "WHEN", "When an image is pulled (on-add)", {"on-add", "on-run", "never"}},
         {"trusted", "", "The image may bring jobs that run on the node"},
         {"verify-signatures", "", "Refuse an image whose signature is not good"},
         {"expose", "WHAT", "What callers see of its aliases (read)", {"none", "read", "readwrite"}}})
    verb.flags.push_back(std::move(flag));
  return verb;
}

}  // namespace muster::cli

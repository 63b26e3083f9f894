// :env, the environment of the node that is asked: what it came to, what would be done, and doing it.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

std::string counts_of(const Json& component) {
  std::string text;
  for (const auto& [status, count] : component["counts"].items())
    text += (text.empty() ? "" : ", ") + count.dump() + " " + status;
  return text.empty() ? "nothing is desired" : text;
}

/// A line of +/- for both sides, as far as they are known.
void draw_sides(std::ostream& out, const Json& row) {
  if (row.contains("actual")) out << "    - " << printable(row["actual"].dump()) << '\n';
  if (row.contains("desired")) out << "    + " << printable(row["desired"].dump()) << '\n';
}

void draw(std::ostream& out, const Json& document, const Call& call) {
  Table table{{{"COMPONENT", false, true}, {"BACKEND"}, {"STATUS"}, {"LOOKED"}, {"RESOURCES"}}};
  for (const auto& component : document["components"])
    table.add({{text_of(component, "component")},
               {text_of(component, "backend")},
               status_cell(text_of(component, "status")),
               {when(component, "at", call.io.now())},
               {counts_of(component)}});
  if (table.empty()) {
    out << "this node has not looked at its environment yet\n";
    return;
  }
  table.print(out, call.io.terminal);
  for (const auto& component : document["components"])
    for (const auto& row : component["resources"]) {
      out << printable(text_of(row, "status")) << "  " << printable(text_of(row, "kind")) << ' '
          << printable(text_of(row, "name"));
      if (const auto detail = text_of(row, "detail"); !detail.empty()) out << ": " << printable(detail);
      out << '\n';
      draw_sides(out, row);
    }
}

Result<Json> ask(Call& call, Client& client, bool dry_run) {
  Json body{{"dry_run", dry_run}};
  if (const auto component = call.text("component"); !component.empty()) body["component"] = component;
  auto answer = client.call("POST", "/v1/environment/apply", body.dump());
  if (!answer) return answer.error();
  return parse_json(answer->body);
}

Outcome run(Call& call) {
  const auto word = call.word(0);
  if (word == "apply" && call.has("watch"))
    return usage_error("--watch belongs to :env status and :env diff");
  if (word == "diff" || word == "apply")
    return show(
      call, [&](Client& client) { return ask(call, client, word == "diff"); },
      [&](std::ostream& out, const Json& document) { draw(out, document, call); });
  if (call.has("component")) return usage_error("--component belongs to :env diff and :env apply");
  const Query query = {{"all", call.has("all") ? "true" : ""}};
  return show(
    call, [&](Client& client) { return client.get(with_query("/v1/environment", query)); },
    [&](std::ostream& out, const Json& document) { draw(out, document, call); });
}

}  // namespace

Verb env_verb() {
  return {.name = ":env",
          .summary = "Show the environment of a node, what would be done to it, or do it now",
          .usage = "[status | diff | apply]",
          .example = "muster :env diff\nmuster :env apply --component storage\nmuster :env --watch",
          .run = run,
          .flags = {{"component", "NAME", "Only storage, broker or index"},
                    {"all", "", "Also what is as it should be"},
                    {"watch", "", "Draw again when something changes"}},
          .subverbs = {"status", "diff", "apply"},
          .most_words = 1};
}

}  // namespace muster::cli

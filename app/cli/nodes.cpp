// :nodes, the registered nodes, or everything about one.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

std::string either(const Json& node, std::string_view first, std::string_view second) {
  auto text = text_of(node, first);
  return text.empty() ? text_of(node, second) : text;
}

void draw(std::ostream& out, const Json& nodes, const Call& call) {
  Table table{{{"ID", false, true}, {"STATUS"}, {"ROLE"}, {"HOST"}, {"ADDRESS"}, {"SEEN"}, {"SERVICES"}}};
  for (const auto& node : nodes["rows"])
    table.add({{either(node, "id", "node_id")},
               status_cell(text_of(node, "status")),
               {text_of(node, "role")},
               {text_of(node, "host")},
               {either(node, "ip", "address")},
               {when(node, "last_heartbeat", call.io.now())},
               {text_of(node, "services_running")}});
  if (table.empty())
    out << "no nodes are registered\n";
  else
    table.print(out, call.io.terminal);
  print_more(out, nodes);
}

Outcome run(Call& call) {
  const Query query = {{"as_of", call.text("as-of")}, {"after", call.text("after")}};
  if (const auto id = call.word(0); !id.empty())
    return show(
      call, [&](Client& client) { return client.get(with_query("/v1/nodes/" + path_segment(id), query)); },
      [&](std::ostream& out, const Json& node) { print_fields(out, node, call.io.terminal, call.io.now()); });
  return show(
    call, [&](Client& client) { return listing(call, client, "/v1/nodes", query); },
    [&](std::ostream& out, const Json& nodes) { draw(out, nodes, call); });
}

}  // namespace

Verb nodes_verb() {
  Verb verb{.name = ":nodes",
            .summary = "List the registered nodes, or show one",
            .usage = "[ID]",
            .example = "muster :nodes --watch\nmuster :nodes edge-a --json",
            .run = run,
            .flags = listing_flags(),
            .most_words = 1};
  verb.flags.push_back({"watch", "", "Draw again when something changes"});
  verb.flags.push_back({"as-of", "SEQ|TIME", "As it was then"});
  verb.flags.push_back({"after", "SEQ", "Wait until the view has seen this event"});
  return verb;
}

}  // namespace muster::cli

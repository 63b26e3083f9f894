// :audit, who did what.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

void draw(std::ostream& out, const Json& audit, const Call& call) {
  Table table{{{"SEQ", true, true}, {"WHEN"}, {"ACTOR"}, {"TYPE"}, {"STREAM"}, {"REQUEST"}}};
  for (const auto& row : audit["rows"])
    table.add({{text_of(row, "seq")},
               {when(row, "time", call.io.now())},
               {text_of(row, "actor")},
               {text_of(row, "type")},
               {text_of(row, "stream")},
               {text_of(row, "request")}});
  if (table.empty())
    out << "nothing matches\n";
  else
    table.print(out, call.io.terminal);
  print_more(out, audit);
}

Outcome list(Call& call) {
  const Query query = {{"actor", call.text("actor")},
                       {"type", call.text("type")},
                       {"stream", call.text("stream")},
                       {"since", call.text("since")},
                       {"until", call.text("until")}};
  return show(
    call, [&](Client& client) { return listing(call, client, "/v1/audit", query); },
    [&](std::ostream& out, const Json& audit) { draw(out, audit, call); });
}

}  // namespace

Verb audit_verb() {
  Verb verb{.name = ":audit",
            .summary = "List who changed what, newest first",
            .example = "muster :audit --actor alice --since 2026-01-01T00:00:00Z",
            .run = list,
            .flags = listing_flags()};
  for (const Flag& flag :
       {Flag{"actor", "NAME", "Only what this caller did"}, Flag{"type", "TYPE", "Only this type"},
        Flag{"stream", "STREAM", "Only this entity"}, Flag{"since", "TIME", "Not before"},
        Flag{"until", "TIME", "Not after"}})
    verb.flags.push_back(flag);
  return verb;
}

}  // namespace muster::cli

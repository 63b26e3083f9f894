// :audit, who did what; and whether anybody edited it.
#include <ostream>

#include "app/cli/audit_verify.hpp"
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

Outcome run(Call& call) {
  if (call.word(0) == "verify") return verify_log(call);
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
            .summary = "List who changed what, newest first; or verify that nobody edited the log",
            .usage = "[verify [DATA_DIR|FILE|-]]",
            .example =
              "muster :audit --actor alice --since 2026-01-01T00:00:00Z\n"
              "muster :audit verify /var/lib/muster --heads /mnt/elsewhere/heads",
            .run = run,
            .flags = listing_flags(),
            .subverbs = {"verify"},
            .most_words = 2};
  for (const Flag& flag :
       {Flag{"actor", "NAME", "Only what this caller did"}, Flag{"type", "TYPE", "Only this type"},
        Flag{"stream", "STREAM", "Only this entity"}, Flag{"since", "TIME", "Not before"},
        Flag{"until", "TIME", "Not after"},
        Flag{"expect-head", "SEQ:HASH", "verify: the last line and its hash, as kept elsewhere"},
        Flag{"heads", "FILE", "verify: heads that --audit-sink kept; each has to be there as it was"},
        Flag{"from", "SEQ", "verify: the file is cut from a log and starts here"}})
    verb.flags.push_back(flag);
  return verb;
}

}  // namespace muster::cli

// :plans, what nodes were planned to run.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  const auto print = [&](std::ostream& out, const Json& plan) {
    print_fields(out, plan, call.io.terminal, call.io.now());
  };
  if (const auto id = call.word(0); !id.empty())
    return show(
      call, [&](Client& client) { return client.get("/v1/plans/" + path_segment(id)); }, print);
  return show(
    call, [&](Client& client) { return listing(call, client, "/v1/plans", {}); },
    [&](std::ostream& out, const Json& plans) {
      if (plans["rows"].empty())
        out << "no plans were made\n";
      else
        print(out, plans["rows"]);
      print_more(out, plans);
    });
}

}  // namespace

Verb plans_verb() {
  Verb verb{.name = ":plans",
            .summary = "List the last plan of every node, or show one",
            .usage = "[NODE]",
            .example = "muster :plans edge-a",
            .run = run,
            .flags = listing_flags(),
            .most_words = 1};
  verb.flags.push_back({"watch", "", "Draw again when something changes"});
  return verb;
}

}  // namespace muster::cli

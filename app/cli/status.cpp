// :status, what the node says about itself and the cluster.
#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  const Query query = {{"as_of", call.text("as-of")}, {"after", call.text("after")}};
  return show(
    call, [&](Client& client) { return client.get(with_query("/v1/status", query)); },
    [&](std::ostream& out, const Json& status) {
      print_fields(out, status, call.io.terminal, call.io.now());
    });
}

}  // namespace

Verb status_verb() {
  return {.name = ":status",
          .summary = "Show how the node and the cluster are",
          .example = "muster :status --watch",
          .run = run,
          .flags = {{"watch", "", "Draw again when something changes"},
                    {"as-of", "SEQ|TIME", "As it was then, as far as the log says"},
                    {"after", "SEQ", "Wait until the view has seen this event"}}};
}

}  // namespace muster::cli

// :serve, which starts the node.
#include "app/serve.hpp"

#include "app/cli/catalog.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  return app::serve(call.config);
}

}  // namespace

Verb serve_verb() {
  return {.name = ":serve",
          .summary = "Start a node and serve until it is told to stop",
          .example = "muster :serve --dev\nmuster :serve --bind :8070 --api-key-file /etc/muster/api-key",
          .run = run,
          .reads = config::Reader::node};
}

}  // namespace muster::cli

// :runner, a node's own side without a control plane of its own.
#include "app/runner.hpp"

#include "app/cli/catalog.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  return app::run_node(call.config);
}

}  // namespace

Verb runner_verb() {
  return {.name = ":runner",
          .summary = "Run what a control plane elsewhere plans for this machine",
          .example = "SUPERVISOR_URL=http://control:8070 RUNNER_EXECUTOR=docker muster :runner",
          .run = run,
          .reads = config::Reader::runner};
}

}  // namespace muster::cli

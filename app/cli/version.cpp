// :version, what this binary is made of.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/libraries.hpp"
#include "app/cli/render.hpp"
#include "events/catalog.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  Json version = {{"version", MUSTER_VERSION},
                  {"commit", MUSTER_COMMIT},
                  {"feature_level", kFeatureLevel},
                  {"compiler", __VERSION__},
                  {"libraries", linked_libraries()}};
  if (call.json)
    print_json(call, version);
  else
    print_fields(call.io.out, version, call.io.terminal, call.io.now());
  return 0;
}

}  // namespace

Verb version_verb() {
  return {.name = ":version",
          .summary = "Print this binary's version and feature level, and its libraries' versions",
          .example = "muster :version --json",
          .run = run};
}

}  // namespace muster::cli

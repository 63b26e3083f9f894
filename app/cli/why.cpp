// :why, from a thing back to the request that made it what it is.
#include <algorithm>
#include <cctype>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/event_line.hpp"
#include "app/cli/follow.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  if (call.words.empty()) return usage_error(":why needs a stream, such as node/n1, or a seq");
  const auto& thing = call.words.front();
  const bool seq =
    std::all_of(thing.begin(), thing.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return show(
    call,
    [&](Client& client) {
      return client.get(with_query("/v1/why", {{seq ? "seq" : "stream", thing}}));
    },
    [&](std::ostream& out, const Json& events) {
      Terminal narrower = call.io.terminal;
      if (narrower.width > 3) narrower.width -= 3;
      for (size_t i = 0; i < events.size(); i++)
        out << (i == 0 ? "" : "<- ") << dated_event_line(events[i].dump(), narrower) << '\n';
    });
}

}  // namespace

Verb why_verb() {
  return {.name = ":why",
          .summary = "Walk from a thing or an event back to the request that caused it",
          .usage = "STREAM|SEQ",
          .example = "muster :why node/edge-a\nmuster :why 42",
          .run = run,
          .most_words = 1};
}

}  // namespace muster::cli

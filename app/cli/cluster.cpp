// :cluster, who is in it, and raising its feature level.
#include <algorithm>
#include <cctype>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

/// What the node answered to a dry run, or to the real thing.
void explain(std::ostream& out, uint64_t level, uint64_t before, bool dry) {
  if (level == before) {
    out << "The feature level is " << level << ", as far as was asked and every member's build knows.\n";
    return;
  }
  out << "The feature level " << (dry ? "would rise" : "rose") << " from " << before << " to " << level
      << ".\nFrom then on builds that know only level " << before
      << " refuse this log. The way back is a backup made before (muster :backup).\n";
}

Outcome upgrade(Call& call) {
  const auto wanted = call.text("level");
  if (wanted.size() > 9 ||
      !std::all_of(wanted.begin(), wanted.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
    return usage_error("--level: '" + wanted + "' is no level");
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const bool dry = !call.has("yes");
  const Json body = {{"level", wanted.empty() ? 0 : std::stoull(wanted)}, {"dry_run", dry}};
  const auto answer = client->call("POST", "/v1/cluster/upgrade", body.dump());
  if (!answer) return answer.error();
  const auto raised = parse_json(answer->body);
  if (!raised) return raised.error();
  const auto level = raised->value("feature_level", uint64_t{0}),
             before = raised->value("before", uint64_t{0});
  if (call.json)
    print_json(call, *raised);
  else
    explain(call.io.out, level, before, dry);
  if (dry && level != before) call.io.err << "Nothing was raised; add --yes to do it.\n";
  return 0;
}

Outcome run(Call& call) {
  if (call.word(0) == "upgrade") {
    for (const auto* flag : {"watch", "as-of", "after"})
      if (call.has(flag)) return usage_error(std::string(":cluster upgrade takes no --") + flag);
    return upgrade(call);
  }
  for (const auto* flag : {"yes", "level"})
    if (call.has(flag)) return usage_error(std::string("--") + flag + " belongs to :cluster upgrade");
  const Query query = {{"as_of", call.text("as-of")}, {"after", call.text("after")}};
  return show(
    call, [&](Client& client) { return client.get(with_query("/v1/cluster", query)); },
    [&](std::ostream& out, const Json& cluster) {
      print_fields(out, cluster, call.io.terminal, call.io.now());
    });
}

}  // namespace

Verb cluster_verb() {
  return {.name = ":cluster",
          .summary = "Show the cluster's members and feature level, or raise that level",
          .usage = "[status | upgrade]",
          .example = "muster :cluster\nmuster :cluster upgrade --yes",
          .run = run,
          .flags = {{"level", "N", "Raise to this level; as far as every member knows when not given"},
                    {"yes", "", "Raise it; without it, only say what would be raised"},
                    {"watch", "", "Draw again when something changes"},
                    {"as-of", "SEQ|TIME", "As it was then"},
                    {"after", "SEQ", "Wait until the view has seen this event"}},
          .subverbs = {"status", "upgrade"},
          .most_words = 1};
}

}  // namespace muster::cli

// :cluster, who is in it, and raising its feature level.
#include <algorithm>
#include <cctype>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/cluster_table.hpp"
#include "app/cli/cluster_verbs.hpp"
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

struct Deed {
  std::string_view word;
  Outcome (*run)(Call&);
  std::vector<std::string_view> flags;  ///< Of the verb's own.
};

const Deed* deed_of(const std::string& word) {
  static const std::vector<Deed> all = {
    {"upgrade", upgrade, {"level", "yes"}}, {"init", cluster_init, {}},
    {"token", cluster_token, {"expires"}},  {"remove", cluster_remove, {"yes"}},
    {"leave", cluster_leave, {"yes"}},      {"recover", cluster_recover, {"yes"}},
    {"join", cluster_join, {"archive"}},    {"rotate-key", cluster_rotate_key, {"yes", "force"}},
  };
  for (const auto& deed : all)
    if (deed.word == word) return &deed;
  return nullptr;
}

Outcome show_members(Call& call) {
  const Query query = {{"as_of", call.text("as-of")}, {"after", call.text("after")}};
  return show(
    call, [&](Client& client) { return client.get(with_query("/v1/cluster", query)); },
    [&](std::ostream& out, const Json& cluster) {
      print_cluster(out, cluster, call.io.terminal, call.io.now());
    });
}

Outcome run(Call& call) {
  static const Deed by_default{"status", show_members, {"watch", "as-of", "after"}};
  const auto* deed = deed_of(call.word(0));
  if (!deed) deed = &by_default;
  for (const auto& [flag, value] : call.flags)
    if (std::find(deed->flags.begin(), deed->flags.end(), flag) == deed->flags.end())
      return usage_error(":cluster " + std::string(deed->word) + " takes no --" + flag);
  if (call.words.size() > 1 && deed->word != "remove")
    return usage_error(":cluster " + std::string(deed->word) + " takes no further words");
  return deed->run(call);
}

}  // namespace

Verb cluster_verb() {
  return {
    .name = ":cluster",
    .summary = "Show the cluster's members, let machines in, remove them, raise its level",
    .usage = "[status | init | token | remove MEMBER | leave | recover | join | upgrade | rotate-key]",
    .example =
      "muster :cluster --watch\nmuster :cluster init --data ./data\nmuster :cluster token\n"
      "muster :cluster remove n3 --yes\nmuster :cluster leave --yes\nmuster :cluster upgrade --yes",
    .run = run,
    .reads = config::Reader::both,
    .flags = {{"level", "N", "Raise to this level; as far as every member knows when not given"},
              {"yes", "", "Do it; without it, only say what would be done"},
              {"force", "", "rotate-key: go on without members that are silent"},
              {"expires", "AGE|TIME", "When the join token ends; after an hour when not given"},
              {"archive", "", "Put this folder's log aside, so that the node can join"},
              {"watch", "", "Draw again when something changes"},
              {"as-of", "SEQ|TIME", "As it was then"},
              {"after", "SEQ", "Wait until the view has seen this event"}},
    .subverbs = {"status", "init", "token", "remove", "leave", "recover", "join", "upgrade", "rotate-key"},
    .most_words = 2};
}

}  // namespace muster::cli

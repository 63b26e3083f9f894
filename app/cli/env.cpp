// :env, the environment of the node that is asked: what it came to, what would be done, doing it, pruning,
// and pausing it on all nodes.
#include <algorithm>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

std::string counts_of(const Json& component) {
  std::string text;
  for (const auto& [status, count] : component["counts"].items())
    text += (text.empty() ? "" : ", ") + count.dump() + " " + status;
  return text.empty() ? "nothing is desired" : text;
}

/// A line of +/- for both sides, as far as they are known.
void draw_sides(std::ostream& out, const Json& row) {
  if (row.contains("actual")) out << "    - " << printable(row["actual"].dump()) << '\n';
  if (row.contains("desired")) out << "    + " << printable(row["desired"].dump()) << '\n';
}

void draw_rows(std::ostream& out, const Json& component) {
  for (const auto& row : component["resources"]) {
    out << printable(text_of(row, "status")) << "  " << printable(text_of(row, "kind")) << ' '
        << printable(text_of(row, "name"));
    if (const auto detail = text_of(row, "detail"); !detail.empty()) out << ": " << printable(detail);
    out << '\n';
    draw_sides(out, row);
  }
}

void draw(std::ostream& out, const Json& document, const Call& call) {
  Table table{{{"COMPONENT", false, true}, {"BACKEND"}, {"STATUS"}, {"LOOKED"}, {"RESOURCES"}}};
  for (const auto& component : document["components"])
    table.add({{text_of(component, "component")},
               {text_of(component, "backend")},
               status_cell(text_of(component, "status")),
               {when(component, "at", call.io.now())},
               {counts_of(component)}});
  if (table.empty()) {
    out << "this node has not looked at its environment yet\n";
    return;
  }
  table.print(out, call.io.terminal);
  for (const auto& component : document["components"]) {
    draw_rows(out, component);
    if (const auto left = component.find("left_behind"); left != component.end()) {
      out << "left in " << printable(text_of(*left, "backend")) << ", and not moved by itself:";
      for (const auto& resource : (*left)["resources"])
        out << ' ' << printable(resource.get<std::string>()) << ';';
      out << ' ' << (*left)["total"] << " in all\n";
    }
  }
}

Json body_of(Call& call, Json body) {
  if (const auto component = call.text("component"); !component.empty()) body["component"] = component;
  return body;
}

Result<Json> post(Client& client, const std::string& path, const Json& body) {
  auto answer = client.call("POST", path, body.dump());
  if (!answer) return answer.error();
  return parse_json(answer->body);
}

Outcome look(Call& call, bool dry_run) {
  return show(
    call,
    [&](Client& client) {
      return post(client, "/v1/environment/apply", body_of(call, {{"dry_run", dry_run}}));
    },
    [&](std::ostream& out, const Json& document) { draw(out, document, call); });
}

/// Shows what would be removed, and with --yes removes that and nothing else.
Outcome prune(Call& call) {
  const auto diff = call.text("diff");
  if (call.has("yes") == diff.empty())
    return usage_error(
      "muster :env prune shows what would go; --yes and --diff HASH, together, take it away");
  Json body = body_of(call, {{"dry_run", diff.empty()}});
  if (!diff.empty()) body["diff"] = diff;
  return show(
    call, [&](Client& client) { return post(client, "/v1/environment/prune", body); },
    [&](std::ostream& out, const Json& document) {
      size_t gone = 0;
      for (const auto& component : document["components"])
        for (const auto& row : component["resources"]) gone += text_of(row, "status") == "changed";
      for (const auto& component : document["components"]) draw_rows(out, component);
      if (!diff.empty())
        out << gone << " removed\n";
      else if (gone == 0)
        out << "nothing that muster added is left over\n";
      else
        out << gone << " would be removed: muster :env prune --yes --diff " << text_of(document, "diff")
            << '\n';
    });
}

/// Of all nodes: the log says so.
Outcome pause(Call& call, bool pauses) {
  Json body = Json::object();
  if (const auto component = call.text("component"); !component.empty())
    body["components"] = Json::array({component});
  if (const auto reason = call.text("reason"); !reason.empty()) body["reason"] = reason;
  return show(
    call,
    [&](Client& client) {
      return post(client, pauses ? "/v1/bootstrap/pause" : "/v1/bootstrap/resume", body);
    },
    [&](std::ostream& out, const Json& document) {
      std::string names;
      for (const auto& name : document["paused"])
        names += (names.empty() ? "" : ", ") + name.get<std::string>();
      out << (names.empty() ? "nothing is paused" : "paused, on every node: " + names) << '\n';
    });
}

/// The first flag that was given and does not belong to `word`.
std::string misplaced(Call& call, std::string_view word) {
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (call.has("component") && is({"", "status", "watch"})) return "component";
  if (call.has("watch") && !is({"", "status", "diff"})) return "watch";
  if (call.has("all") && !is({"", "status", "watch"})) return "all";
  if (call.has("reason") && !is({"pause"})) return "reason";
  for (const auto* flag : {"yes", "diff"})
    if (call.has(flag) && !is({"prune"})) return flag;
  return {};
}

Outcome run(Call& call) {
  const std::string word{call.word(0)};
  if (const auto flag = misplaced(call, word); !flag.empty())
    return usage_error("--" + flag + " does not belong to :env " + (word.empty() ? "status" : word));
  if (word == "diff" || word == "apply") return look(call, word == "diff");
  if (word == "prune") return prune(call);
  if (word == "pause" || word == "resume") return pause(call, word == "pause");
  const Query query = {{"all", call.has("all") ? "true" : ""}};
  return show(
    call, [&](Client& client) { return client.get(with_query("/v1/environment", query)); },
    [&](std::ostream& out, const Json& document) { draw(out, document, call); }, word == "watch");
}

}  // namespace

Verb env_verb() {
  return {.name = ":env",
          .summary = "Show a node's environment, what would be done to it, do it, or pause it",
          .usage = "[status | watch | diff | apply | prune | pause | resume]",
          .example =
            "muster :env diff\nmuster :env apply --component storage\n"
            "muster :env pause --component broker --reason 'moving the broker'",
          .run = run,
          .flags = {{"component", "NAME", "Only storage, broker, index or topics"},
                    {"all", "", "Also what is as it should be"},
                    {"watch", "", "Draw again when something changes"},
                    {"reason", "TEXT", "Why it is paused"},
                    {"yes", "", "Take away what the prune showed"},
                    {"diff", "HASH", "The hash that the prune showed"}},
          .subverbs = {"status", "watch", "diff", "apply", "prune", "pause", "resume"},
          .most_words = 1};
}

}  // namespace muster::cli

// :services, what runs where, and the logs of one.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/listing.hpp"
#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

std::string how(const Json& service) {
  auto text = text_of(service, "reason");
  for (const auto* name : {"code", "signal"})
    if (const auto value = text_of(service, name); !value.empty() && value != "0")
      text += (text.empty() ? "" : ", ") + std::string{name} + " " + value;
  return text;
}

void draw(std::ostream& out, const Json& services, const Call& call) {
  Table table{{{"NODE", false, true},
               {"SERVICE", false, true},
               {"STATE"},
               {"SINCE"},
               {"STARTS"},
               {"EXECUTOR"},
               {"PID"},
               {"WHY"}}};
  for (const auto& service : services["rows"])
    table.add({{text_of(service, "node_id")},
               {text_of(service, "name")},
               status_cell(text_of(service, "state")),
               {when(service, "since", call.io.now())},
               {text_of(service, "starts")},
               {text_of(service, "executor")},
               {text_of(service, "pid") == "0" ? "" : text_of(service, "pid")},
               {how(service)}});
  if (table.empty())
    out << "no node reported a service\n";
  else
    table.print(out, call.io.terminal);
  print_more(out, services);
}

Outcome logs(Call& call) {
  const auto name = call.word(1);
  if (name.empty()) return usage_error(":services logs needs the NAME of a service");
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const Query query = {
    {"lines", call.text("lines")}, {"node", call.text("node")}, {"follow", call.has("follow") ? "true" : ""}};
  const auto path = with_query("/v1/services/" + path_segment(name) + "/logs", query);
  const auto ended = client->stream(path, [&](std::string_view bytes) {
    if (call.json)
      print_json(call, {{"service", name}, {"text", bytes}});
    else
      call.io.out << bytes;
    call.io.out << std::flush;
    return call.io.out.good();
  });
  if (!ended) return ended.error();
  return 0;
}

Outcome run(Call& call) {
  if (call.word(0) == "logs") return logs(call);
  for (const auto* flag : {"follow", "node", "lines"})
    if (call.has(flag)) return usage_error(std::string("--") + flag + " belongs to :services logs");
  const Query query = {{"as_of", call.text("as-of")}, {"after", call.text("after")}};
  return show(
    call, [&](Client& client) { return listing(call, client, "/v1/services", query); },
    [&](std::ostream& out, const Json& services) { draw(out, services, call); });
}

}  // namespace

Verb services_verb() {
  Verb verb{.name = ":services",
            .summary = "List what runs where, or print the log of one service",
            .usage = "[list | logs NAME]",
            .example = "muster :services --watch\nmuster :services logs api --follow",
            .run = run,
            .flags = listing_flags(),
            .subverbs = {"list", "logs"},
            .most_words = 2};
  verb.flags.push_back({"lines", "N", "Last lines of the log (100)"});
  verb.flags.push_back({"follow", "", "Go on with what is written"});
  verb.flags.push_back({"node", "ID", "The node whose log it is; the one that is asked when not given"});
  verb.flags.push_back({"watch", "", "Draw again when something changes"});
  verb.flags.push_back({"as-of", "SEQ|TIME", "As it was then"});
  verb.flags.push_back({"after", "SEQ", "Wait until the view has seen this event"});
  return verb;
}

}  // namespace muster::cli

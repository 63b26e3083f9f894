// :runs and :run, what became of jobs: listed, shown, followed, canceled, run again.
#include <functional>
#include <istream>
#include <iterator>
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/render.hpp"
#include "app/cli/run_follow.hpp"

namespace muster::cli {
namespace {

constexpr size_t kRows = 50;  // Of a page, when --limit says nothing.

std::string why(const Json& run) {
  auto text = text_of(run, "reason");
  if (text.empty()) text = text_of(run, "error");
  if (const auto queue = run.find("queue"); text.empty() && queue != run.end())
    text = "place " + text_of(*queue, "position") + ": " + text_of(*queue, "reason");
  return text;
}

/// Steps that have ended, of all.
std::string progress_of(const Json& run) {
  const auto steps = run.find("steps");
  if (steps == run.end() || !steps->is_array()) return "";
  size_t ended = 0;
  for (const auto& step : *steps) {
    const auto status = text_of(step, "status");
    if (status != "pending" && status != "running") ended++;
  }
  return std::to_string(ended) + "/" + std::to_string(steps->size());
}

void draw(std::ostream& out, const Json& runs, const Call& call) {
  Table table{{{"RUN", false, true},
               {"JOB", false, true},
               {"STATUS"},
               {"STEPS"},
               {"STARTED"},
               {"NODE", false, true},
               {"BY"},
               {"WHY"}}};
  for (const auto& run : runs["rows"])
    table.add({{text_of(run, "id")},
               {text_of(run, "job_id")},
               status_cell(text_of(run, "status")),
               {progress_of(run)},
               {when(run, "started_at", call.io.now())},
               {text_of(run, "node_id")},
               {text_of(run, "requested_by")},
               {why(run)}});
  if (table.empty())
    out << "there are no runs\n";
  else
    table.print(out, call.io.terminal);
}

Outcome list(Call& call) {
  return show(
    call,
    [&](Client& client) -> Result<Json> {
      const auto limit = call.has("limit") ? call.text("limit") : std::to_string(kRows);
      auto rows = client.get(with_query("/runs", {{"per_page", limit}, {"page", call.text("page")}}));
      if (!rows) return rows.error();
      return Json{{"rows", std::move(*rows)}};
    },
    [&](std::ostream& out, const Json& runs) { draw(out, runs, call); });
}

/// Prints what the run's scripts print, until it ends, also when its node starts again meanwhile; the outcome
/// is the run's.
Outcome logs(Call& call, Client& client, const std::string& id) {
  std::string status;
  bool corrupt = false;
  const auto show = [&](uint64_t, const std::string& type, const Json& data) {
    if (type == "run.finish") status = text_of(data, "status");
    if (call.json) {
      print_json(call, {{"type", type}, {"data", data}});
    } else if (type == "step.log") {
      auto& out = text_of(data, "channel") == "stderr" ? call.io.err : call.io.out;
      out << text_of(data, "message") << '\n' << std::flush;
    } else if (type == "journal.evicted") {
      call.io.err << "muster: entries " << text_of(data, "from") << " to " << text_of(data, "to")
                  << " of this run are not kept any more\n";
    } else if (type == "journal.corrupt") {
      call.io.err << "muster: journal.corrupt: " << printable(text_of(data, "detail")) << '\n';
    }
    corrupt = corrupt || type == "journal.corrupt";
    return call.io.out.good();
  };
  const auto ended = RunFollower{client, id, show, [] { return true; }}.follow();
  if (!ended) return ended.error();
  return status == "completed" && !corrupt ? 0 : 1;
}

/// Whether what the run printed is what the log says it was.
Outcome verify(Call& call, Client& client, const std::string& id) {
  const auto checked = client.get("/runs/" + path_segment(id) + "/journal");
  if (!checked) return checked.error();
  if (call.json) {
    print_json(call, *checked);
    return 0;
  }
  const auto oldest = checked->value("oldest", uint64_t{0});
  call.io.out << id << ": entries " << oldest << " to " << text_of(*checked, "last")
              << " are as they were written, sha256 " << text_of(*checked, "digest") << '\n';
  if (oldest > 1) call.io.out << "entries 1 to " << oldest - 1 << " are not kept any more\n";
  return 0;
}

/// --args: JSON, or - for what is read from stdin, where nobody else sees a secret.
Result<Json> arguments_of(Call& call) {
  auto text = call.text("args");
  if (text == "-") text.assign(std::istreambuf_iterator<char>{call.io.in}, {});
  return parse_json(text);
}

Outcome answer(Call& call, const Result<Answer>& reply, const std::function<std::string(const Json&)>& what) {
  if (!reply) return reply.error();
  const auto run = parse_json(reply->body);
  if (!run) return run.error();
  if (call.json)
    print_json(call, *run);
  else
    call.io.out << text_of(*run, "id") << ' ' << what(*run) << '\n';
  return 0;
}

std::string accepted(const Json&) {
  return "accepted";
}

Outcome one(Call& call) {
  const auto what = call.word(0), id = call.word(1);
  if (id.empty())
    return usage_error(":run " + (what.empty() ? std::string{"show"} : what) + " needs a run's id");
  auto client = Client::make(call.config);
  if (!client) return client.error();
  if (what == "logs") return logs(call, *client, id);
  if (what == "verify") return verify(call, *client, id);
  if (what == "cancel")
    return answer(call, client->call("POST", "/runs/" + path_segment(id) + ":cancel"), [](const Json& run) {
      const auto status = text_of(run, "status");
      return status == "canceled" ? status : "had ended before: " + status;
    });
  if (what == "retry" || what == "resume") {
    Json body = {{"of", id}};
    if (what == "resume") body["resume"] = true;
    if (call.has("args")) {
      auto given = arguments_of(call);
      if (!given || !given->is_object()) return usage_error("--args wants a JSON object, or - for stdin");
      body["args"] = std::move(*given);
    }
    return answer(call, client->call("POST", "/runs", body.dump()), accepted);
  }
  const auto run = client->get("/runs/" + path_segment(id));
  if (!run) return run.error();
  if (call.json)
    print_json(call, *run);
  else
    print_fields(call.io.out, *run, call.io.terminal, call.io.now());
  return 0;
}

}  // namespace

Verb runs_verb() {
  return {.name = ":runs",
          .summary = "List runs of jobs, the newest first",
          .usage = "[list]",
          .example = "muster :runs --watch",
          .run = list,
          .flags = {{"limit", "N", "Rows of a page, at most 200 (50)"},
                    {"page", "N", "Which page (1)"},
                    {"watch", "", "Draw again when something changes"}},
          .subverbs = {"list"},
          .most_words = 1};
}

Verb run_verb() {
  return {
    .name = ":run",
    .summary = "Show a run, follow or check its output, cancel it, or run it again",
    .usage = "show ID | logs ID | verify ID | cancel ID | retry ID | resume ID",
    .example = "muster :run logs run-1795938779056176947\nmuster :run retry run-1795938779056176947",
    .run = one,
    .flags = {{"args", "JSON|-", "Arguments of retry and resume instead of earlier ones: secrets are gone"}},
    .subverbs = {"show", "logs", "verify", "cancel", "retry", "resume"},
    .most_words = 2};
}

}  // namespace muster::cli

// Streams of runs over HTTP, and the journals that members ask each other for.
#include <charconv>

#include "http/remote_entries.hpp"
#include "http/routes.hpp"
#include "http/run_stream.hpp"

namespace muster::http {
namespace {

constexpr size_t kJournalBytes = 512 << 10;  // Of one answer to another member.

Response stream_of(std::unique_ptr<Stream> stream, std::string_view type) {
  Response response;
  response.content_type = type;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = std::move(stream);
  return response;
}

/// Last-Event-ID, else ?last_event_id; 0: everything that is kept.
Result<uint64_t> cursor_of(const Request& request) {
  std::string text{request.header("last-event-id")};
  if (text.empty()) text = request.query_value("last_event_id").value_or("");
  if (text.empty()) return uint64_t{0};
  uint64_t seq = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (wrong == std::errc{} && end == text.data() + text.size()) return seq;
  return Error{"cursor.invalid", "invalid Last-Event-ID: it must be a whole number", {}};
}

struct Asked {
  std::string run;
  const runs::View::Row& row;
  uint64_t after = 0;
};

/// Whether the run's journal on this node has the entry of that number, or a later one.
bool has_entry(JobsPort& jobs, const std::string& run, uint64_t number) {
  bool found = false;
  jobs.entries(run, number - 1)->read([&](const JournalEntry&) { return !(found = true); });
  return found;
}

/// Why a reader cannot go on behind its cursor, or cannot begin (jobs contract, section 7); empty: it can. Of
/// another node's run only what the log tells is known here.
std::string expired(JobsPort& jobs, bool here, const Asked& asked, RunFormat format) {
  const auto entry = "entry " + std::to_string(asked.after) + " of run " + asked.run;
  const auto last = asked.row.output.last;  // 0 also when its node never told, as of a run that is lost.
  if (asked.row.ended && last > 0 && asked.after > last) return entry + " is after its end";
  if (!here) return "";
  const auto oldest = jobs.oldest(asked.run);
  if (oldest == 0 && asked.row.ended && last > 0 && (asked.after > 0 || format == RunFormat::ndjson))
    return "nothing of run " + asked.run + " is kept any more: see GET /runs/" + asked.run;
  if (asked.after == 0) return "";
  if (oldest > 0 && asked.after + 1 < oldest)
    return entry + " is not kept any more; the oldest is " + std::to_string(oldest);
  return has_entry(jobs, asked.run, asked.after) ? "" : entry + " is not there yet";
}

Result<std::unique_ptr<RunEntries>> entries_for(Api& api, const Asked& asked, RunFormat format) {
  const bool here = asked.row.accepted->node == api.options().auth.node;
  if (auto why = expired(*api.options().jobs, here, asked, format); !why.empty())
    return Error{"cursor.expired", std::move(why), {}};
  return entries_of(api, asked.run, asked.row.accepted->node, asked.after);
}

void stream_route(Api& api, const Request& request, const Reply& reply, RunFormat format) {
  const std::string run{request.param("id")};
  if (!runs_jobs(api, request, reply)) return;
  if (auto may = api.may(request.principal, "events:read"); !may)  // Beside runs:read.
    return reply(problem(may.error(), request.id));
  const auto views = api.system().views();
  const auto* row = view<runs::View>(*views).runs.find(run);
  if (!row) return reply(problem({"not.found", "there is no run " + run, {}}, request.id));
  const auto after = cursor_of(request);
  if (!after) return reply(problem(after.error(), request.id));
  auto entries = entries_for(api, {run, **row, *after}, format);
  if (!entries && entries.error().code == "cursor.expired") api.run_metrics().cursor_expired();
  if (!entries) return reply(problem(entries.error(), request.id));
  reply(stream_of(std::make_unique<RunStream>(api, run, std::move(*entries), format, *after > 0),
                  format == RunFormat::sse ? "text/event-stream" : "text/x-ndjson"));
}

void all_route(Api& api, const Request& request, const Reply& reply) {
  if (!runs_jobs(api, request, reply)) return;
  if (const auto run = request.query_value("run_id")) {
    const auto views = api.system().views();
    const auto* row = view<runs::View>(*views).runs.find(*run);
    if (!row) return reply(problem({"not.found", "there is no run " + *run, {}}, request.id));
    auto entries = entries_of(api, *run, (*row)->accepted->node, 0);
    return reply(stream_of(std::make_unique<RunStream>(api, *run, std::move(entries), RunFormat::sse),
                           "text/event-stream"));
  }
  reply(stream_of(std::make_unique<AllRunsStream>(api), "text/event-stream"));
}

struct JournalShown {
  const JournalChecked& checked;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    const auto& [run, oldest, totals] = self.checked;
    visit("run_id", run);
    visit("oldest", oldest);
    visit("last", totals.last);
    visit("lines", totals.lines);
    visit("bytes", totals.bytes);
    visit("dropped", totals.dropped);
    visit("digest", to_hex(totals.digest));
  }
};

/// Reads all of it, where it is.
void check_route(Api& api, const Request& request, const Reply& reply) {
  if (!runs_jobs(api, request, reply)) return;
  const std::string run{request.param("id")};
  const auto views = api.system().views();
  const auto* row = view<runs::View>(*views).runs.find(run);
  if (!row) return reply(problem({"not.found", "there is no run " + run, {}}, request.id));
  if (const auto& node = (*row)->accepted->node; node != api.options().auth.node && !request.inside)
    return api.hand_to(node, request, reply);
  api.options().jobs->check(
    run, [reply, id = std::string(request.id)](const Result<JournalChecked>& checked) {
      reply(checked ? json_response(to_json_text(JournalShown{*checked})) : problem(checked.error(), id));
    });
}

/// For another member: entries after a number, each a line [seq, ms, kind, step, text].
void journal_route(Api& api, const Request& request, const Reply& reply) {
  const auto after = number_from_query(request, "after", 0);
  if (!after) return reply(problem(after.error(), request.id));
  Response response;
  response.content_type = "text/plain";
  if (api.options().jobs) {
    auto entries = api.options().jobs->entries(std::string(request.param("id")), *after);
    entries->read([&](const JournalEntry& entry) {
      const Json line{entry.seq, entry.at.time_since_epoch().count(), static_cast<int>(entry.kind),
                      entry.step, entry.text};
      response.body += line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
      return response.body.size() < kJournalBytes;
    });
  }
  reply(std::move(response));
}

}  // namespace

void add_run_stream_routes(Api& api) {
  auto& router = api.router();
  const auto add = [&](std::string pattern, Handler handler, std::string action) {
    router.add({Method::get, std::move(pattern), std::move(handler), std::move(action), false, true});
  };
  add(
    "/runs/{id}/events",
    [&api](const Request& q, const Reply& r) { stream_route(api, q, r, RunFormat::sse); }, "runs:read");
  add(
    "/runs/{id}/events.ndjson",
    [&api](const Request& q, const Reply& r) {
      if (!api.options().export_runs)
        return r(with(
          problem({"extension.unsupported", "the extension export is off: --extension export", {}}, q.id),
          {{"extension", "export"}}));
      stream_route(api, q, r, RunFormat::ndjson);
    },
    "runs:read");
  add(
    "/runs/{id}/journal", [&api](const Request& q, const Reply& r) { check_route(api, q, r); }, "runs:read");
  add(
    "/events", [&api](const Request& q, const Reply& r) { all_route(api, q, r); }, "events:read");
  Route inside{Method::get, "/v1/runs/{id}/journal",
               [&api](const Request& q, const Reply& r) { journal_route(api, q, r); }, "authenticated"};
  inside.local = inside.inside = true;
  router.add(std::move(inside));
}

}  // namespace muster::http

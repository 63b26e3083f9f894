// From entries of a journal to what a reader gets.
#include "http/run_stream.hpp"

#include "http/remote_entries.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeepAlive{15};
/// A run that has ended and whose journal lacks the end: its node is gone, or never had it.
constexpr std::chrono::seconds kEndWithin{2};

Bytes bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Newlines in data make several lines of it; JSON has none.
std::string sse(std::string_view id, const RunEvent& event) {
  std::string frame;
  frame.reserve(event.data.size() + event.type.size() + 48);
  if (!id.empty()) frame.append("id: ").append(id).append("\n");
  frame.append("event: ").append(event.type).append("\ndata: ").append(event.data).append("\n\n");
  return frame;
}

std::string ndjson(uint64_t seq, Time at, const RunEvent& event) {
  return "{\"sequence\":" + std::to_string(seq) + ",\"timestamp\":\"" + to_rfc3339(at) + "\",\"event\":\"" +
         event.type + "\",\"data\":" + event.data + "}\n";
}

const char* name_of(RunFormat format) {
  return format == RunFormat::sse ? "sse" : "ndjson";
}

Time began(const runs::View::Row& row) {
  return row.started_at == Time{} ? row.accepted_at : row.started_at;
}

RunEvent cancel_of(const runs::View::Row& row) {
  Json data{{"run_id", row.accepted->run},
            {"job_id", row.accepted->job},
            {"status", "canceled"},
            {"timestamp", to_rfc3339(row.finished_at)},
            {"reason", row.reason}};
  if (!row.accepted->runtime.empty()) data["runtime"] = row.accepted->runtime;
  if (auto provenance = parse_json(row.accepted->provenance.text))
    data["provenance"] = std::move(*provenance);
  return {"run.canceled", dump(data)};
}

RunEvent end_of(const runs::View::Row& row) {
  Json data{{"run_id", row.accepted->run},
            {"job_id", row.accepted->job},
            {"started_at", to_rfc3339(began(row))},
            {"executor", row.accepted->executor},
            {"status", row.status},
            {"finished_at", to_rfc3339(row.finished_at)}};
  if (!row.error.empty()) data["error"] = row.error;
  return {"run.finish", dump(data)};
}

}  // namespace

RunStream::RunStream(Api& api, std::string run, std::unique_ptr<RunEntries> entries, RunFormat format,
                     bool resumed)
  : api_(api), run_(std::move(run)), entries_(std::move(entries)), format_(format) {
  api_.run_metrics().stream_opened(name_of(format_), resumed);
}

RunStream::~RunStream() {
  api_.run_metrics().stream_closed(name_of(format_));
}

RunEvent RunTeller::event(const JournalEntry& entry, const runs::View::Row& row) {
  give_up_.reset();
  if (entry.kind == EntryKind::event) {
    const auto space = entry.text.find(' ');
    if (space == std::string_view::npos) return {std::string(entry.text), "{}"};
    RunEvent event{std::string(entry.text.substr(0, space)), std::string(entry.text.substr(space + 1))};
    told_cancel_ = told_cancel_ || event.type == "run.canceled";
    told_end_ = event.type == "run.finish";
    nothing_follows_ = event.type == "journal.corrupt" ||
                       (row.ended && event.type == "journal.evicted" && entry.seq >= row.output.last);
    if (event.type == "run.start")
      if (const auto data = parse_json(event.data)) began_ = data->value("started_at", "");
    if (event.type.starts_with("journal."))  // What a reader finds says of which run it is.
      if (auto data = parse_json(event.data)) {
        data->update({{"run_id", row.accepted->run}, {"job_id", row.accepted->job}});
        event.data = dump(*data);
      }
    return event;
  }
  const auto& run = *row.accepted;
  std::string data = "{\"run_id\":";
  const auto member = [&](const char* name, std::string_view text) {
    data.append(",\"").append(name).append("\":");
    append_json_string(data, text);
  };
  append_json_string(data, run.run);
  member("job_id", run.job);
  member("started_at", began_.empty() ? to_rfc3339(began(row)) : began_);
  member("executor", run.executor);
  if (!run.runtime.empty()) member("runtime", run.runtime);
  if (entry.step < row.steps.size()) member("step", row.steps[entry.step].id);
  member("channel", entry.kind == EntryKind::out ? "stdout" : "stderr");
  if (is_utf8(entry.text))
    member("message", entry.text);
  else
    data += ",\"message\":" + dump(Json(entry.text));
  data += '}';
  return {"step.log", std::move(data)};
}

bool RunTeller::gives_up(const runs::View::Row& row, SteadyClock::time_point now) {
  if (nothing_follows_) return true;
  if (!row.ended) return false;
  if (!give_up_) give_up_ = row.started_at == Time{} ? now : now + kEndWithin;
  return now >= *give_up_;
}

std::vector<RunEvent> RunTeller::farewell(const runs::View::Row& row) const {
  std::vector<RunEvent> left;
  if (row.status == "canceled" && !told_cancel_) left.push_back(cancel_of(row));
  left.push_back(end_of(row));
  return left;
}

std::string RunStream::line(const JournalEntry& entry, const runs::View::Row& row) {
  const auto event = teller_.event(entry, row);
  return format_ == RunFormat::sse ? sse(std::to_string(entry.seq), event)
                                   : ndjson(entry.seq, entry.at, event);
}

Stream::State RunStream::pull(std::vector<Bytes>& into, size_t limit) {
  const auto now = SteadyClock::now();
  if (!std::exchange(began_, true) && format_ == RunFormat::sse)
    into.push_back(bytes("retry: 2000\n:connected\n\n"));
  const auto views = api_.system().views();
  const auto* row = view<runs::View>(*views).runs.find(run_);
  if (!row || teller_.told_end()) return State::ended;
  std::string text;
  if (teller_.reads_on())
    entries_->read([&](const JournalEntry& entry) {
      text += line(entry, **row);
      return text.size() < limit && teller_.reads_on();
    });
  if (!text.empty()) {
    quiet_since_ = now;
    into.push_back(bytes(std::move(text)));
    return teller_.told_end() ? State::ended : State::more;
  }
  if (teller_.gives_up(**row, now)) {
    for (const auto& event : teller_.farewell(**row))
      text +=
        format_ == RunFormat::sse ? sse("", event) : ndjson((*row)->output.last, (*row)->finished_at, event);
    into.push_back(bytes(std::move(text)));
    return State::ended;
  }
  if (format_ == RunFormat::sse && now >= quiet_since_ + kKeepAlive) {
    quiet_since_ = now;
    into.push_back(bytes(":keep-alive\n\n"));
  }
  return State::idle;
}

std::optional<SteadyClock::time_point> RunStream::wake_at() const {
  auto at = quiet_since_ + kKeepAlive;
  if (const auto gives_up = teller_.gives_up_at()) at = std::min(at, *gives_up);
  if (const auto again = entries_->again_at()) at = std::min(at, *again);
  return at;
}

AllRunsStream::AllRunsStream(Api& api) : api_(api) {
  TailRequest tail;
  tail.from = api.tails().last() + 1;
  tail.follow = true;
  tail.filter = {"policy.decided", "policy"};
  policy_ = api.tails().open(tail);
  const auto views = api.system().views();
  const auto& all = view<runs::View>(*views);
  ended_to_ = views->seq;
  all.starting.each([&](const std::string& run, const auto&) {
    const auto& row = **all.runs.find(run);
    seen_.insert(run);
    auto entries = entries_of(api_, run, row.accepted->node, 0);
    if (row.accepted->node == api_.options().auth.node)  // What it printed before is not told.
      entries->read([](const JournalEntry&) { return true; });
    followed_[run] = {std::move(entries)};
  });
}

void AllRunsStream::look_for_runs() {
  const auto views = api_.system().views();
  const auto& all = view<runs::View>(*views);
  all.starting.each([&](const std::string& run, const auto&) {
    if (seen_.insert(run).second) follow(run, all);
  });
  // Those, too, that ended between two looks, or in the queue.
  all.ended.each_from(ended_to_ + 1, [&](uint64_t seq, const runs::View::Id& id) {
    ended_to_ = seq;
    if (seen_.erase(id.run) == 0) follow(id.run, all);
    return true;
  });
}

void AllRunsStream::follow(const std::string& run, const runs::View& all) {
  followed_[run] = {entries_of(api_, run, (*all.runs.find(run))->accepted->node, 0)};
}

/// What a run's journal has now, and its end where it has none; `done`: nothing more will be told.
std::string AllRunsStream::told_of(const std::string& run, size_t limit, bool& done) {
  const auto views = api_.system().views();
  const auto* row = view<runs::View>(*views).runs.find(run);
  if (!row) {
    done = true;
    return "";
  }
  std::string text;
  auto& followed = followed_.at(run);
  auto& teller = followed.teller;
  if (teller.reads_on())
    followed.entries->read([&](const JournalEntry& entry) {
      text += sse(std::to_string(entry.seq), teller.event(entry, **row));
      return text.size() < limit && teller.reads_on();
    });
  done = teller.told_end();
  if (!text.empty() || !teller.gives_up(**row, SteadyClock::now())) return text;
  done = true;
  for (const auto& event : teller.farewell(**row)) text += sse("", event);
  return text;
}

/// What was denied has no run: it is told from the log.
size_t AllRunsStream::denials(std::vector<Bytes>& into, size_t limit) {
  std::vector<Bytes> lines;
  policy_->pull(lines, limit);
  size_t taken = 0;
  for (const auto& line : lines) {
    const auto record = read_line(std::string_view{*line}.substr(0, line->size() - 1));
    if (!record) continue;
    const auto* denied = std::get_if<runs::PolicyDecided>(&record->event);
    if (!denied) continue;
    Json data{{"run_id", denied->run},
              {"job_id", denied->job},
              {"security_profile", denied->profile},
              {"executor", denied->executor},
              {"runtime", denied->runtime},
              {"timestamp", to_rfc3339(record->envelope.time)},
              {"subject", denied->subject},
              {"decision", denied->decision},
              {"code", denied->code},
              {"reason", denied->reason}};
    if (!denied->source.empty()) data["source"] = denied->source;
    into.push_back(bytes(sse("", {"policy.decision", dump(data)})));
    taken += into.back()->size();
  }
  return taken;
}

Stream::State AllRunsStream::pull(std::vector<Bytes>& into, size_t limit) {
  if (!std::exchange(began_, true)) into.push_back(bytes(":connected\n\n"));
  look_for_runs();
  size_t taken = denials(into, limit);
  for (auto at = followed_.begin(); at != followed_.end() && taken < limit;) {
    bool done = false;
    auto text = told_of(at->first, limit - taken, done);
    taken += text.size();
    if (!text.empty()) into.push_back(bytes(std::move(text)));
    at = done ? followed_.erase(at) : std::next(at);
  }
  const auto now = SteadyClock::now();
  if (taken > 0) {
    quiet_since_ = now;
    return State::more;
  }
  if (now >= quiet_since_ + kKeepAlive) {
    quiet_since_ = now;
    into.push_back(bytes(":keep-alive\n\n"));
  }
  return State::idle;
}

std::optional<SteadyClock::time_point> AllRunsStream::wake_at() const {
  auto at = quiet_since_ + kKeepAlive;
  for (const auto& [run, followed] : followed_) {
    if (const auto gives_up = followed.teller.gives_up_at()) at = std::min(at, *gives_up);
    if (const auto again = followed.entries->again_at()) at = std::min(at, *again);
  }
  return at;
}

}  // namespace muster::http

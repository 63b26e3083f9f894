// Folding runs.
#include "projections/runs.hpp"

#include <algorithm>
#include <map>

namespace muster::runs {
namespace {

View::StepRow* step_of(View::Row& row, const std::string& id) {
  const auto at =
    std::find_if(row.steps.begin(), row.steps.end(), [&](const auto& step) { return step.id == id; });
  return at == row.steps.end() ? nullptr : &*at;
}

}  // namespace

/// The row to write to; nothing when no such run is known.
View::Row* View::row_of(const std::string& run, const Record& record) {
  auto* shared = runs.edit(run);
  if (!shared) return nullptr;
  auto& row = shared->edit();
  row.seq = about.changed = record.seq;
  return &row;
}

void View::accept(const Accepted& event, const Record& record) {
  if (runs.contains(event.run)) return;
  Row row;
  row.accepted = record.shared(event);
  row.actor = record.envelope.actor;
  row.status = "queued";
  row.accepted_at = record.envelope.time;
  for (const auto& step : event.steps) row.steps.push_back({step.id, step.name, "pending", 0, 0, "", {}, {}});
  row.first = row.seq = about.changed = record.seq;
  runs[event.run] = std::move(row);
  newest[~record.seq] = {event.run};
  queue[rank_of(event.priority, record.seq)] = {event.run};
  nodes[event.node].runs++;
}

void View::finish(const Finished& event, const Record& record) {
  auto* row = row_of(event.run, record);
  if (!row || row->ended) return;
  row->ended = true;
  if (row->status != "canceled") row->status = event.status;
  row->finished_at = event.at;
  row->exit_code = event.exit_code;
  row->error = event.error;
  row->output = {event.bytes, event.lines, event.dropped, event.last, event.digest};
  queue.erase(rank_of(row->accepted->priority, row->first));
  starting.erase(event.run);
  if (auto* live = nodes.edit(row->accepted->node); live && --live->runs == 0)
    nodes.erase(row->accepted->node);
  ended[record.seq] = {event.run};
  for (; ended.size() > kMaxEnded; ended.erase_first()) {
    const auto& oldest = ended.first()->second.run;
    newest.erase(~(*runs.find(oldest))->first);
    runs.erase(oldest);
  }
}

void View::fold(const Record& record) {
  const auto touch = [&](const std::string& run, auto&& change) {
    auto* row = row_of(run, record);
    if (row && !row->ended) change(*row);
  };
  const auto began = [](Row& row, Time at) {
    if (row.started_at == Time{}) row.started_at = at;
    if (row.status == "queued") row.status = "running";
  };
  match(record.event)(
    [&](const Accepted& e) { accept(e, record); },
    [&](const Dispatched& e) {
      touch(e.run, [&](Row& row) {
        row.dispatched_at = record.envelope.time;
        queue.erase(rank_of(row.accepted->priority, row.first));
        starting[e.run] = {e.run};
      });
    },
    [&](const Started& e) { touch(e.run, [&](Row& row) { began(row, e.at); }); },
    [&](const StepStarted& e) {
      touch(e.run, [&](Row& row) {
        began(row, e.at);
        if (auto* step = step_of(row, e.step))
          *step = {std::move(step->id), std::move(step->name), "running", e.attempt, 0, "", e.at, {}};
      });
    },
    [&](const StepFinished& e) {
      touch(e.run, [&](Row& row) {
        if (auto* step = step_of(row, e.step)) {
          step->status = e.status;
          step->attempt = e.attempt;
          step->exit_code = e.exit_code;
          step->error = e.error;
          step->finished_at = e.at;
        }
      });
    },
    [&](const Finished& e) { finish(e, record); },
    [&](const Canceled& e) {
      touch(e.run, [&](Row& row) {
        row.status = "canceled";
        row.reason = e.reason;
      });
    },
    [&](const nodes::Forgotten& e) {
      if (auto* live = nodes.edit(e.node)) live->gone = true;
    },
    [&](const nodes::Registered& e) {
      if (const auto* live = nodes.find(e.node); live && live->gone) nodes[e.node].gone = false;
    },
    [](const auto&) {});
}

std::vector<Waiting> waiting(const View& view, const Limits& limits) {
  std::vector<Waiting> all;
  if (view.queue.empty()) return all;
  std::map<std::string, uint64_t> on_node, of_job;
  std::map<std::string, std::string> holder;
  view.starting.each([&](const std::string& id, const View::Id&) {
    const auto& run = *(*view.runs.find(id))->accepted;
    on_node[run.node]++;
    of_job[job_key(run.source, run.job)]++;
    if (!run.group.empty()) holder[run.group] = id;
  });
  const auto why = [&](const Accepted& run) -> std::string {
    if (const auto first = holder.find(run.group); !run.group.empty() && first != holder.end())
      return "run " + first->second + " of the group " + run.group + " has not ended";
    if (on_node[run.node] >= limits.per_node)
      return "node " + run.node + " runs " + std::to_string(on_node[run.node]) +
             " at once (limit max-runs-per-node)";
    if (const auto same = of_job[job_key(run.source, run.job)]; same >= limits.per_job)
      return "job " + run.job + " runs " + std::to_string(same) + " times at once (limit max-runs-per-job)";
    return "its turn comes now";
  };
  view.queue.each([&](const std::string&, const View::Id& id) {
    all.push_back({id.run, all.size() + 1, why(*(*view.runs.find(id.run))->accepted)});
  });
  return all;
}

std::vector<std::string> gone_nodes(const View& view, size_t limit) {
  std::vector<std::string> all;
  view.nodes.each_from(std::string{}, [&](const std::string& node, const View::Live& live) {
    if (live.gone) all.push_back(node);
    return all.size() < limit;
  });
  return all;
}

}  // namespace muster::runs

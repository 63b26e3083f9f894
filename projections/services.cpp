// Folding what nodes report of their services, and comparing it with their plans.
#include "projections/services.hpp"

#include <algorithm>

namespace muster::services {
namespace {

bool is_up(const View::Service& service) {
  return service.state == "running" || service.state == "starting";
}

std::string described(const View::Service& service) {
  auto text = service.state;
  if (!service.reason.empty()) text += ": " + service.reason;
  return text;
}

}  // namespace

std::string View::key(std::string_view node, std::string_view service) {
  return std::string(node).append("\n").append(service);
}

std::pair<std::string, std::string> View::parts_of(const std::string& key) {
  const auto at = std::min(key.find('\n'), key.size());
  return {key.substr(0, at), key.substr(std::min(at + 1, key.size()))};
}

/// The row to write to; nothing when the node has as many as it may.
View::Service* View::row_of(const std::string& node, const std::string& service) {
  auto& of = nodes[node];
  const auto at = key(node, service);
  if (!services.contains(at)) {
    if (of.services >= kMaxPerNode) return nullptr;
    of.services++;
  }
  return &services[at].edit();
}

void View::forget(const std::string& node) {
  std::vector<std::string> gone;
  each_of(node, [&](const std::string& one, const Service&) { gone.push_back(key(node, one)); });
  for (const auto& at : gone) services.erase(at);
  nodes.erase(node);
}

void View::fold(const Record& record) {
  const auto touch = [&](const Fact& fact, auto&& change) {
    about.changed = record.seq;
    if (auto* row = row_of(fact.node, fact.name)) {
      row->since = fact.at;
      row->seq = record.seq;
      change(*row);
    }
    nodes[fact.node].seq = record.seq;
  };
  match(record.event)(
    [&](const Started& e) {
      touch(e, [&](Service& row) {
        const auto starts = row.starts + 1;
        row = {"starting", e.run, e.hash, e.executor, "", "", e.pid, starts, 0, 0, e.at, record.seq};
      });
    },
    [&](const Healthy& e) { touch(e, [&](Service& row) { row.state = "running"; }); },
    [&](const Exited& e) {
      touch(e, [&](Service& row) {
        row.state = e.done ? "done" : "exited";
        row.pid = 0;
        row.code = e.code;
        row.signal = e.signal;
        row.reason = e.known ? "" : "unknown";
      });
    },
    [&](const Stopped& e) {
      touch(e, [&](Service& row) {
        row.state = "stopped";
        row.pid = 0;
        row.reason = e.reason;
      });
      if (e.reason == "removed" && services.erase(key(e.node, e.name))) nodes[e.node].services--;
    },
    [&](const Failed& e) {
      touch(e, [&](Service& row) {
        row.state = "failed";
        row.reason = e.reason;
        row.message = e.message;
      });
    },
    [&](const Applied& e) {
      about.changed = record.seq;
      auto& node = nodes[e.node];
      node.applied = e.generation;
      node.applied_at = e.at;
      node.seq = record.seq;
    },
    [&](const nodes::Forgotten& e) {
      if (!nodes.contains(e.node)) return;
      about.changed = record.seq;
      forget(e.node);
    },
    [](const auto&) {});
}

std::vector<Drift> drift_of(const plans::View& plans, const View& observed, const std::string& node) {
  std::vector<Drift> found;
  const auto* reporting = observed.nodes.find(node);
  if (!reporting) return found;
  const auto* given = plans.issued.find(node);
  const std::vector<std::string> none;
  const auto& desired = given ? given->plan->services : none;
  for (const auto& name : desired) {
    const auto* row = observed.services.find(View::key(node, name));
    if (!row)
      found.push_back({node, name, "not started"});
    else if ((*row)->state != "running" && (*row)->state != "done")
      found.push_back({node, name, described(**row)});
  }
  observed.each_of(node, [&](const std::string& name, const View::Service& row) {
    if (is_up(row) && std::find(desired.begin(), desired.end(), name) == desired.end())
      found.push_back({node, name, "runs and is not planned"});
  });
  if (found.empty() && given && given->plan->generation != reporting->applied)
    found.push_back({node, "", "the newest plan is not applied yet"});
  return found;
}

std::vector<Drift> drift(const plans::View& plans, const View& observed, size_t limit) {
  std::vector<Drift> all;
  observed.nodes.each_from(std::string{}, [&](const std::string& node, const View::Node&) {
    for (auto& one : drift_of(plans, observed, node)) {
      if (all.size() == limit) return false;
      all.push_back(std::move(one));
    }
    return true;
  });
  return all;
}

}  // namespace muster::services

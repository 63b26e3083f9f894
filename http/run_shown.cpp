// Writing runs.
#include "http/run_shown.hpp"

namespace muster::http {
namespace {

constexpr uint64_t kPerPage = 50, kMaxPerPage = 200;  // Jobs contract, section 9.

struct ResultShown {
  RawJson resolved_args;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("resolved_args", self.resolved_args);
  }
};

/// Entries that went to make room.
struct JournalShown {
  uint64_t oldest = 0;  ///< That is kept; 0: none is.
  uint64_t evicted = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("oldest", self.oldest);
    visit("evicted", self.evicted);
  }
};

}  // namespace

/// A run as the contract has it (section 9), and what else is known of it.
struct RunShower::Shown {
  std::string id;
  const runs::View::Row& row;
  const runs::Accepted& run;
  std::string status;
  std::optional<Place> queue{};
  std::optional<JournalShown> journal{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    const auto& row = self.row;
    const auto& run = self.run;
    const auto when_ended = [&](const auto& value) {
      return row.ended ? std::optional(value) : std::nullopt;
    };
    visit("id", self.id);
    visit("job_id", run.job);
    visit("name", run.name);
    visit("status", self.status);
    visit("accepted_at", row.accepted_at);
    visit("dispatched_at", row.dispatched_at);
    visit("started_at", row.started_at == Time{} ? row.accepted_at : row.started_at);
    visit("finished_at", row.finished_at);
    if (!run.args.text.empty()) visit("result", ResultShown{run.args});
    visit("executor", run.executor);
    visit("runtime", run.runtime);
    visit("security_profile", run.profile);
    visit("provenance", run.provenance);
    visit("node_id", run.node);
    visit("requested_by", row.actor);
    visit("reason", row.reason);
    visit("exit_code", when_ended(row.exit_code));
    visit("error", row.error);
    visit("output", when_ended(row.output));
    visit("journal", self.journal);
    visit("queue", self.queue);
    visit("group", run.group);
    visit("priority", run.priority);
    visit("of", run.of);
    visit("from_step", run.from_step);
    visit("steps", row.steps);
  }
};

void RunShower::append(std::string& out, const std::string& id, const runs::View::Row& row,
                       std::string status, std::optional<uint64_t> oldest) {
  if (status.empty()) status = row.status;
  Shown shown{id, row, *row.accepted, std::move(status)};
  if (shown.status == "queued") shown.queue = place_of(id, row);
  if (oldest) {
    const auto evicted = *oldest > 0 ? *oldest - 1 : row.ended ? row.output.last : 0;
    if (evicted > 0) shown.journal = JournalShown{*oldest, evicted};
  }
  append_fields(out, shown);
}

std::optional<RunShower::Place> RunShower::place_of(const std::string& id, const runs::View::Row& row) {
  if (row.dispatched_at != Time{}) return std::nullopt;
  if (!looked_) waiting_ = runs::waiting(view_, limits_);
  looked_ = true;
  for (const auto& one : waiting_)
    if (one.run == id) return Place{one.position, one.reason};
  return std::nullopt;
}

Result<Pages> pages_of(const Request& request) {
  const auto page = number_from_query(request, "page", 1);
  const auto per_page = number_from_query(request, "per_page", kPerPage);
  std::vector<FieldError> faults;
  if (!page || *page == 0) faults.push_back({"?page", "must be a whole number from 1 on"});
  if (!per_page || *per_page == 0 || *per_page > kMaxPerPage)
    faults.push_back({"?per_page", "must be from 1 to " + std::to_string(kMaxPerPage)});
  if (!faults.empty())
    return Error{"pagination.invalid", faults.front().pointer.substr(1) + " " + faults.front().message,
                 faults};
  const auto before = *page - 1;
  return Pages{before > runs::kMaxEnded * kMaxPerPage ? UINT64_MAX : before * *per_page, *per_page};
}

}  // namespace muster::http

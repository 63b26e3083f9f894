// Runs as the log tells of them: GET /runs and GET /runs/{id}, and who waits for what.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::runs {

struct View {
  static constexpr std::string_view name = "runs";
  static constexpr int version = 1;

  struct StepRow {
    std::string id, name;
    std::string status;  ///< pending, running, completed, failed or skipped.
    uint64_t attempt = 0;
    int64_t exit_code = 0;  ///< Once it ended.
    std::string error;
    Time started_at{}, finished_at{};  ///< On the node's clock.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("id", self.id);
      visit("name", self.name);
      visit("status", self.status);
      visit("attempt", self.attempt);
      visit("exit_code", self.exit_code);
      visit("error", self.error);
      visit("started_at", self.started_at);
      visit("finished_at", self.finished_at);
    }
  };
  struct Output {
    uint64_t bytes = 0, lines = 0, dropped = 0, last = 0;
    std::string digest;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("bytes", self.bytes);
      visit("lines", self.lines);
      visit("dropped", self.dropped);
      visit("last", self.last);
      visit("digest", self.digest);
    }
  };
  struct Row {
    Shared<Accepted> accepted;
    std::string actor;   ///< Who asked for it.
    std::string status;  ///< queued, running, completed, failed, canceled or lost.
    std::string reason;  ///< Why it was canceled.
    Time accepted_at{}, dispatched_at{};
    Time started_at{}, finished_at{};  ///< As the node says.
    std::vector<StepRow> steps;
    int64_t exit_code = 0;  ///< Once it ended.
    std::string error;
    Output output;
    bool ended = false;
    uint64_t first = 0, seq = 0;  ///< Of the records that began it and that changed it last.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("accepted", self.accepted);
      visit("actor", self.actor);
      visit("status", self.status);
      visit("reason", self.reason);
      visit("accepted_at", self.accepted_at);
      visit("dispatched_at", self.dispatched_at);
      visit("started_at", self.started_at);
      visit("finished_at", self.finished_at);
      visit("steps", self.steps);
      visit("exit_code", self.exit_code);
      visit("error", self.error);
      visit("output", self.output);
      visit("ended", self.ended);
      visit("first", self.first);
      visit("seq", self.seq);
    }
  };
  struct Id {
    std::string run;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("run", self.run);
    }
  };
  struct Live {
    uint64_t runs = 0;  ///< That have not ended.
    bool gone = false;  ///< The node was taken off the list, and has not come back.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("runs", self.runs);
      visit("gone", self.gone);
    }
  };

  About about;
  PagedMap<std::string, Shared<Row>> runs;
  PagedMap<uint64_t, Id> newest;       ///< By ~seq of their acceptance: the newest first.
  PagedMap<uint64_t, Id> ended;        ///< By the seq of their end: the order in which they go.
  PagedMap<std::string, Id> queue;     ///< Not dispatched, by rank_of.
  PagedMap<std::string, Id> starting;  ///< Dispatched and not ended, by run id.
  PagedMap<std::string, Live> nodes;   ///< Those with runs that have not ended.

  /// Calls visit(id, row) for `limit` runs from the newest on, after the first `skip`.
  template <class Visit>
  void each_newest(uint64_t skip, uint64_t limit, Visit&& visit) const {
    newest.each_from(uint64_t{0}, [&](uint64_t, const Id& id) {
      if (skip > 0) {
        skip--;
        return true;
      }
      if (limit == 0) return false;
      limit--;
      visit(id.run, **runs.find(id.run));
      return true;
    });
  }

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("runs", self.runs);
    visit("newest", self.newest);
    visit("ended", self.ended);
    visit("queue", self.queue);
    visit("starting", self.starting);
    visit("nodes", self.nodes);
  }

private:
  void accept(const Accepted& event, const Record& record);
  void finish(const Finished& event, const Record& record);
  Row* row_of(const std::string& run, const Record& record);
};

/// A run that waits for its turn.
struct Waiting {
  std::string run;
  uint64_t position = 0;  ///< From 1: who leaves the queue first when all could.
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("position", self.position);
    visit("reason", self.reason);
  }
};
/// Everybody who waits, in the order of the queue.
[[nodiscard]] std::vector<Waiting> waiting(const View& view, const Limits& limits);

/// Nodes that were taken off the list and have runs that are not ended yet; at most `limit`.
[[nodiscard]] std::vector<std::string> gone_nodes(const View& view, size_t limit);

}  // namespace muster::runs

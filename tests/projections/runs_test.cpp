// Shows what the log says of runs: how they go, who waits and why, and that old ones go.
#include "projections/runs.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::runs;
using Events = std::vector<AnyEvent>;

namespace {

Accepted asked(const std::string& run, int64_t priority = 0) {
  Accepted made;
  made.run = run;
  made.job = "demo";
  made.node = "n1";
  made.priority = priority;
  made.steps = {{"build", "Build"}};
  return made;
}

template <class Made>
Made fact(const std::string& run) {
  Made made;
  made.run = run;
  made.node = "n1";
  made.at = given::after(std::chrono::hours(1));
  return made;
}

Finished ended(const std::string& run, const std::string& status) {
  auto made = fact<Finished>(run);
  made.status = status;
  made.bytes = 17;
  made.digest = std::string(64, 'a');
  return made;
}

std::vector<std::string> newest(const View& view, uint64_t skip, uint64_t limit) {
  std::vector<std::string> all;
  view.each_newest(skip, limit, [&](const std::string& id, const View::Row&) { all.push_back(id); });
  return all;
}

}  // namespace

TEST_CASE("a run shows its steps, its times, who asked for it and what it put out", "[S3-35]") {
  auto step = fact<StepStarted>("r1");
  step.step = "build";
  step.attempt = 2;
  auto done = fact<StepFinished>("r1");
  done.step = "build";
  done.attempt = 2;
  done.exit_code = 3;
  done.status = "failed";
  const Events events{asked("r1"), Dispatched{"r1", "n1"}, fact<Started>("r1"), step, done};
  auto view = given::folded<View>(events);
  const auto& row = **view.runs.find("r1");
  CHECK(row.status == "running");
  CHECK(row.actor == "alice");
  CHECK(row.accepted_at == given::kStart);
  CHECK(row.dispatched_at == given::after(std::chrono::seconds(1)));
  CHECK(row.started_at == given::after(std::chrono::hours(1)));
  REQUIRE(row.steps.size() == 1);
  CHECK((row.steps[0].status == "failed" && row.steps[0].attempt == 2 && row.steps[0].exit_code == 3));
  view.fold(given::record(6, given::kStart, ended("r1", "failed")));
  const auto& last = **view.runs.find("r1");
  CHECK((last.ended && last.status == "failed" && last.output.bytes == 17));
  CHECK((view.queue.empty() && view.starting.empty() && view.nodes.empty()));
}

TEST_CASE("what is canceled stays canceled, and what has ended changes no more", "[S3-37]") {
  const Events events{
    asked("r1"),           Dispatched{"r1", "n1"}, Canceled{"r1", "enough"}, ended("r1", "completed"),
    ended("r1", "failed"), fact<Started>("r1"),    Canceled{"r1", "late"}};
  const auto view = given::folded<View>(events);
  const auto& row = **view.runs.find("r1");
  CHECK((row.status == "canceled" && row.reason == "enough" && row.started_at == Time{}));
  CHECK(view.ended.size() == 1);
}

TEST_CASE("runs are listed from the newest on, page by page", "[S3-34]") {
  const auto view = given::folded<View>({asked("a"), asked("b"), asked("c")});
  CHECK(newest(view, 0, 2) == std::vector<std::string>{"c", "b"});
  CHECK(newest(view, 2, 2) == std::vector<std::string>{"a"});
  CHECK(newest(view, 9, 2).empty());
}

TEST_CASE("everybody who waits has a place and a reason") {
  auto grouped = asked("g1");
  grouped.group = "g";
  auto behind = asked("g2", 5);
  behind.group = "g";
  const auto view =
    given::folded<View>({grouped, Dispatched{"g1", "n1"}, asked("low", -1), asked("high", 1), behind});
  const auto all = waiting(view, Limits{1, 9, 9});
  REQUIRE(all.size() == 3);
  CHECK(
    (all[0].run == "g2" && all[0].position == 1 && all[0].reason == "run g1 of the group g has not ended"));
  CHECK((all[1].run == "high" && all[1].reason == "node n1 runs 1 at once (limit max-runs-per-node)"));
  CHECK((all[2].run == "low" && all[2].position == 3));
  CHECK(waiting(view, Limits{9, 1, 9})[1].reason == "job demo runs 1 times at once (limit max-runs-per-job)");
  CHECK(waiting(view, Limits{9, 9, 9})[1].reason == "its turn comes now");
}

TEST_CASE("a node that was taken off the list is gone until it registers or its runs end") {
  Events events{asked("r1"), nodes::Forgotten{"n2"}};
  CHECK(gone_nodes(given::folded<View>(events), 9).empty());
  events.emplace_back(nodes::Forgotten{"n1"});
  CHECK(gone_nodes(given::folded<View>(events), 9) == std::vector<std::string>{"n1"});
  auto again = events;
  again.emplace_back(given::registered("n1"));
  CHECK(gone_nodes(given::folded<View>(again), 9).empty());
  events.emplace_back(ended("r1", "lost"));
  CHECK(gone_nodes(given::folded<View>(events), 9).empty());
}

TEST_CASE("of the runs that ended only the last are kept") {
  View view;
  for (uint64_t i = 1; i <= kMaxEnded + 1; i++) {
    const auto run = "r" + std::to_string(i);
    view.fold(given::record(2 * i, given::kStart, asked(run)));
    view.fold(given::record(2 * i + 1, given::kStart, ended(run, "completed")));
  }
  CHECK(view.runs.size() == kMaxEnded);
  CHECK(view.newest.size() == kMaxEnded);
  CHECK_FALSE(view.runs.contains("r1"));
}

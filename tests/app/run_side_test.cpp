// A node's side of runs when the node comes back: what it begins, what it tells, and what it leaves alone.
#include "app/jobs/run_side.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "adapters/execution_parts.hpp"
#include "app/jobs/run_parts.hpp"
#include "events/log/memory_disk.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::app;
namespace fs = std::filesystem;

namespace {

/// A folder of runs, what the log says of them, and what is told of them.
class Node {
public:
  Node() {
    std::string pattern = (fs::temp_directory_path() / "side-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    options.node = "n1";
    options.data = root_ + "/data";
    options.memory = root_ + "/memory";
    fs::create_directories(options.memory);
    options.views = [this] { return views_; };
    options.cancel = [this](const std::string& run, const std::string&) {
      const std::lock_guard lock{mutex_};
      taken_back_.push_back(run);
    };
    options.send = [this](const runs::Report& report,
                          const std::function<void(const Result<uint64_t>&)>& then) {
      const std::lock_guard lock{mutex_};
      told_.insert(told_.end(), report.facts.begin(), report.facts.end());
      then(match(report.facts.back())([](const auto& fact) { return fact.local_seq; }));
    };
  }
  ~Node() { fs::remove_all(root_); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void log_says(const std::vector<AnyEvent>& events) {
    ViewSet set;
    set.seq = events.size();
    std::get<runs::View>(set.views) = given::folded<runs::View>(events);
    views_ = std::make_shared<const ViewSet>(std::move(set));
  }
  /// What a run needs that has not begun: it would touch a file.
  void holds(const std::string& run) const {
    RunOrder order;
    order.run = run;
    order.folder = options.data + "/runs/" + run;
    order.memory = options.memory + "/" + run;
    StepOrder step;
    step.id = "one";
    step.command = {"/bin/sh", "-c", "echo x >" + root_ + "/" + run + ".ran"};
    step.folder = root_;
    order.steps.push_back(std::move(step));
    REQUIRE(make_folders(order));
    REQUIRE(replace_file(order.memory + "/order", to_json_text(order)));
  }
  [[nodiscard]] bool held(const std::string& run) const { return fs::exists(options.memory + "/" + run); }
  [[nodiscard]] bool ran(const std::string& run) const { return fs::exists(root_ + "/" + run + ".ran"); }

  std::vector<runs::Told> told() {
    const std::lock_guard lock{mutex_};
    return told_;
  }
  std::vector<std::string> taken_back() {
    const std::lock_guard lock{mutex_};
    return taken_back_;
  }

  RunSideOptions options;
  log::MemoryDisk disk;

private:
  std::string root_;
  std::shared_ptr<const ViewSet> views_;
  std::mutex mutex_;
  std::vector<runs::Told> told_;
  std::vector<std::string> taken_back_;
};

runs::Accepted accepted(const std::string& run) {
  runs::Accepted made;
  made.run = run;
  made.job = "demo";
  made.node = "n1";
  made.steps = {{"one", "One"}};
  return made;
}

/// How the first thing that was told says that a run ended; empty when it says something else.
std::string ended(const std::vector<runs::Told>& told) {
  const auto* end = told.empty() ? nullptr : std::get_if<runs::Finished>(&told.front());
  return end ? end->run + " " + end->status : "";
}

}  // namespace

TEST_CASE("a run that was canceled before it began is not begun by a node that comes back", "[S3-37]") {
  Node node;
  node.holds("r1");
  node.log_says({accepted("r1"), runs::Dispatched{"r1", "n1"}, runs::Canceled{"r1", "by request"}});
  RunSide side{node.disk, node.options};
  side.start();
  REQUIRE(eventually([&] { return !node.told().empty(); }));
  CHECK(ended(node.told()) == "r1 canceled");
  side.stop();
  CHECK_FALSE(node.held("r1"));
  CHECK_FALSE(node.ran("r1"));
  CHECK_FALSE(fs::exists(node.options.memory));  // Nothing goes on: a node takes no memory that is gone.
}

TEST_CASE("an end that waits to be told is told, and its run is not taken for lost") {
  Node node;
  node.log_says({accepted("r1"), runs::Dispatched{"r1", "n1"}, accepted("r2"), runs::Dispatched{"r2", "n1"}});
  {
    RunFacts facts{node.disk, "n1", [](const runs::Report&, const auto&) {}};
    runs::Finished end;
    end.run = "r1";
    end.status = "completed";
    facts.tell(end);
  }
  RunSide side{node.disk, node.options};
  side.start();
  REQUIRE(eventually([&] { return node.told().size() == 2; }));  // Of r2 nothing is left.
  side.stop();
  CHECK(ended(node.told()) == "r1 completed");
  CHECK(std::get<runs::Finished>(node.told().back()).status == "lost");
}

TEST_CASE("a run that waits for its turn is left alone, unless what it needs is gone") {
  Node node;
  node.holds("r1");
  node.log_says({accepted("r1"), accepted("r2")});
  RunSide side{node.disk, node.options};
  side.start();
  REQUIRE(eventually([&] { return !node.taken_back().empty(); }));
  side.stop();
  CHECK(node.taken_back() == std::vector<std::string>{"r2"});
  CHECK(node.told().empty());
  CHECK(node.held("r1"));
  CHECK_FALSE(node.ran("r1"));
}

TEST_CASE("an error that is too long to be recorded loses its end, and no more") {
  const auto kept = [](const std::string& error) { return app::ended("r1", "failed", error, {}).error; };
  const std::string most(runs::kMaxReason - 1, 'e');
  CHECK(kept(most) == most);
  CHECK(kept(most + "\xc3\xa9") == most);
  CHECK(kept("\xff" + most + most) == "\xef\xbf\xbd" + most.substr(2));
}

TEST_CASE("of a run that cannot be held nothing is left") {
  Node node;
  RunSide side{node.disk, node.options};
  RunOrder order;
  order.run = "r1";
  order.folder = node.options.data + "/runs/r1";
  order.memory = node.options.memory + "/r1";
  fs::create_directories(order.memory + "/order.new");  // So that its order cannot be written.
  CHECK_FALSE(side.hold(order));
  CHECK_FALSE(node.held("r1"));
  CHECK_FALSE(fs::exists(order.folder));
}

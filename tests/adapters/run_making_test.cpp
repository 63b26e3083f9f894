// The jobs that are shipped, made into orders and run on this machine as their profile asks.
#include "adapters/run_making.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "adapters/child_process.hpp"
#include "adapters/job_files.hpp"
#include "adapters/run_execution.hpp"
#include "domain/jobs/arguments.hpp"
#include "tests/support/eventually.hpp"
#include "wait.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

/// A tree of scripts, a data folder, and one run of one of its jobs.
class Runs {
public:
  Runs() : groups_(Cgroups::here()) {
    std::string pattern = (fs::temp_directory_path() / "jobs-XXXXXX").string();
    root_ = fs::canonical(::mkdtemp(pattern.data()));
    fs::create_directories(root_ + "/scripts");
    fs::create_directories(root_ + "/data");
    const auto memory = memory_folder();
    REQUIRE(memory);
    memory_ = *memory + "/test-" + std::to_string(::getpid());
  }
  ~Runs() {
    for (const auto& group : used_) CHECK(eventually([&] { return groups_.remove(group); }));
    fs::remove_all(root_);
    fs::remove_all(memory_);
  }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  void shipped() {
    fs::copy(std::string{SOURCE_DIR} + "/scripts", root_ + "/scripts", fs::copy_options::recursive);
  }
  void file(const std::string& name, const std::string& text) const {
    const auto path = fs::path(root_) / "scripts" / name;
    fs::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }

  Result<RunOrder> order(const std::string& id, const Json& args,
                         jobs::Profile profile = jobs::Profile::secure) {
    listing_ = JobFiles(root_ + "/scripts").read();
    REQUIRE(listing_);
    const auto* job = (**listing_)->tree.find(id);
    REQUIRE(job);
    auto arguments = jobs::bind_json(*job, args);
    REQUIRE(arguments);
    arguments_ = std::move(*arguments);
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(root_ + "/scripts/" + job->folder))
      if (entry.is_regular_file()) files.push_back(entry.path().filename());
    auto prepared = jobs::prepare(*job, files, {}, profile);
    REQUIRE(prepared);
    if (const auto denied = prepared->denial()) return *denied;
    RunParts parts;
    parts.run = run_;
    parts.job = job;
    parts.arguments = &arguments_;
    parts.prepared = &*prepared;
    parts.root = root_ + "/scripts";
    parts.data = root_ + "/data";
    parts.memory = memory_;
    parts.host = {{"PATH", "/usr/bin:/bin"}, {"HOST_ONLY", "host"}};
    parts.runtime = container_runtime();
    return make_run_order(parts, groups_);
  }

  RunOutcome run(RunOrder order) {
    Mailbox<RunOutcome> outcome;
    ExecutionHooks hooks;
    hooks.started = [](Time) {};
    hooks.step_started = [](const std::string&, uint64_t, Time) {};
    hooks.step_finished = [](const StepOutcome&, Time) {};
    hooks.finished = [&](const RunOutcome& how, Time) { outcome.put(how); };
    hooks.released = [this](const std::string& group) { return groups_.remove(group); };
    ScriptLoop loop;
    const auto folder = order.folder;
    for (const auto& step : order.steps)
      if (!step.group.empty()) used_.push_back(step.group);
    REQUIRE(Execution::begin(loop, std::move(order), std::move(hooks), system_now));
    REQUIRE(eventually([&] { return outcome.wait_for_size(1); }));
    printed_.clear();
    JournalReader{folder + "/journal", 0}.read([&](const JournalEntry& entry) {
      if (entry.kind != EntryKind::event) printed_.append(entry.text).append("\n");
      return true;
    });
    return outcome.all().front();
  }
  RunOutcome run(const std::string& id, const Json& args, jobs::Profile profile = jobs::Profile::secure) {
    auto made = order(id, args, profile);
    REQUIRE(made);
    return run(std::move(*made));
  }
  [[nodiscard]] const std::string& printed() const { return printed_; }
  [[nodiscard]] bool says(const std::string& text) const { return printed_.find(text) != std::string::npos; }
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string folder() const { return root_ + "/data/runs/" + run_; }

private:
  Cgroups groups_;
  const std::string run_ = "run-" + std::to_string(::getpid());  // Control groups are the whole machine's.
  std::string root_, memory_, printed_;
  std::vector<std::string>
    used_;  // Groups: what was killed in one may be there still when its run has ended.
  std::optional<Result<std::shared_ptr<const JobListing>>> listing_;
  jobs::Arguments arguments_;
};

}  // namespace

TEST_CASE("the shipped demo greets whom it is told to, in its sandbox", "[S3-09]") {
  Runs runs;
  runs.shipped();
  const auto outcome = runs.run("demo", {{"name", "Ada"}, {"secret_token", "canary-5531"}});
  INFO(runs.printed());
  CHECK(outcome.status == "completed");
  CHECK(runs.says("Ada"));
  CHECK_FALSE(runs.says("canary-5531"));
}

TEST_CASE("the shipped steps run as they need each other, and hand on files in the run's folder") {
  Runs runs;
  runs.shipped();
  const auto outcome = runs.run("demo-steps", {{"upto", 10}});
  INFO(runs.printed());
  CHECK(outcome.status == "completed");
  CHECK(runs.says("the mean of 10 numbers is 5"));
}

TEST_CASE(
  "a script under secure has no network, cannot write outside its folder, and sees none of the node's data",
  "[S3-55]") {
  const auto found = [](jobs::Profile profile) {
    Runs runs;
    const auto elsewhere = runs.root() + "/elsewhere", other = runs.root() + "/data/runs/other";
    for (const auto& folder : {elsewhere, other}) fs::create_directories(folder);
    const auto network = fs::read_symlink("/proc/self/ns/net").string();
    runs.file("nosy/config.d/config.yaml", "interpreter: bash\n");
    runs.file("nosy/000_main.sh",
              "touch " + elsewhere + "/here 2>/dev/null && echo wrote elsewhere\n" +  //
                "[ -e " + other + " ] && echo saw another run\n" +                    //
                "[ \"$(readlink /proc/self/ns/net)\" = '" + network + "' ] && echo had the network\n" +
                "grep -qx adapters_tests /proc/[0-9]*/comm && echo saw its node\n"
                "touch \"$RUN_DIR/here\" && echo own folder\n"
                "[ -z \"$HOST_ONLY\" ] && echo clean\n");
    CHECK(runs.run("nosy", Json::object(), profile).status == "completed");
    return runs.printed();
  };
  CHECK(found(jobs::Profile::secure) == "own folder\nclean\n");
  // What keeps it from the rest is the sandbox.
  CHECK(found(jobs::Profile::disabled) ==
        "wrote elsewhere\nsaw another run\nhad the network\nsaw its node\nown folder\nclean\n");
}

TEST_CASE("a script under secure sees nobody's home", "[S3-55]") {
  Runs runs;
  runs.file("looks/config.d/config.yaml", "interpreter: bash\n");
  runs.file("looks/000_main.sh",
            "for home in /root /home; do [ -e $home ] && ls -A $home; done; echo looked\n");
  CHECK(runs.run("looks", Json::object()).status == "completed");
  CHECK(runs.printed() == "looked\n");
}

TEST_CASE("a fork bomb under secure ends with its run, and this machine goes on") {
  Runs runs;
  runs.file("bomb/config.d/config.yaml", "interpreter: bash\ntimeout: 2\n");
  runs.file("bomb/000_main.sh", "f() { f | f & }; f 2>/dev/null; while :; do :; done\n");
  const auto outcome = runs.run("bomb", Json::object());
  CHECK(outcome.status == "failed");
  CHECK(outcome.exit_code == kTimedOut);
}

TEST_CASE("a script in its sandbox is asked to end before it is killed") {
  Runs runs;
  runs.file("polite/config.d/config.yaml", "interpreter: bash\ntimeout: 1\n");
  runs.file("polite/000_main.sh",
            "trap 'echo goodbye; exit 5' TERM; echo ready; while :; do tail -f /dev/null & wait; done\n");
  const auto outcome = runs.run("polite", Json::object());
  CHECK(outcome.exit_code == kTimedOut);
  CHECK(runs.says("goodbye"));
}

TEST_CASE("a secret is a file for its script, and in no file of the data folder", "[S3-09][S3-113][S3-114]") {
  Runs runs;
  runs.file("secret/config.d/config.yaml",
            "interpreter: bash\nargspec: {args: [{name: token, type: string, format: secret}]}\n");
  runs.file("secret/000_main.sh",
            "cat /run/secrets/token; echo; wc -c </run/secrets/token; env | grep -c canary-9917 || true\n");
  CHECK(runs.run("secret", {{"token", "canary-9917"}}).status == "completed");
  CHECK(runs.printed() == "[secret]\n11\n0\n");
  for (const auto& entry : fs::recursive_directory_iterator(runs.root() + "/data")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    CHECK(bytes.find("canary-9917") == std::string::npos);
  }
}

TEST_CASE("a secret is in the run's folder, in the sandbox and without it, for as long as the run",
          "[S3-09][S3-113]") {
  for (const auto profile : {jobs::Profile::secure, jobs::Profile::disabled}) {
    Runs runs;
    runs.shipped();
    const Json args{{"name", "Ada"}, {"secret_token", "canary-2204"}};
    auto order = runs.order("demo", args, profile);
    REQUIRE(order);
    const auto secret = runs.folder() + "/secrets/secret_token";
    CHECK(fs::file_size(secret) == 11);
    CHECK(fs::canonical(secret).string().find(runs.root()) == std::string::npos);
    CHECK(runs.run(std::move(*order)).status == "completed");
    CHECK(runs.says("a token of 11 bytes"));
    CHECK_FALSE(fs::is_symlink(fs::symlink_status(runs.folder() + "/secrets")));
  }
}

TEST_CASE("what is in vars and libs beside a script is there for it") {
  Runs runs;
  runs.file("a/b/config.d/config.yaml", "interpreter: bash\nargspec: {args: [{name: who, type: string}]}\n");
  runs.file("config.d/vars/all.sh", "GREETING=Hello\n");
  runs.file("a/config.d/libs/say.sh", "say() { echo \"$GREETING $1\"; }\n");
  runs.file("a/b/000_main.sh", "say \"$who $ARG_WHO $1\"\n");
  CHECK(runs.run("a.b", {{"who", "it's $(me)"}}).status == "completed");
  CHECK(runs.printed() == "Hello it's $(me) it's $(me) --who=it's $(me)\n");
}

TEST_CASE("without a sandbox a script is run as it is, and a limit holds still") {
  Runs runs;
  runs.file("free/config.d/config.yaml", "interpreter: bash\n");
  runs.file("free/000_main.sh", "echo \"$RUN_DIR\"; pwd\n");
  CHECK(runs.run("free", Json::object(), jobs::Profile::disabled).status == "completed");
  CHECK(runs.printed() == runs.folder() + "\n" + runs.folder() + "\n");
}

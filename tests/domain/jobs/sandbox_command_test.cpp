// Shows the sandbox of process jobs: what is asked of bubblewrap, and that a real one does it.
#include "domain/jobs/sandbox_command.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.hpp"

using namespace muster;
using namespace muster::jobs;
namespace fs = std::filesystem;

namespace {

constexpr int kInfo = 9;  // Where bubblewrap tells its child's pid.

std::string content(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A data folder with a run and somebody else's secret, and a tree of scripts.
class Folders {
public:
  Folders() {
    std::string name = (fs::temp_directory_path() / "sandbox_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    root_ = fs::canonical(name);
    fs::create_directories(run() / "secrets");
    fs::create_directories(scripts() / "demo");
    std::ofstream(data() / "log.key") << "key of the node";
    std::ofstream(run() / "secrets" / "token") << "t0ken";
    std::ofstream(scripts() / "demo" / "000_main.sh") << "echo script\n";
  }
  ~Folders() { fs::remove_all(root_); }
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  fs::path root() const { return root_; }
  fs::path data() const { return root_ / "data"; }
  fs::path run() const { return data() / "runs" / "run-1"; }
  fs::path scripts() const { return root_ / "scripts"; }

  SandboxRun sandboxed(const std::string& script) const {
    SandboxRun run;
    run.run_folder = this->run();
    run.readable = {scripts()};
    run.hidden = {data()};
    run.env = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
    run.command = {"/bin/bash", "-c", script};
    return run;
  }

private:
  fs::path root_;
};

struct Outcome {
  int status = -1;
  std::string output;  ///< Both channels.
};

/// Runs bubblewrap, its options in a file as a node gives them, and waits for its end.
Outcome outcome(const SandboxRun& run, const Folders& folders) {
  const auto made = sandbox(run);
  REQUIRE(made);
  const auto options = folders.root() / "options", output = folders.root() / "output";
  std::ofstream(options) << made->args_file();
  std::vector<std::string> words{"bwrap", "--info-fd", std::to_string(kInfo), "--args", "0", "--"};
  words.insert(words.end(), made->command.begin(), made->command.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    setenv("CANARY_OF_THE_HOST", "seen", 1);
    const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (dup2(open(options.c_str(), O_RDONLY), 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(126);
    dup2(open((folders.root() / "info").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), kInfo);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(output)};
}

Outcome outcome(const std::string& script, const Folders& folders) {
  return outcome(folders.sandboxed(script), folders);
}

/// What `script` came to, with all that it printed: `fails` when its status is not 0.
bool fails(const std::string& script, const Folders& folders) {
  const auto [status, output] = outcome(script, folders);
  CAPTURE(script, status, output);
  CHECK(status != 126);
  CHECK(status != 127);
  return status != 0;
}

size_t index_of(const CommandLine& line, const std::string& word) {
  return static_cast<size_t>(std::find(line.begin(), line.end(), word) - line.begin());
}

bool has(const CommandLine& line, const CommandLine& words) {
  return std::search(line.begin(), line.end(), words.begin(), words.end()) != line.end();
}

}  // namespace

TEST_CASE("a script in the sandbox does its work in its run folder", "[S3-111]") {
  const Folders folders;
  const auto [status, output] = outcome("pwd; echo made > artefact; bash '" + folders.scripts().string() +
                                          "/demo/000_main.sh'; echo x > /tmp/a && echo y > /var/tmp/b && "
                                          "echo z > /dev/shm/c && echo w > /dev/null; exit 7",
                                        folders);
  CHECK(status == 7);
  CHECK(output == folders.run().string() + "\nscript\n");
  CHECK(content(folders.run() / "artefact") == "made\n");
  CHECK_FALSE(fs::exists("/var/tmp/b"));
}

TEST_CASE("a script in the sandbox cannot write outside of its run folder", "[S3-110]") {
  const Folders folders;
  for (const std::string& path :
       {std::string("/x"), std::string("/etc/x"), std::string("/usr/x"), std::string("/run/x"),
        std::string("/dev/x"), folders.scripts().string() + "/demo/000_main.sh",
        folders.data().string() + "/x", folders.run().string() + "/../x",
        std::string("/sys/kernel/uevent_helper")}) {
    CAPTURE(path);
    CHECK(fails("echo x 2>&1 >> '" + path + "'", folders));
  }
  CHECK(content(folders.scripts() / "demo" / "000_main.sh") == "echo script\n");
  // What sets the kernel belongs to the user root, and a node may well be root.
  CHECK(fails("cat /proc/sys/vm/swappiness > /proc/sys/vm/swappiness", folders));
  CHECK(outcome("find /proc/sys /proc/bus /proc/fs /proc/irq -type f -writable", folders).output.empty());
}

TEST_CASE("a link out of the run folder leads to a place that cannot be written to") {
  const Folders folders;
  fs::create_symlink(folders.scripts(), folders.run() / "out");
  CHECK(fails("echo x > out/demo/000_main.sh", folders));
  CHECK(fails("ln -s /etc here && echo x > here/x", folders));
}

TEST_CASE("a script in the sandbox has no network") {
  const Folders folders;
  const auto seen = outcome("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '", folders);
  CHECK(seen.output == "lo\n");
  CHECK(outcome("cat /proc/net/tcp | wc -l", folders).output == "1\n");
  CHECK(fails("exec 3<>/dev/udp/192.0.2.1/9", folders));
}

TEST_CASE("a script in the sandbox gains no privilege") {
  const Folders folders;
  const auto status = outcome("cat /proc/self/status", folders).output;
  for (const auto* line : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    CHECK(status.find(std::string(line) + ":\t0000000000000000\n") != std::string::npos);
  CHECK(status.find("NoNewPrivs:\t1\n") != std::string::npos);
  CHECK(fails("mount -t tmpfs none /tmp", folders));
  CHECK(fails("unshare --user true", folders));
  CHECK(fails("mknod null c 1 3", folders));
  // A program with the setuid bit runs as whoever started it.
  fs::copy_file("/usr/bin/id", folders.run() / "id");
  REQUIRE(chmod((folders.run() / "id").c_str(), 06755) == 0);
  CHECK(outcome("./id -u", folders).output == std::to_string(geteuid()) + "\n");
  CHECK(outcome("grep ' " + folders.run().string() + " ' /proc/self/mountinfo | grep -c nosuid", folders)
          .output == "1\n");
}

TEST_CASE("a script in the sandbox sees no process but its own") {
  const Folders folders;
  const auto own = std::to_string(getpid());
  CHECK(fails("kill -0 " + std::to_string(getppid()) + " && kill -0 " + own, folders));
  const auto pids = outcome("echo /proc/[0-9]*", folders).output;
  CHECK(pids == "/proc/1 /proc/2\n");
}

TEST_CASE("what a script leaves behind in the sandbox ends with the first process of its namespace") {
  const Folders folders;
  const auto run =
    folders.sandboxed("setsid bash -c 'trap \"\" TERM HUP; mkfifo wait; : < wait' & echo done");
  const auto [status, output] = outcome(run, folders);
  CHECK(status == 0);
  CHECK(output == "done\n");
  const auto info = parse_json(content(folders.root() / "info"));
  REQUIRE(info);
  const auto first = info->at("child-pid").get<pid_t>();
  const auto daemon_of = [&] {
    std::ifstream children("/proc/" + std::to_string(first) + "/task/" + std::to_string(first) + "/children");
    pid_t pid = 0;
    children >> pid;
    return pid;
  };
  const pid_t left = daemon_of();
  REQUIRE(left > 0);
  const auto ending = static_cast<int>(syscall(SYS_pidfd_open, left, 0));
  REQUIRE(ending >= 0);
  REQUIRE(kill(first, SIGKILL) == 0);
  pollfd ended{ending, POLLIN, 0};
  CHECK(poll(&ended, 1, 60'000) == 1);
  close(ending);
}

TEST_CASE("a script in the sandbox gets exactly the environment that was made for it") {
  const Folders folders;
  auto run = folders.sandboxed("");
  run.command = {"/usr/bin/env"};
  run.env = {{"B", "two\nlines $(id)"}, {"LD_PRELOAD", ""}, {"EMPTY", ""}};
  CHECK(outcome(run, folders).output ==
        "B=two\nlines $(id)\nEMPTY=\nLD_PRELOAD=\nPWD=" + folders.run().string() + "\n");
}

TEST_CASE("a script in the sandbox sees the tree of scripts and nothing of the node's data") {
  const Folders folders;
  CHECK(outcome("ls -A '" + folders.data().string() + "'", folders).output == "runs\n");
  CHECK(fails("cat '" + folders.data().string() + "/log.key'", folders));
  CHECK(outcome("ls -A /run /tmp | grep -v sandbox_", folders).output == "/run:\n\n/tmp:\n");
  auto run = folders.sandboxed("cat '" + (folders.root() / "hidden").string() + "'");
  std::ofstream(folders.root() / "hidden") << "hash";
  run.hidden_files = {folders.root() / "hidden"};
  run.readable = {folders.root()};  // The data folder lies in it, and stays hidden.
  CHECK(outcome(run, folders).output.find("hash") == std::string::npos);
  run.command.back() = "ls -A '" + folders.data().string() + "'";
  CHECK(outcome(run, folders).output == "runs\n");
}

TEST_CASE("secrets are readable where containers have them, and nobody's to change", "[S3-113]") {
  const Folders folders;
  auto run =
    folders.sandboxed("cat /run/secrets/token secrets/token; rm -f secrets/token /run/secrets/token");
  run.secrets = folders.run() / "secrets";
  CHECK(outcome(run, folders).output.starts_with("t0kent0ken"));
  CHECK(content(folders.run() / "secrets" / "token") == "t0ken");
}

TEST_CASE("a writable root that was granted is one, but for the kernel and the node's data") {
  const Folders folders;
  auto run = folders.sandboxed("");
  run.settings.rootfs_writable = true;
  const auto made = sandbox(run);
  REQUIRE(made);
  CHECK(has(made->options, {"--bind", "/", "/"}));
  CHECK_FALSE(has(made->options, {"--ro-bind", "/", "/"}));
  run.command.back() = "findmnt -no OPTIONS / | cut -d, -f1; echo x > /sys/kernel/uevent_helper";
  const auto [status, output] = outcome(run, folders);
  CHECK(output.starts_with("rw\n"));
  CHECK(status != 0);
  run.command.back() = "echo x > /proc/sys/kernel/core_pattern";
  CHECK(outcome(run, folders).status != 0);
}

TEST_CASE("a network that was granted is the host's") {
  const Folders folders;
  auto run = folders.sandboxed("readlink /proc/self/ns/net");
  run.settings.network = "host";
  CHECK(outcome(run, folders).output == fs::read_symlink("/proc/self/ns/net").string() + "\n");
  CHECK(outcome(folders.sandboxed("readlink /proc/self/ns/net"), folders).output !=
        fs::read_symlink("/proc/self/ns/net").string() + "\n");
}

TEST_CASE("a sandbox does not end with whoever started it, and has no terminal") {
  const Folders folders;
  const auto line = sandbox(folders.sandboxed("true"))->line();
  CHECK_FALSE(has(line, {"--die-with-parent"}));
  CHECK(has(line, {"--new-session"}));
  CHECK(line.front() == "bwrap");
  CHECK(index_of(line, "--") + 4 == line.size());
}

TEST_CASE("what looks like an option of bubblewrap is none in a command or a variable") {
  const Folders folders;
  auto run = folders.sandboxed("");
  run.command = {"/bin/echo", "--bind", "/", "--", "$(id)"};
  run.env = {{"--share-net", "--bind"}};
  CHECK(outcome(run, folders).output == "--bind / -- $(id)\n");
}

TEST_CASE("a sandbox that cannot be said is refused") {
  const Folders folders;
  const auto refused = [](const SandboxRun& run) {
    const auto made = sandbox(run);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == "E_CONFIG");
  };
  auto run = folders.sandboxed("true");
  run.command = {};
  refused(run);
  run.command = {std::string("a\0b", 3)};
  refused(run);
  run = folders.sandboxed("true");
  run.env = {{"A", std::string("\0--bind", 7)}};
  refused(run);
  run.env = {{"A=B", "x"}};
  refused(run);
  run = folders.sandboxed("true");
  run.hidden = {"relative"};
  refused(run);
  run.hidden = {"/a/../etc"};
  refused(run);
  run = folders.sandboxed("true");
  run.run_folder = "";
  refused(run);
}

TEST_CASE("what a profile needs of the host is named, one by one") {
  const auto needed = [](Profile profile, Wanted wanted, const Bundle& bundle = {}) {
    return needed_capabilities(wanted, judge(bundle, profile, wanted).settings);
  };
  using Needed = std::vector<std::string_view>;
  const Needed all{"bubblewrap", "user namespaces", "cgroup cpu", "cgroup memory", "cgroup pids"};
  CHECK(needed(Profile::secure, {}) == all);
  CHECK(needed(Profile::permissive, {}) == Needed{"bubblewrap", "user namespaces", "cgroup pids"});
  CHECK(needed(Profile::disabled, {}).empty());
  Wanted limited;
  limited.resources = {"500m", "64Mi"};
  CHECK(needed(Profile::permissive, limited) == all);
  CHECK(needed(Profile::disabled, limited) == Needed{"cgroup cpu", "cgroup memory"});
  limited.in_container = true;
  limited.image = "alpine";
  CHECK(needed(Profile::secure, limited).empty());
  const auto error = capability_missing(Profile::secure, {"bubblewrap", "cgroup pids"});
  CHECK(error.code == "capability.missing");
  CHECK(error.detail == "this host lacks what the profile secure needs: bubblewrap, cgroup pids");
}

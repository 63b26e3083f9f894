// Shows the exact command lines for Podman and Docker, and which extra arguments they may hold.
#include "domain/jobs/container_command.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/jobs/extra_args.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

Settings judged(const Bundle& bundle, Profile profile, Wanted wanted) {
  wanted.in_container = true;
  if (wanted.image.empty()) wanted.image = "alpine:3.20";
  const auto judgement = judge(bundle, profile, wanted);
  REQUIRE(judgement.allowed());
  return judgement.settings;
}

ContainerRun run(const Settings& settings) {
  ContainerRun made;
  made.name = "run-17-step";
  made.settings = settings;
  made.folder = "/data/runs/run-17";
  made.script = "/scripts/demo/000_main.sh";
  made.volumes = step_volumes("/scripts/demo", made.folder, "");
  return made;
}

std::string text(const CommandLine& line) {
  std::string all;
  for (const auto& word : line) all += (all.empty() ? "" : " ") + word;
  return all;
}

void refused(const ContainerRun& made, const std::string& what) {
  const auto line = run_line(made);
  REQUIRE_FALSE(line);
  CHECK(line.error().code == "E_CONFIG");
  CHECK(line.error().detail.find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("a container run has nothing by default", "[S3-112]") {
  const std::string rest =
    " run --rm --name run-17-step --cap-drop=ALL --security-opt=no-new-privileges --read-only --network none "
    "--workdir /data/runs/run-17 --volume /scripts/demo:/scripts/demo:ro --volume "
    "/data/runs/run-17:/data/runs/run-17:rw docker.io/library/alpine:3.20 /scripts/demo/000_main.sh";
  auto made = run(judged({}, Profile::secure, {}));
  CHECK(text(*run_line(made)) == "podman" + rest);
  made.runtime = Runtime::docker;
  CHECK(text(*run_line(made)) == "docker" + rest);
}

TEST_CASE("everything that was granted is in the command line, in order",
          "[S3-110][S3-111][S3-113][S3-115]") {
  Bundle bundle;
  bundle.overrides = {{"bridge"}, true, {"CHOWN", "NET_RAW"}, true};
  bundle.max_memory = 1 << 30;
  Wanted wanted;
  wanted.network = "bridge";
  wanted.rootfs_writable = true;
  wanted.capabilities = {"net_raw", "CAP_CHOWN"};
  wanted.extra_args = {"--label", "team=a", "--init"};
  wanted.resources.cpu = "1500m";
  auto made = run(judged(bundle, Profile::permissive, wanted));
  made.env = {{"B", "two words"}, {"A", "1\n2"}, {"EMPTY", ""}};
  made.volumes = step_volumes("/scripts/demo", made.folder, "/data/runs/run-17/secrets");
  made.entrypoint = {"/bin/sh", "-e"};
  made.flags = {"--name=a b", "--loud"};
  const CommandLine expected{"podman",
                             "run",
                             "--rm",
                             "--name",
                             "run-17-step",
                             "--cap-drop=ALL",
                             "--security-opt=no-new-privileges",
                             "--network",
                             "bridge",
                             "--cap-add=CHOWN",
                             "--cap-add=NET_RAW",
                             "--workdir",
                             "/data/runs/run-17",
                             "--env",
                             "A=1\n2",
                             "--env",
                             "B=two words",
                             "--env",
                             "EMPTY=",
                             "--volume",
                             "/scripts/demo:/scripts/demo:ro",
                             "--volume",
                             "/data/runs/run-17:/data/runs/run-17:rw",
                             "--volume",
                             "/data/runs/run-17/secrets:/run/secrets:ro",
                             "--cpus",
                             "1.5",
                             "--memory",
                             "1073741824",
                             "--entrypoint",
                             "/bin/sh",
                             "--label",
                             "team=a",
                             "--init",
                             "docker.io/library/alpine:3.20",
                             "-e",
                             "/scripts/demo/000_main.sh",
                             "--name=a b",
                             "--loud"};
  CHECK(*run_line(made) == expected);
}

TEST_CASE("a script in the run's own folder has it writable, once", "[S3-111]") {
  const auto volumes = step_volumes("/data/runs/r", "/data/runs/r", "");
  REQUIRE(volumes.size() == 1);
  CHECK(volumes[0].writable);
}

TEST_CASE("a job of an image is told to the image's own program, and has no script") {
  auto made = run(judged({}, Profile::secure, {}));
  made.script.clear();
  made.job = "build";
  made.pull = "never";
  made.volumes = step_volumes(made.folder, made.folder, "/memory/secrets");
  CHECK(
    text(*run_line(made)) ==
    "podman run --rm --pull=never --name run-17-step --cap-drop=ALL --security-opt=no-new-privileges "
    "--read-only --network none --workdir /data/runs/run-17 --volume /data/runs/run-17:/data/runs/run-17:rw "
    "--volume /memory/secrets:/run/secrets:ro docker.io/library/alpine:3.20 build");
  made.job.clear();
  refused(made, "is not absolute");
}

TEST_CASE("what no command line can carry is refused") {
  const auto settings = judged({}, Profile::secure, {});
  for (const auto* path : {"/a:rw", "relative", "", "/a/../etc", "name"}) {
    auto made = run(settings);
    made.volumes.push_back({path, "/x", false});
    refused(made, "cannot be mounted");
    made.volumes.back() = {"/x", path, false};
    refused(made, "cannot be mounted");
  }
  for (const auto* name : {"", "A=B", "="}) {
    auto made = run(settings);
    made.env = {{name, "x"}};
    refused(made, "no name of a variable");
  }
  auto made = run(settings);
  made.env = {{"A", std::string("x\0--privileged", 14)}};
  refused(made, "NUL");
  made.env = {{"A", std::string(kMaxWord, 'x')}};
  refused(made, "longer than");
  made.env = {};
  made.script = "--privileged";
  refused(made, "not absolute");
}

TEST_CASE("a hostile flag of a script comes after the image and stays the script's") {
  auto made = run(judged({}, Profile::secure, {}));
  made.flags = {"--privileged", "; rm -rf /", "$(id)", "-v=/:/host", ""};
  const auto line = *run_line(made);
  const auto image = std::find(line.begin(), line.end(), made.settings.image);
  REQUIRE(image != line.end());
  CHECK(std::vector<std::string>(image + 2, line.end()) == made.flags);
  CHECK(std::find(line.begin(), image, "--privileged") == image);
}

TEST_CASE("a container is named after its run and step", "[S3-116]") {
  CHECK(container_name("run-17", "Build All") == "run-17-build-all");
  CHECK(container_name("run-17", "000_main.sh") == "run-17-000-main-sh");
  CHECK(container_name("run-17", "--x--") == "run-17-x");
  CHECK(container_name("run-17", "") == "run-17-step");
  CHECK(container_name("run-17", "../\n") == "run-17-step");
  CHECK(container_name("run-17", "käse") == "run-17-k-se");
  CHECK(container_name("r", std::string(62, 'a') + "--b") == "r-" + std::string(62, 'a'));
  CHECK(container_name("r", std::string(200, 'a')) == "r-" + std::string(63, 'a'));
  CHECK(rc::check("any step", [](const std::string& step) {
    const auto name = container_name("run-1", step);
    RC_ASSERT(name.size() > 6 && name.size() <= 6 + kMaxContainerName);
    RC_ASSERT(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
    RC_ASSERT(!name.ends_with('-') && name[6] != '-');
  }));
}

TEST_CASE("steps of one run never share a container's name", "[S3-116]") {
  CHECK(container_names("r", {"a-b", "a_b", "c", "A B"}) ==
        std::vector<std::string>{"r-a-b", "r-a-b-2", "r-c", "r-a-b-3"});
  CHECK(container_names("r", {"a", "a-2", "A"}) == std::vector<std::string>{"r-a", "r-a-2", "r-a-3"});
}

TEST_CASE("containers are removed, stopped, killed and looked at by name", "[S3-38][S3-116]") {
  CHECK(text(remove_line(Runtime::podman, "r-a")) == "podman rm --force --ignore r-a");
  CHECK(text(remove_line(Runtime::docker, "r-a")) == "docker rm --force r-a");
  CHECK(text(stop_line(Runtime::podman, "r-a")) == "podman stop --time 10 r-a");
  CHECK(text(kill_line(Runtime::docker, "r-a")) == "docker kill r-a");
  CHECK(text(inspect_line(Runtime::podman, "r.io/a")) == "podman image inspect r.io/a");
  CHECK(says_gone("Error: No such container: r-a"));
  CHECK(says_gone("Error: no container with name r-a: not found"));
  CHECK_FALSE(says_gone("Error: permission denied"));
}

TEST_CASE("under secure a manifest is read with no network and a read-only root", "[S3-93]") {
  CHECK(text(manifest_line(Runtime::podman, Profile::secure, true, "r.io/a:1")) ==
        "podman run --rm --pull=always --cap-drop=ALL --security-opt=no-new-privileges --network none "
        "--read-only --entrypoint cat r.io/a:1 /flwd-addon/manifest.yaml");
}

TEST_CASE("under permissive a manifest is read alike, and a bad signature warns", "[S3-94]") {
  CHECK(manifest_line(Runtime::docker, Profile::permissive, false, "r.io/a:1") ==
        manifest_line(Runtime::docker, Profile::secure, false, "r.io/a:1"));
  Wanted wanted;
  wanted.in_container = true;
  wanted.image = "r.io/a:1";
  auto judgement = judge({}, Profile::permissive, wanted);
  judge_signature(judgement, false, "no signature");
  CHECK(judgement.allowed());
  REQUIRE(judgement.findings.size() == 1);
  CHECK(judgement.findings[0].code == "image.signature.permissive");
}

TEST_CASE("under disabled a manifest is read with a network, and still without privileges", "[S3-95]") {
  CHECK(text(manifest_line(Runtime::podman, Profile::disabled, false, "r.io/a:1")) ==
        "podman run --rm --pull=never --cap-drop=ALL --security-opt=no-new-privileges --network bridge "
        "--entrypoint cat r.io/a:1 /flwd-addon/manifest.yaml");
  CHECK(says_no_manifest("cat: can't open '/flwd-addon/manifest.yaml': No such file or directory"));
  CHECK_FALSE(says_no_manifest("Error: unauthorized"));
}

TEST_CASE("the host's proxies are known by their names") {
  for (const auto* name : {"http_proxy", "HTTPS_PROXY", "No_Proxy"}) CHECK(is_proxy_variable(name));
  CHECK_FALSE(is_proxy_variable("MY_PROXY"));
}

TEST_CASE("harmless extra arguments pass under every profile") {
  const std::vector<std::string> args{
    "--label",      "a=b",      "-l=c=d",    "--env",        "A=B",    "-eX=Y",
    "--hostname=h", "--tmpfs",  "/scratch",  "--init",       "--user", "1000",
    "-u1000",       "--ulimit", "nofile=64", "--pids-limit", "64",     "--shm-size=16m"};
  for (const auto profile : {Profile::secure, Profile::permissive, Profile::disabled}) {
    const auto read = read_extra_args(args, profile);
    REQUIRE(read);
    CHECK(read->args == args);
    CHECK(read->dangerous.empty());
  }
}

TEST_CASE("extra arguments that undo the sandbox pass under disabled only, in one word") {
  for (const std::string flag :
       {"--privileged",         "--network=host",     "--net=host",         "--volume=/:/host",
        "--mount=type=bind",    "--cap-add=ALL",      "--security-opt=x=y", "--pid=host",
        "--ipc=host",           "--userns=host",      "--uts=host",         "--device=/dev/sda",
        "--env-file=x",         "--env-host",         "--read-only=false",  "--cgroupns=host",
        "--volumes-from=other", "--publish=80",       "--secret=x",         "--group-add=keep-groups",
        "--sysctl=a=b",         "--gidmap=0:0:1",     "--uidmap=0:0:1",     "--device-cgroup-rule=a",
        "--oom-kill-disable",   "--memory-swap=-1",   "--cpu-shares=9",     "--annotation=a=b",
        "--hooks-dir=/x",       "--from-the-future=1"}) {
    CAPTURE(flag);
    for (const auto profile : {Profile::secure, Profile::permissive}) {
      const auto read = read_extra_args({"--init", flag}, profile);
      REQUIRE_FALSE(read);
      CHECK(read.error().code == "policy.denied");
      CHECK(read.error().detail.find(flag.substr(0, flag.find('='))) != std::string::npos);
    }
    const auto read = read_extra_args({flag}, Profile::disabled);
    REQUIRE(read);
    CHECK(read->dangerous == std::vector<std::string>{flag.substr(0, flag.find('='))});
  }
  for (const auto& args : std::vector<std::vector<std::string>>{{"-v", "/:/host"},
                                                                {"-v=/:/host"},
                                                                {"-v/:/host"},
                                                                {"--volume", "/:/host"},
                                                                {"--network"},
                                                                {"-p80:80"}}) {
    CHECK(read_extra_args(args, Profile::secure).error().code == "policy.denied");
    CHECK(read_extra_args(args, Profile::permissive).error().code == "policy.denied");
    CHECK(read_extra_args(args, Profile::disabled).error().code == "E_CONFIG");
  }
}

TEST_CASE("extra arguments that are the run's own, or none, pass under no profile") {
  for (const auto profile : {Profile::secure, Profile::permissive, Profile::disabled})
    for (const auto& args : std::vector<std::vector<std::string>>{{"--name=x"},
                                                                  {"--name", "x"},
                                                                  {"--rm=false"},
                                                                  {"-d"},
                                                                  {"-it"},
                                                                  {"--detach"},
                                                                  {"--pod=x"},
                                                                  {"--restart=always"},
                                                                  {"--cidfile=/etc/x"},
                                                                  {"--entrypoint=/bin/sh"},
                                                                  {"--workdir=/"},
                                                                  {"-w/"},
                                                                  {"--rootfs=true"},
                                                                  {"--cpus=64"},
                                                                  {"-m0"},
                                                                  {"--memory=0"},
                                                                  {"--help"},
                                                                  {"--log-driver=none"},
                                                                  {"--pull=always"},
                                                                  {"evil/image"},
                                                                  {"--"},
                                                                  {"-"},
                                                                  {""},
                                                                  {"--init", "evil/image"},
                                                                  {"--label", "a=b", "evil/image", "sh"},
                                                                  {"--label"},
                                                                  {"--env", "HOME"},
                                                                  {"-eHOME"},
                                                                  {"-e", "FOO*"},
                                                                  {"--env==x"},
                                                                  {"--pids-limit=-1"},
                                                                  {"--pids-limit", "0"},
                                                                  {"--pids-limit=4097"},
                                                                  {"--init=false"},
                                                                  {std::string("--label=a\0b", 11)},
                                                                  {"--label", std::string("a\0b", 3)}}) {
      CAPTURE(args.front());
      const auto read = read_extra_args(args, profile);
      REQUIRE_FALSE(read);
      CHECK(read.error().code == "E_CONFIG");
    }
  CHECK_FALSE(read_extra_args(std::vector<std::string>(kMaxExtraArgs + 1, "--init"), Profile::disabled));
}

TEST_CASE("no extra arguments make the runtime take another word for the image") {
  const std::vector<std::string> words{
    "--label",    "--label=a", "-l", "--init", "x",  "--env", "A=B",           "--privileged", "--net",
    "--net=host", "--user",    "-u", "-uroot", "--", "-it",   "--volume=/:/x", "--tmpfs",      ""};
  CHECK(rc::check("any words", [&] {
    const auto args = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words));
    const auto read = read_extra_args(args, Profile::disabled);
    if (!read) return;
    // Read again as a runtime would: every word is a flag, or the value of the flag before it.
    const std::vector<std::string> with_value{"--label", "-l", "--env", "--user", "-u", "--tmpfs", "--net"};
    for (size_t i = 0; i < args.size(); i++) {
      RC_ASSERT(args[i].size() > 1 && args[i][0] == '-' && args[i] != "--");
      if (std::find(with_value.begin(), with_value.end(), args[i]) != with_value.end()) i++;
      RC_ASSERT(i < args.size());
    }
  }));
}

"""Jobs in containers, run by a node: by real Podman, and what is said where there is no runtime."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from jobs_http_test import ENDED, events_of
from podman_case import PodmanCase
from running_node import BINARY, RunningNode
from waiting import PATIENCE_S, until

IMAGE = "localhost/muster-test:1"
CONFIG = f"""interpreter: container:{IMAGE}
executor: container
container:
  image: {IMAGE}
  resources: {{cpu: 500m, memory: 64Mi}}
argspec:
  args:
    - {{name: name, type: string, default: nobody}}
    - {{name: token, type: string, format: secret}}
"""
# `cat /run/secrets/...` shows the secret's file; its text is redacted on the way out.
WAITS = """#!/bin/sh
echo hello $ARG_NAME
wc -c < /run/secrets/token
mkfifo "$RUN_DIR/go" && touch "$RUN_DIR/made"
touch /root/x 2>/dev/null || echo read-only root
touch "$(dirname "$0")/x" 2>/dev/null || echo read-only job
read go < "$RUN_DIR/go"
echo done
"""
SIMPLE = "#!/bin/sh\necho inside $ARG_NAME\n"


def job(root, name, script, config=CONFIG):
    (root / name / "config.d").mkdir(parents=True)
    (root / name / "config.d" / "config.yaml").write_text(config)
    path = root / name / "000_main.sh"
    path.write_text(script)
    path.chmod(0o755)


class ContainerRunsTest(PodmanCase):
    def setUp(self):
        super().setUp()
        self.scripts = self.folder / "scripts"
        self.data = self.folder / "data"
        job(self.scripts, "waits", WAITS)
        job(self.scripts, "simple", SIMPLE)
        self.make_image(IMAGE)
        self.addCleanup(self.podman, "rm", "--all", "--force")

    def serve(self, **more):
        node = RunningNode("--dev", "--data", str(self.data), "--scripts-root", str(self.scripts),
                           environment={**self.environment, "FLWD_PROFILE": "disabled", **more})
        node.__enter__()
        self.addCleanup(node.__exit__)
        self.caller = Caller(node.port, Authorization="Bearer dev-token")
        return node

    def start(self, job_id, **args):
        answer = self.caller.post("/runs", {"job_id": job_id, "args": args})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def ended(self, run):
        seen = {}

        def over():
            seen.update(self.caller.get(f"/runs/{run}").json)
            return seen["status"] in ENDED and "finished_at" in seen
        until(over, f"{run} ends")
        return seen

    def folder_of(self, run):
        return self.data / "runs" / run

    def waiting(self, run):
        until(lambda: (self.folder_of(run) / "made").exists(), "the script runs in its container")

    def go_on(self, run):
        """The script reads a line; this writes it, once there is a reader."""
        (self.folder_of(run) / "go").write_text("now\n")

    def messages(self, run):
        events = events_of(self.caller.get(f"/runs/{run}/events").body.decode())
        return [data["message"] for _, kind, data in events if kind == "step.log"]

    def test_what_a_running_container_may(self):
        """[S3-106] [S3-110] [S3-111] [S3-112] [S3-113] [S3-114] [S3-116] Seen by inspecting it: read-only, no network, no capabilities, its limits, its folders; then it is gone."""
        self.serve()
        run = self.start("waits", name="Ana", token="canary-8841")
        self.waiting(run)
        name, = self.podman("ps", "--format", "{{.Names}}").stdout.split()
        self.assertEqual(name, f"{run}-000-main-sh")
        seen, = json.loads(self.podman("inspect", name).stdout)
        host = seen["HostConfig"]
        self.assertTrue(host["ReadonlyRootfs"])
        self.assertEqual((host["NetworkMode"], seen["EffectiveCaps"] or []), ("none", []))
        self.assertIn("no-new-privileges", host["SecurityOpt"])
        self.assertEqual((host["Memory"], host["NanoCpus"] or host["CpuQuota"] * 1e9 / host["CpuPeriod"]), (64 << 20, 5e8))
        writable = {mount["Destination"]: mount["RW"] for mount in seen["Mounts"]}
        self.assertEqual(writable.pop(str(self.folder_of(run))), True)
        self.assertEqual(writable, {str(self.scripts / "waits"): False, "/run/secrets": False})
        self.assertNotIn("canary-8841", json.dumps(seen))
        self.go_on(run)
        self.assertEqual(self.ended(run)["status"], "completed")
        self.assertEqual(self.messages(run), ["hello Ana", "11", "read-only root", "read-only job", "done"])
        self.assertEqual(self.podman("ps", "--all", "--quiet").stdout, "")

    def test_what_was_granted_is_what_the_container_has(self):
        """[S3-96] [S3-115] A writable root, capabilities and a network: in the container as it runs, and in the run's policy.decision events."""
        asked = "container:\n  network: host\n  rootfs_writable: true\n  capabilities: [NET_RAW]\n"
        job(self.scripts, "granted", WAITS, CONFIG.replace("container:\n  image", f"{asked}  image"))
        self.serve()
        run = self.start("granted", token="x")
        self.waiting(run)
        seen, = json.loads(self.podman("inspect", f"{run}-000-main-sh").stdout)
        host = seen["HostConfig"]
        self.assertEqual((host["ReadonlyRootfs"], host["NetworkMode"]), (False, "host"))
        self.assertEqual([name.removeprefix("CAP_") for name in seen["EffectiveCaps"]], ["NET_RAW"])
        self.go_on(run)
        self.assertEqual(self.ended(run)["status"], "completed")
        told = events_of(self.caller.get(f"/runs/{run}/events").body.decode())
        decided = {data["subject"]: (data["decision"], data["reason"]) for _, kind, data in told if kind == "policy.decision" and data["run_id"] == run}
        for subject, word in (("container.network", "host"), ("container.rootfs", ""), ("container.capabilities", "NET_RAW")):
            self.assertEqual(decided[subject][0], "allowed", decided)
            self.assertIn(word, decided[subject][1])
        for shown in (self.caller.get(f"/runs/{run}").json, self.caller.post("/plans", {"job_id": "granted"}).json):
            self.assertEqual(shown["provenance"]["overrides"], ["container.capabilities", "container.network", "container.rootfs"])

    def test_a_name_that_cannot_be_freed_is_told(self):
        """[S3-104] [S3-118] The runtime cannot remove what has the step's name: 422 before anything is accepted, with what it said; the same without a node."""
        wrapper = self.folder / "bin" / "podman"
        wrapper.write_text(wrapper.read_text().replace("#!/bin/sh\n", "#!/bin/sh\n[ \"$1\" = rm ] && echo the name is held >&2 && exit 125\n"))
        self.serve()
        answer = self.caller.post("/runs", {"job_id": "simple"})
        self.assertEqual((answer.status, answer.json["code"]), (422, "container.name.conflict"), answer)
        self.assertIn("the name is held", answer.json["detail"])
        self.assertEqual(self.caller.get("/runs").json, [])
        alone = subprocess.run([BINARY, "--data", str(self.folder / "alone"), "simple"], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               env={**self.environment, "FLWD_PROFILE": "disabled"}, timeout=PATIENCE_S)
        self.assertEqual(alone.returncode, 4, alone)
        self.assertIn("container.name.conflict", alone.stderr)
        self.assertIn("podman rm -f", (Path(__file__).parent.parent.parent / "docs" / "errors.md").read_text())

    def test_cancel_stops_the_container(self):
        """[S3-38] [S3-116] The runtime stops it, within its grace; nothing of it stays."""
        self.serve()
        run = self.start("waits", token="x")
        self.waiting(run)
        self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 202)
        self.assertEqual(self.ended(run)["status"], "canceled")
        self.assertEqual(self.podman("ps", "--all", "--quiet").stdout, "")

    def test_a_container_outlives_the_node_that_started_it(self):
        """kill -9: the container goes on, its output too, and the run ends as it ended."""
        node = self.serve()
        run = self.start("waits", name="Bo", token="x")
        self.waiting(run)
        node.stop(signal.SIGKILL)
        self.assertEqual(len(self.podman("ps", "--quiet").stdout.split()), 1)
        self.serve()
        self.go_on(run)
        self.assertEqual(self.ended(run)["status"], "completed")
        self.assertEqual(self.messages(run)[-1], "done")
        self.assertEqual(len([text for text in self.messages(run) if text == "hello Bo"]), 1)
        self.assertEqual(self.podman("ps", "--all", "--quiet").stdout, "")

    def test_what_is_left_of_a_container_is_removed(self):
        """kill -9 of the node and of the command that waits for the container: the run is lost when the node is back, and the container that nobody waits for is gone."""
        node = self.serve()
        run = self.start("waits", token="x")
        self.waiting(run)
        node.stop(signal.SIGKILL)
        for folder in Path("/proc").glob("[0-9]*"):  # The command, and the shell that would write down how it ended.
            try:
                mine = run.encode() in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                if mine and b"conmon" not in (folder / "comm").read_bytes() and b"/bin/sh\0/" not in (folder / "cmdline").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue
        self.assertEqual(len(self.podman("ps", "--quiet").stdout.split()), 1)
        self.serve()
        self.assertEqual(self.ended(run)["status"], "lost")
        self.assertEqual(self.podman("ps", "--all", "--quiet").stdout, "")

    def test_a_limit_is_enforced(self):
        """The process that takes more memory than it may is killed; the run fails and says so."""
        eats = "#!/bin/sh\necho begins\nx=$(/bin/busybox head -c {} /dev/zero | /bin/busybox tr '\\0' x)\necho got ${{#x}}\n"
        job(self.scripts, "greedy", eats.format(200_000_000))
        job(self.scripts, "frugal", eats.format(1_000_000))  # The same with less: it is the limit that made it fail.
        self.serve()
        run = self.start("greedy", token="x")
        ended = self.ended(run)
        self.assertEqual(ended["status"], "failed", ended)
        self.assertEqual(self.messages(run), ["begins"])
        self.assertEqual(self.ended(self.start("frugal", token="x"))["status"], "completed")

    def test_an_image_that_is_not_there(self):
        """The run fails with the runtime's words; the node goes on."""
        job(self.scripts, "lost", SIMPLE, CONFIG.replace(IMAGE, "localhost/nosuch:1"))
        self.serve()
        run = self.start("lost", token="x")
        self.assertEqual(self.ended(run)["status"], "failed")
        self.assertTrue(any("nosuch" in text for text in self.messages(run)), self.messages(run))
        self.assertEqual(self.ended(self.start("simple"))["status"], "completed")

    def test_metrics_count_containers(self):
        """[S3-50] Runs in containers and their durations."""
        node = self.serve()
        self.ended(self.start("simple", name="Cy"))
        text = Caller(node.port).get("/metrics").body.decode()
        self.assertIn("flwd_container_runs_total 1\n", text)
        self.assertIn("flwd_container_run_seconds_count 1\n", text)


class RecordingDockerTest(unittest.TestCase):
    """Fake: `docker` is a script that remembers its words; there is no Podman."""

    # Its container is a script that ends when it is killed or its room is gone, and not when it is asked to.
    DOCKER = """#!/bin/sh
echo "$@" >> {asked}
case "$1" in
run) mkfifo {room}/never; touch {room}/runs; exec 3<>{room}/never; trap "" TERM; while [ -e {room}/runs ] && [ ! -e {room}/killed ]; do read -t 1 line <&3; done; exit 137;;
stop) echo "cannot stop it" >&2; exit 1;;
kill) touch {room}/killed; echo x > {room}/never;;
rm) echo "Error: No such container: $3" >&2; exit 1;;
esac
"""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = Path(os.path.realpath(room.name))
        tools = self.room / "tools"
        tools.mkdir()
        for name in ("sh", "bash", "env", "bwrap", "mkfifo", "touch"):
            if found := shutil.which(name):
                (tools / name).symlink_to(found)
        self.asked = self.room / "asked"
        (tools / "docker").write_text(self.DOCKER.format(asked=self.asked, room=self.room).replace("#!/bin/sh", f"#!{shutil.which('bash')}"))
        (tools / "docker").chmod(0o755)
        self.environment = {"PATH": str(tools), "FLWD_PROFILE": "disabled"}

    def test_docker_is_told_the_contract_s_words(self):
        """[S3-38] [S3-109] [S3-116] Freed at the submission and before the step, run, and ended by stop, by kill when stop does not end it, and rm; without Podman's --ignore."""
        scripts = self.room / "scripts"
        job(scripts, "simple", SIMPLE)
        with RunningNode("--dev", "--data", str(self.room / "data"), "--scripts-root", str(scripts), environment=self.environment) as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            run = caller.post("/runs", {"job_id": "simple", "args": {"name": "Ana"}}).json["id"]
            until((self.room / "runs").exists, "the container runs")
            self.assertEqual(caller.get(f"/runs/{run}").json["runtime"], "docker")
            self.assertEqual(caller.post(f"/runs/{run}:cancel").status, 202)
            until(lambda: "finished_at" in caller.get(f"/runs/{run}").json, f"{run} ends")
        name, folder = f"{run}-000-main-sh", self.room / "data" / "runs" / run
        lines = self.asked.read_text().splitlines()
        ran = lines.pop(2)
        self.assertEqual(lines, [f"rm --force {name}"] * 2 + [f"stop --time 10 {name}", f"kill {name}", f"rm --force {name}"])
        self.assertTrue(ran.startswith(f"run --rm --name {name} --cap-drop=ALL --security-opt=no-new-privileges --read-only --network none --workdir {folder} --env ARG_NAME=Ana "), ran)
        self.assertTrue(ran.endswith(f" --volume {scripts}/simple:{scripts}/simple:ro --volume {folder}:{folder}:rw --cpus 0.5 --memory 67108864 {IMAGE} "
                                     f"{scripts}/simple/000_main.sh --name=Ana"), ran)


class NoRuntimeTest(unittest.TestCase):
    """A PATH without Podman and Docker."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.scripts = self.folder / "scripts"
        job(self.scripts, "simple", SIMPLE)
        tools = self.folder / "tools"
        tools.mkdir()
        for name in ("sh", "bash", "env", "bwrap"):
            if found := shutil.which(name):
                (tools / name).symlink_to(found)
        self.environment = {"PATH": str(tools)}

    def run_program(self, program, *words):
        return subprocess.run([program, *words], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S, cwd=self.folder)

    def test_a_run_is_refused_over_http_and_on_the_command_line(self):
        """[S3-103] [S3-108] [S3-109] 422 before anything is accepted; the same problem without a node; status tells of it."""
        with RunningNode("--dev", "--scripts-root", str(self.scripts), environment=self.environment) as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            self.assertEqual(caller.get("/v1/status").json["containers"], "unavailable")
            answer = caller.post("/runs", {"job_id": "simple", "requested_security_profile": "disabled"})
            self.assertEqual((answer.status, answer.json["code"]), (422, "container.runtime.unavailable"), answer)
            self.assertEqual(caller.get("/runs").json, [])
        done = self.run_program(BINARY, "--data", str(self.folder / "data"), "simple", "--profile", "disabled")
        self.assertEqual(done.returncode, 4, done)
        self.assertIn("container.runtime.unavailable", done.stderr)

    def test_podman_goes_before_docker(self):
        """[S3-109] Of both Podman is taken, else Docker. Fake: neither is ever asked."""
        for name in ("docker", "podman"):
            (self.folder / "tools" / name).symlink_to("/bin/true")
            with RunningNode("--dev", environment=self.environment) as node:
                self.assertEqual(Caller(node.port, Authorization="Bearer dev-token").get("/v1/status").json["containers"], name)

    def test_a_node_that_is_to_run_containers_refuses_to_serve(self):
        """[S3-107] --require-containers, and flwd by its name."""
        flwd = self.folder / "flwd"
        flwd.symlink_to(BINARY)
        for program, *flags in ((BINARY, "--require-containers"), (flwd,)):
            with self.subTest(program=os.path.basename(program)):
                done = self.run_program(program, ":serve", "--data", str(self.folder / "data"), "--bind", "127.0.0.1:1", "--alone", *flags)
                self.assertEqual(done.returncode, 4, done)
                self.assertIn("neither podman nor docker", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()

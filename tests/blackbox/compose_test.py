"""Services as containers: a runner drives compose through Podman, and through a fake of Docker's command line."""
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

from planned import Runner, alive, app, pid_of, records
from runner_test import FakeControlPlane
from waiting import until

BUSYBOX = shutil.which("busybox")


def children(pid):
    """The processes that are a process's own, ended ones that nobody waited for, too."""
    return [word for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]


def container_app(name, cwd, **more):
    return {"name": name, "kind": "docker", "cwd": str(cwd), "command": ["up", "-d"], **more}


class FakeDockerTest(unittest.TestCase):
    """Fake: `docker` and `docker-compose` are scripts that remember what they were asked; a project is a file."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.asked = self.folder / "asked"
        self.tool("docker-compose", f"""
            echo "$PWD: $*" >> {self.asked}
            project=$2; shift 2
            case $1 in
              up) touch {self.folder}/up-$project; echo "made $V"; [ ! -e {self.folder}/hold ] || read line < {self.folder}/hold;;
              down) rm -f {self.folder}/up-$project;;
              logs) exec tail -f /dev/null;;
            esac""")
        self.tool("docker", f"""
            case $1 in
              ps) project=${{4##*=}}; [ ! -e {self.folder}/up-$project ] || echo id-$project;;
              stop) echo "docker $*" >> {self.asked};;
              rm) rm {self.folder}/up-${{3#id-}};;
            esac""")
        self.path = f"{self.folder}:{os.environ['PATH']}"

    def tool(self, name, script):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n")
        path.chmod(stat.S_IRWXU)

    def hold(self):
        """Compose waits at a pipe until go_on(), and no longer than the test."""
        pipe = self.folder / "hold"
        os.mkfifo(pipe)

        def let_go():
            with contextlib.suppress(FileNotFoundError):
                os.close(os.open(pipe, os.O_RDWR))
        self.addCleanup(let_go)

    def go_on(self):
        def opened():
            with contextlib.suppress(OSError):  # Nobody reads yet.
                return os.open(self.folder / "hold", os.O_WRONLY | os.O_NONBLOCK)
        with open(until(opened, "compose waits"), "w") as pipe:
            pipe.write("go on\n")

    def commands(self):
        return self.asked.read_text() if self.asked.exists() else ""

    def test_a_project_goes_up_and_down_with_the_plan(self):
        """[S1-04] [S2-12] The app's command after compose -p muster-NAME, in its cwd, with its env; gone containers come back; down when removed."""
        with FakeControlPlane() as fake, Runner(fake.url, PATH=self.path, RUNNER_EXECUTOR="docker") as runner:
            fake.plan = {**fake.plan, "apps": [container_app("Web", self.folder, env={"V": "two"})], "generation": "g-2"}
            runner.until((self.folder / "up-muster-web").exists, "compose up")
            runner.until(lambda: (log := runner.state / "services" / "Web" / "log").exists() and "made two" in log.read_text(), "its output")
            runner.until(lambda: "logs -f" in self.commands(), "its logs are followed")
            self.assertIn(f"{self.folder}: -p muster-web up -d\n", self.commands())
            (self.folder / "up-muster-web").unlink()
            runner.until((self.folder / "up-muster-web").exists, "it is started again")
            fake.plan = {**fake.plan, "apps": [], "generation": "g-3"}
            runner.until(lambda: not (self.folder / "up-muster-web").exists(), "compose down")
            self.assertIn("-p muster-web down -t ", self.commands())
            runner.until(lambda: not children(runner.process.pid), "nothing of it is left, zombies neither")

    def test_one_whose_folder_is_gone_goes_and_holds_nobody_up(self):
        """[S2-12] Compose cannot take it down; the engine does."""
        project = self.folder / "project"
        project.mkdir()
        with FakeControlPlane() as fake, Runner(fake.url, PATH=self.path, RUNNER_EXECUTOR="docker") as runner:
            fake.plan = {**fake.plan, "apps": [container_app("web", project)], "generation": "g-2"}
            runner.until((self.folder / "up-muster-web").exists, "compose up")
            project.rmdir()
            fake.plan = {**fake.plan, "apps": [app("next")], "generation": "g-3"}
            runner.until(lambda: pid_of(runner.state, "next"), "the next one starts")
            self.assertFalse((self.folder / "up-muster-web").exists())
            self.assertIn("docker stop -t 8 id-muster-web\n", self.commands())

    def test_one_that_nobody_can_take_down_is_told_and_given_up(self):
        """[S2-12] Neither compose nor the engine: others go on, and the reason is recorded."""
        with FakeControlPlane() as fake, Runner(fake.url, PATH=self.path, RUNNER_EXECUTOR="docker", MUSTER_SERVICE_GRACE="50ms") as runner:
            told = []

            def take(body):
                told.extend(body["facts"])
                return 200, {"taken_to": body["facts"][-1]["local_seq"]}
            fake.answers["/v1/nodes/r1/services"] = take
            fake.plan = {**fake.plan, "apps": [container_app("web", self.folder)], "generation": "g-2"}
            runner.until((self.folder / "up-muster-web").exists, "compose up")
            for name in ("docker", "docker-compose"):
                self.tool(name, "exit 1")
            fake.plan = {**fake.plan, "apps": [app("next")], "generation": "g-3"}
            runner.until(lambda: pid_of(runner.state, "next"), "the next one starts")
            failed = runner.until(lambda: [fact for fact in list(told) if fact["type"] == "service.failed"], "it is told")
            self.assertEqual([fact["name"] for fact in failed], ["web"])
            self.assertIn("containers of muster-web may still run", failed[0]["message"])

    def test_what_was_cut_short_and_is_planned_no_more_goes(self):
        """[S2-12] [S2-43] The node is killed while compose is at work, with or without its number on record; the plan that it kept says nothing of the app."""
        for known in (True, False):
            with self.subTest(known=known), FakeControlPlane() as fake, Runner(fake.url, PATH=self.path, RUNNER_EXECUTOR="docker") as runner:
                self.hold()
                fake.plan = {**fake.plan, "apps": [container_app("web", self.folder)], "generation": "g-2"}
                runner.until(lambda: (self.folder / "up-muster-web").exists() and "web" in records(runner.state)
                             and records(runner.state)["web"]["record"], "compose is at work, and it is on record")
                runner.stop(signal.SIGKILL)
                record = records(runner.state)["web"]
                self.go_on()
                until(lambda: not alive(json.loads(record["record"])["up"]["pid"]), "compose made it")
                (self.folder / "hold").unlink()
                if not known:
                    (runner.state / "services" / "web" / "state.json").write_text(json.dumps({**record, "record": ""}))
                fake.plan = {**fake.plan, "apps": [], "generation": "g-3"}
                (runner.state / "node" / "plan.json").write_text(json.dumps(fake.plan))
                runner.__enter__()
                runner.until(lambda: not (self.folder / "up-muster-web").exists(), "it is taken down")


@unittest.skipUnless(BUSYBOX and shutil.which("podman") and shutil.which("podman-compose"), "podman, podman-compose or busybox is not there")
class PodmanTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "containers.conf").write_text(
            '[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = ["nofile=1024:4096","nproc=1024:1024"]\n'
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\ntmp_dir = "{self.folder}/tmp"\n'
            '[network]\nnetwork_backend = "cni"\n')
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n')
        (self.folder / "tmp").mkdir()
        # podman-compose joins every container to a bridge, which would leave rules on this machine: they get no network.
        wrapper = self.folder / "bin" / "podman"
        wrapper.parent.mkdir()
        wrapper.write_text('#!/bin/sh\n[ "$1 $2" != "network exists" ] || exit 0\nskip=\nfor word; do\n  shift\n  case $word in\n'
                           '    --net|--network-alias) skip=1;;\n    *) if [ "$skip" ]; then skip=; else set -- "$@" "$word"; fi;;\n'
                           f'  esac\ndone\nexec {shutil.which("podman")} "$@"\n')
        wrapper.chmod(stat.S_IRWXU)
        self.environment = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}", "HOME": str(self.folder), "CONTAINERS_CONF": f"{self.folder}/containers.conf",
                            "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf", "TMPDIR": f"{self.folder}/tmp"}
        root = self.folder / "image"
        (root / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, root / "bin" / "busybox")
        subprocess.run(["tar", "-C", root, "-cf", self.folder / "image.tar", "."], check=True)
        if self.podman("import", str(self.folder / "image.tar"), "muster-test").returncode != 0:
            self.skipTest("podman cannot make an image here")
        run = self.podman("run", "--rm", "--network", "none", "muster-test", "/bin/busybox", "true")
        if run.returncode != 0:
            self.skipTest(f"podman cannot run containers here: {run.stderr[-300:]}")
        self.addCleanup(self.podman, "rm", "-f", "-a", "-t", "0")

    def podman(self, *words):
        return subprocess.run(["podman", *words], env=self.environment, capture_output=True, text=True, timeout=300)

    def containers(self, *which):
        """Those that run; with --all also those that are being stopped."""
        return self.podman("ps", "-q", *which, "--filter", "label=com.docker.compose.project=muster-box").stdout.split()

    def test_containers_of_a_plan_run_and_go(self):
        """[S1-04] [S2-12] A real compose project through Podman: up, its output kept, killed and back, down."""
        (self.folder / "docker-compose.yml").write_text(
            'version: "3"\nservices:\n  box:\n    image: localhost/muster-test\n    network_mode: none\n    stop_signal: SIGKILL\n'
            '    command: ["/bin/busybox", "sh", "-c", "echo hello from the box; exec /bin/busybox tail -f /dev/null"]\n')
        environment = {**self.environment, "RUNNER_EXECUTOR": "docker"}
        with FakeControlPlane() as fake, Runner(fake.url, **environment) as runner:
            fake.plan = {**fake.plan, "apps": [container_app("box", self.folder)], "generation": "g-2"}
            first = runner.until(self.containers, "the container runs")
            log = runner.state / "services" / "box" / "log"
            runner.until(lambda: log.exists() and "hello from the box" in log.read_text(), "its output is kept")
            runner.stop()
            self.assertEqual(self.containers(), first)
            runner.__enter__()
            self.podman("rm", "-f", "-t", "0", first[0])
            runner.until(lambda: (now := self.containers()) and now != first and now, "it is started again")
            fake.plan = {**fake.plan, "apps": [], "generation": "g-3"}
            runner.until(lambda: not self.containers("--all"), "it is taken down")


if __name__ == "__main__":
    unittest.main()

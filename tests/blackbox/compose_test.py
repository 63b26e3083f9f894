"""Services as containers: a runner drives compose through Podman, and through a fake of Docker's command line."""
import os
import shutil
import stat
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

from planned import Runner
from runner_test import FakeControlPlane

BUSYBOX = shutil.which("busybox")


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
              up) touch {self.folder}/up-$project; echo "made $V";;
              down) rm -f {self.folder}/up-$project;;
              logs) exec tail -f /dev/null;;
            esac""")
        self.tool("docker", f"""
            project=${{4##*=}}
            [ ! -e {self.folder}/up-$project ] || echo c0ffee""")

    def tool(self, name, script):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n")
        path.chmod(stat.S_IRWXU)

    def commands(self):
        return self.asked.read_text() if self.asked.exists() else ""

    def test_a_project_goes_up_and_down_with_the_plan(self):
        """[S1-04] [S2-12] The app's command after compose -p muster-NAME, in its cwd, with its env; gone containers come back; down when removed."""
        path = f"{self.folder}:{os.environ['PATH']}"
        with FakeControlPlane() as fake, Runner(fake.url, PATH=path, RUNNER_EXECUTOR="docker") as runner:
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

    def containers(self):
        return self.podman("ps", "-q", "--filter", "label=com.docker.compose.project=muster-box").stdout.split()

    def test_containers_of_a_plan_run_and_go(self):
        """[S1-04] [S2-12] A real compose project through Podman: up, its output kept, killed and back, down."""
        (self.folder / "docker-compose.yml").write_text(
            'version: "3"\nservices:\n  box:\n    image: localhost/muster-test\n    network_mode: none\n'
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
            runner.until(lambda: not self.containers(), "it is taken down")


if __name__ == "__main__":
    unittest.main()

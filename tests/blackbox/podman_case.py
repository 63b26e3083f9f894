"""Real Podman, in folders of its own: nothing of the machine's images and containers is seen or touched."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

BUSYBOX = shutil.which("busybox")
PODMAN = shutil.which("podman")


class PodmanCase(unittest.TestCase):
    """`self.environment` is for a node whose containers are the test's; `self.podman(...)` is the same Podman."""

    def setUp(self):
        if not PODMAN or not BUSYBOX:
            self.skipTest("podman or busybox is not installed")
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("tmp", "bin"):
            (self.folder / name).mkdir()
        (self.folder / "containers.conf").write_text(
            '[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = ["nofile=1024:4096","nproc=1024:1024"]\n'
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\ntmp_dir = "{self.folder}/tmp"\n'
            '[network]\nnetwork_backend = "cni"\n')
        (self.folder / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n')
        (self.folder / "registries.conf").write_text("unqualified-search-registries = []\n")
        # A node keeps these two for what it starts; the rest of its environment is not handed on.
        wrapper = self.folder / "bin" / "podman"
        wrapper.write_text(f'#!/bin/sh\nCONTAINERS_REGISTRIES_CONF={self.folder}/registries.conf exec {PODMAN} "$@"\n')
        wrapper.chmod(0o755)
        self.environment = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}", "HOME": str(self.folder), "TMPDIR": f"{self.folder}/tmp",
                            "CONTAINERS_CONF": f"{self.folder}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf"}
        self.addCleanup(self.podman, "rm", "--force", "--all", "--time", "0")  # What a test that failed left running.

    def podman(self, *words):
        return subprocess.run(["podman", *words], env=self.environment, capture_output=True, text=True, timeout=300)

    def make_image(self, name, make=lambda root: None):
        """An image of busybox, as each of its programs, and what `make(root)` adds."""
        root = self.folder / "image"
        (root / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, root / "bin" / "busybox")
        for applet in ("sh", "cat", "echo", "env", "mkfifo", "touch", "id", "ls", "wc"):
            (root / "bin" / applet).symlink_to("busybox")
        make(root)
        subprocess.run(["tar", "-C", root, "-cf", self.folder / "image.tar", "."], check=True)
        shutil.rmtree(root)
        if self.podman("import", str(self.folder / "image.tar"), name).returncode != 0:
            self.skipTest("podman cannot make an image here")
        run = self.podman("run", "--rm", "--network", "none", name, "/bin/echo", "here")
        if run.returncode != 0:
            self.skipTest(f"podman cannot run containers here: {run.stderr[-300:]}")

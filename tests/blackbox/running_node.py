"""A node of the release binary in its own folder, for tests that look at it from outside."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from waiting import until  # noqa: E402

BINARY = Path(os.environ.get("MUSTER", ROOT / "build" / "release" / "muster"))
STOP_LIMIT_S = 15


def binary_serves():
    """Whether the binary is built and can serve; tests skip until it can."""
    if not BINARY.exists():
        return False
    done = subprocess.run([BINARY, ":serve", "--help"], capture_output=True, timeout=30)
    return done.returncode == 0 and b"--data" in done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_ready(url, process):
    """Waits until the node at `url` takes commands."""
    def ready():
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as reply:
                return reply.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
    until(ready, "the node is ready", on=[process])


class RunningNode:
    """`with RunningNode("--dev") as node:` serves until the block ends; `environment` is all it inherits; a DATA_DIR in it stands for --data. It runs no
    services of its own unless --node-side is among the flags: then its log holds only what the test says."""

    def __init__(self, *flags, environment=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        data = () if "DATA_DIR" in (environment or {}) else ("--data", self.folder / "data")
        self._command = [BINARY, ":serve", *data, "--bind", f"127.0.0.1:{self.port}",
                         "--plans-dir", ROOT / "plans", "--profile", ROOT / "plans" / "profile.yaml",
                         *(() if "--node-side" in flags else ("--node-side=false",)),
                         *(() if "--discovery" in flags else ("--alone",)), *flags]
        self._environment = {"PATH": os.environ["PATH"], **(environment or {})}
        self._process = None

    def begin(self):
        """Starts it and waits for nothing: for one that may be killed before it is ready."""
        with open(self.folder / "output", "ab") as output:
            self._process = subprocess.Popen(self._command, cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
                                             stdout=output, stderr=output)

    def __enter__(self):
        self.begin()
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self._folder.cleanup()

    def be_given(self, environment):
        """What it inherits besides, at its next start."""
        self._environment.update(environment)

    def stop(self, signal_number=signal.SIGTERM):
        """Its exit status; a node that does not stop in time is killed."""
        self._process.send_signal(signal_number)
        try:
            return self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def output(self):
        return (self.folder / "output").read_text(errors="replace")

    def _wait_ready(self):
        try:
            wait_ready(self.url, self._process)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()}") from None

    def until(self, condition, what):
        """What `condition()` gives once that is true; not later than the node ends."""
        return until(condition, what, on=[self._process])

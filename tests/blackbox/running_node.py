"""A node of the release binary in its own folder, for tests that look at it from outside."""
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("MUSTER", ROOT / "build" / "release" / "muster"))
READY_LIMIT_S = 20
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


class RunningNode:
    """`with RunningNode("--dev") as node:` serves until the block ends; `environment` is all it inherits."""

    def __init__(self, *flags, environment=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self._command = [BINARY, ":serve", "--data", self.folder / "data", "--bind", f"127.0.0.1:{self.port}",
                         "--plans-dir", ROOT / "plans", "--profile", ROOT / "plans" / "profile.yaml", *flags]
        self._environment = {"PATH": os.environ["PATH"], **(environment or {})}
        self._process = None

    def __enter__(self):
        with open(self.folder / "output", "ab") as output:
            self._process = subprocess.Popen(self._command, cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
                                             stdout=output, stderr=output)
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self._folder.cleanup()

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
        deadline = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
        raise AssertionError(f"the node did not become ready\n{self.output()}")

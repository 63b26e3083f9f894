"""The real binary as a child process, and the little HTTP that the crash tests speak to it."""
import http.client
import json
import os
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

from waiting import PATIENCE_S, until  # noqa: E402

BINARY = os.environ.get("MUSTER", os.path.join(ROOT, "build", "release", "muster"))
SHIM = os.environ.get("MUSTER_POWERCUT", os.path.join(ROOT, "build", "release", "tests", "crash", "powercut.so"))
TOKEN = {"Authorization": "Bearer dev-token"}


def has_failed(test):
    """Whether a part of the test failed; to be asked when it is torn down."""
    told = test._outcome.result
    return any(getattr(one, "test_case", one) is test for one, _ in told.failures + told.errors)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Node:
    """A node on one data folder; `with` kills it at the end, whatever happened."""

    def __init__(self, data, environment=None, room=None, flags=()):
        self.data = str(data)
        self.port = free_port()
        self.log = open(os.path.join(room or os.path.dirname(self.data), f"node-{self.port}.log"), "wb")
        command = [BINARY, ":serve", "--data", self.data, "--bind", f"127.0.0.1:{self.port}", "--dev", "--alone", "--node-side=false", *flags]
        # Nothing of the caller's configuration may reach the node.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.process = subprocess.Popen(command, env={**kept, **(environment or {})}, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, cwd=room or os.path.dirname(self.data))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def said(self):
        """The end of what the node wrote to its own log."""
        self.log.flush()
        with open(self.log.name, errors="replace") as file:
            return file.read()[-3000:]

    def wait_ready(self):
        """Waits until the node takes commands; raises with its last words when it does not."""
        try:
            self.until(self._ready, "the node is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.said()}") from None
        return self

    def until(self, condition, what):
        """Waits for `condition()`, not longer than the node lives."""
        return until(condition, what, on=[self.process])

    def _ready(self):
        try:
            return self.ask("GET", "/readyz", timeout=2)[0] == 200
        except OSError:
            return False

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.kill()

    def connect(self, timeout=PATIENCE_S):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, timeout=PATIENCE_S):
        """(status, body bytes, headers) of one request."""
        connection = self.connect(timeout)
        try:
            return send(connection, method, path, body)
        finally:
            connection.close()

    def export(self, to):
        """Writes the whole log to the file `to`, as the node serves it."""
        connection = self.connect()
        try:
            connection.request("GET", "/v1/events?from=1", headers=TOKEN)
            reply = connection.getresponse()
            assert reply.status == 200, (reply.status, reply.read()[:300])
            with open(to, "wb") as file:
                while piece := reply.read(1 << 20):
                    file.write(piece)
        finally:
            connection.close()


def send(connection, method, path, body=None, key=None):
    text = None if body is None else json.dumps(body)
    headers = dict(TOKEN, **({"Content-Type": "application/json"} if text is not None else {}))
    if key is not None:
        headers["Idempotency-Key"] = key
    connection.request(method, path, text, headers)
    reply = connection.getresponse()
    return reply.status, reply.read(), reply.headers


def verb(*arguments, data=None):
    """Runs the binary's command line; (exit status, stdout, stderr)."""
    command = [BINARY, *arguments] + (["--data", str(data)] if data else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr

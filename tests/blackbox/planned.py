"""What tests of a node's own side share: templates in a folder, runners, and an end for the services they leave."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from running_node import BINARY, STOP_LIMIT_S
from waiting import until

FOREVER = ["/bin/sh", "-c", "echo started $V; exec tail -f /dev/null"]


def app(name, command=None, **more):
    return {"name": name, "kind": "go", "command": command or FOREVER, **more}


def write_plan(folder, *apps):
    """server.yaml with these apps, as one rename."""
    path = Path(folder, "server.yaml")
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"apps": list(apps)}))
    new.rename(path)


def records(state):
    """What a node keeps of its services, by name."""
    found = {}
    for path in Path(state, "services").glob("*/state.json"):
        with contextlib.suppress(FileNotFoundError):
            record = json.loads(path.read_text())
            found[record["name"]] = record
    return found


def pid_of(state, name):
    """The pid of a service's process; None while there is none."""
    kept = records(state).get(name, {}).get("record")
    return json.loads(kept).get("pid") if kept else None


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end_services(state):
    """Services outlive their node: the test ends those it caused, each by the pid of its own record."""
    for record in records(state).values():
        kept = json.loads(record.get("record") or "{}")
        for pid in [kept.get("pid"), *(kept.get(name, {}).get("pid") for name in ("up", "follower"))]:
            if pid and alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


class Runner:
    """`with Runner(url, ...) as runner:` a runner configured by its environment alone."""

    def __init__(self, url, **environment):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.state = self.folder / "state"
        self.environment = {"PATH": os.environ["PATH"], "SUPERVISOR_URL": url, "RUNNER_STATE_DIR": str(self.state),
                            "RUNNER_NODE_ID": "r1", "ROLE_HINT": "server", "MUSTER_POLL_EVERY": "200ms",
                            "MUSTER_SERVICE_BACKOFF": "10ms", **environment}
        self.process = None

    def __enter__(self):
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen([BINARY, ":runner"], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            end_services(self.state)
            self._folder.cleanup()

    def stop(self, signal_number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            return self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def until(self, condition, what):
        try:
            return until(condition, what, on=[self.process])
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(self.folder / 'output').read_text(errors='replace')}") from None

    def cluster_file(self):
        try:
            return json.loads((self.state / "discovery" / "cluster.json").read_text())
        except FileNotFoundError:
            return {}

"""Several nodes of the release binary that find each other and become one cluster, for tests from outside."""
import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from caller import Answer, Caller
from planned import end_services
from running_node import BINARY, ROOT
from waiting import PATIENCE_S, until

DEV = {"Authorization": "Bearer dev-token"}
API_KEY = "0123456789abcdef0123456789abcdef"
PORTS = range(10_000, 30_000)  # Below those that the system gives to outgoing connections: they stay free over a restart.
STOP_LIMIT_S = 30
LAST_LINES = 25
GIVEN = set()  # A port that was given may not be bound yet.


def fixed_port():
    while True:
        port = random.choice(PORTS)
        if port in GIVEN:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                GIVEN.add(port)
                return port
            except OSError:
                continue


def new_service():
    """An mDNS service that no other test's nodes listen for."""
    return f"_m{secrets.token_hex(5)}._tcp"


class Member(Caller):
    """One node, running or not, with its folder."""

    def __init__(self, name, room, *flags, headers=None, node_id=None, environment=None, service=""):
        super().__init__(fixed_port(), **(DEV if headers is None else headers))
        self.name = name
        self.node_id = node_id or name
        self.peer_port = fixed_port()
        self.peer = f"127.0.0.1:{self.peer_port}"
        self.bind = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.bind}"
        self.prefix = ()  # Of the command that starts it.
        self.binary = BINARY
        self.names_itself = False  # Or it is told its id.
        self.data = Path(room) / name
        self.log = Path(room) / f"{name}.log"
        self.plans = ROOT / "plans"
        self.profile = ROOT / "plans" / "profile.yaml"
        self.flags = flags
        self.service = service
        self.environment = {"PATH": os.environ["PATH"], **(environment or {})}
        self.process = None
        self.paused = False

    def start(self, *more):
        """Starts it on its folder; `more` flags count this time only."""
        named = () if self.names_itself or not self.node_id else ("--node-id", self.node_id)
        command = [*self.prefix, self.binary, ":serve", "--data", self.data, *named, "--bind", self.bind,
                   "--peer-bind", self.peer, "--plans-dir", self.plans, "--profile", self.profile,
                   "--mdns-service", self.service, *self.flags, *more]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(command, cwd=self.data.parent, env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.paused = False
        return self

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None and not self.paused

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """It stands still when this returns: the signal alone lets a thread that runs go on for a while."""
        self.signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        until(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] in "TtXZ" for task in tasks.iterdir()), "all its threads stand still")
        self.paused = True

    def resume(self):
        self.signal(signal.SIGCONT)
        self.paused = False

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """SIGTERM; its exit status. One that does not stop in time is killed."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode

    def ends(self):
        """Its exit status, once it ends by itself."""
        until(lambda: self.process.poll() is not None, f"{self.name} ends", on=[self.process])
        return self.process.returncode

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def until(self, condition, what, ends=False):
        """What `condition()` gives once that is true; a refused connection is not true yet. `ends`: it may end before."""
        return until(lambda: _tried(condition), f"{self.name}: {what}", on=[] if ends else [self.process])

    def ready(self):
        return self.get("/readyz").status == 200

    def wait_ready(self):
        self.until(self.ready, "is ready")
        return self

    def cluster(self):
        """What it says of the cluster, as of now."""
        answer = self.get("/v1/cluster")
        assert answer.status == 200, answer
        return answer.json

    def named(self):
        """The members, by name."""
        return [one["member"] for one in self.cluster()["members"]]

    def roles(self):
        """What Raft has each member as."""
        return {one["member"]: one.get("now", {}).get("role") for one in self.cluster()["members"]}

    def voters(self):
        return [name for name, role in self.roles().items() if role == "voter"]

    def says(self, words):
        """Until its log has these words."""
        self.until(lambda: words in self.said(), f"says '{words}'")

    def lines(self):
        """Its whole log."""
        answer = self.get("/v1/events?from=1")
        assert answer.status == 200, answer
        return answer.body.splitlines(keepends=True)

    @contextmanager
    def sent(self, method, path, body):
        """Sends a request now; yields what waits for its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, json.dumps(body), {**self.headers, "Content-Type": "application/json"})
            yield lambda: Answer(connection.getresponse())
        finally:
            connection.close()

    def connected(self, limit_s):
        """A connection to it that keeps alive."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit_s)
        connection.connect()
        return connection

    def verb(self, *arguments):
        """Runs the command line against it."""
        environment = {"PATH": os.environ["PATH"], "MUSTER_REMOTE": self.url, "MUSTER_TOKEN": "dev-token"}
        return subprocess.run([BINARY, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE_S, cwd="/")


def _tried(condition):
    try:
        return condition()
    except (OSError, http.client.HTTPException, KeyError):  # Nobody is there, or it does not know (yet).
        return None


class RunningCluster:
    """`with RunningCluster(3) as cluster:` starts so many nodes n1, n2, ...: the others once the first is ready (of more than
    three: each once the one before is), or all `at_once`; when the block fails, their last words are printed. `flags` are for all of them; with `dev=False` they serve an API key, and trust nobody without being told. `environment` is what more they inherit."""

    kind = Member

    def __init__(self, count, *flags, dev=True, at_once=False, folder=None, environment=None):
        self._room = tempfile.TemporaryDirectory(dir=folder)
        self.room = Path(self._room.name)
        self.service = new_service()
        self._flags = (*(("--dev",) if dev else ()), *flags)
        self._asks = {"environment": environment or {}}
        if not dev:
            self._asks = {"headers": {"X-API-Key": API_KEY}, "environment": {"SUPERVISOR_API_KEY": API_KEY, **(environment or {})}}
        self.members = []
        self._count, self._at_once = count, at_once

    def __enter__(self):
        try:
            for index in range(self._count):
                self.add().start()
                if not self._at_once and (index == 0 or self._count > 3):
                    self.members[index].wait_ready()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self._print_last_words()
        for member in self.members:
            member.kill()
            end_services(member.data)
        self._room.cleanup()

    def add(self, *flags, node_id=None):
        """One more node, not started yet."""
        member = self.kind(f"n{len(self.members) + 1}", self.room, *self._flags, *flags, node_id=node_id, service=self.service,
                        **self._asks)
        self.members.append(member)
        return member

    def __getitem__(self, index):
        return self.members[index]

    def running(self):
        return [member for member in self.members if member.running]

    def others(self, *these):
        return [member for member in self.running() if member not in these]

    def until(self, condition, what):
        return until(lambda: _tried(condition), what, on=[member.process for member in self.running()], look_again_s=0.05)

    def wait_ready(self):
        self.until(lambda: all(member.ready() for member in self.running()), "all are ready")
        return self

    def wait_voters(self, count):
        """Until every running member sees so many voters, and itself among the members."""
        def seen():
            return all(len(member.voters()) == count for member in self.running())
        self.until(seen, f"there are {count} voters")
        return self

    def whole(self):
        """Until all are ready and vote."""
        return self.wait_voters(len(self.running())).wait_ready()

    def agreed_leader(self):
        """The one that leads as all that run say; None when they do not agree. Who has no log says what the leader says."""
        running = self.running()
        said = [member.cluster()["raft"] for member in running]
        named = {one["leader"] for one in said}
        leading = [member for member, one in zip(running, said) if one["leading"] and one["node"] == member.node_id]
        return leading[0] if len(leading) == 1 and named == {leading[0].node_id} else None

    def leader_but(self, *these):
        """Until one of the others leads."""
        return self.until(lambda: next((member for member in self.others(*these) if member.cluster()["raft"]["leading"]), None),
                          "one of the others leads")

    def leader(self):
        """Until one of the running leads and all of them say so; that one."""
        return self.until(self.agreed_leader, "one leads and all know it")

    def followers(self):
        return self.others(self.leader())

    def level(self):
        """Until all running show the same last line; their logs, as lists of lines, the same length each."""
        def same():
            heads = {member.get("/v1/nodes?limit=1").seq for member in self.running()}
            return max(heads) if len(heads) == 1 else None
        seq = self.until(same, "all have the same head")
        return [member.lines()[:seq] for member in self.running()]

    def _print_last_words(self):
        for member in self.members:
            lines = [line for line in member.said().splitlines() if '"info","message":"request"' not in line][-LAST_LINES:]
            print(f"\n{member.name} at {member.url}, {'running' if member.running else 'not running'}:", *lines,
                  sep="\n  ", file=sys.stderr)


def count_of(lines, kind, stream):
    """How often an event of that type and stream stands in a log."""
    events = (json.loads(line) for line in lines)
    return sum(event["type"] == kind and event["stream"] == stream for event in events)

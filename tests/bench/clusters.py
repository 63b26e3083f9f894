"""Three nodes, and three etcds, for the rows that measure clusters."""
import contextlib
import http.client
import json
import pathlib
import subprocess
import sys
import time

from servers import BINARY, ROOT, TOKEN, answers, free_port, many_files
from waiting import until

sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
from running_cluster import RunningCluster  # noqa: E402

HEADERS = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
NEXT_TRY_S = 0.005
ANSWER_LIMIT_S = 0.3  # Then the next one is asked: a follower whose leader died may hold the request for longer.


@contextlib.contextmanager
def nodes(bench, count, *flags, **named):
    """So many nodes that vote, on the disk that is measured."""
    with bench.cluster(count, "--node-side=false", *flags, **named) as cluster:
        cluster.whole()
        yield cluster


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def rss_mib(process):
    return int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def post(port, path, body, headers, limit_s=ANSWER_LIMIT_S):
    """The status of one request on a connection of its own; None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def next_write(ports, path, body, headers=HEADERS):
    """Seconds until one of the ports takes a write, asked in turn."""
    began = time.monotonic()
    turn = 0

    def taken():
        nonlocal turn
        turn += 1
        return post(ports[turn % len(ports)], path, body, headers) == 200
    until(taken, "a write is taken", look_again_s=NEXT_TRY_S)
    return time.monotonic() - began


class Etcds:
    """Three etcds on loopback that elect as fast as our nodes do."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(parents=True)
        self.ports = [free_port() for _ in range(3)]
        self._peers = [free_port() for _ in range(3)]
        self._processes = [None] * 3

    def start(self, number):
        client, peer = (f"http://127.0.0.1:{ports[number]}" for ports in (self.ports, self._peers))
        everybody = ",".join(f"e{n}=http://127.0.0.1:{port}" for n, port in enumerate(self._peers))
        command = ["etcd", "--name", f"e{number}", "--data-dir", str(self._folder / str(number)), "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                   "--initial-cluster", everybody, "--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error"]
        with open(self._folder / f"{number}.log", "ab") as output:
            self._processes[number] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=many_files)

    def whole(self):
        until(lambda: all(answers("/health")(port) for port in self.ports), "three etcds are healthy", on=self._processes)
        return self

    def leader(self):
        """Its number, once it is known."""
        def told():
            for port in self.ports:
                said = self._status(port)
                if said and int(said.get("leader", 0)):
                    members = {self._status(other)["header"]["member_id"]: n for n, other in enumerate(self.ports)}
                    return (members.get(said["leader"]),)
            return None
        return until(told, "an etcd leads")[0]

    @staticmethod
    def _status(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("POST", "/v3/maintenance/status", "{}")
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def kill(self, number):
        self._processes[number].kill()
        self._processes[number].wait()

    def pid(self, number):
        return self._processes[number].pid

    def __enter__(self):
        for number in range(3):
            self.start(number)
        return self.whole()

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
            process.wait()


def simulated(limit_s, *flags):
    """What muster :sim says of itself."""
    done = subprocess.run([BINARY, ":sim", "--json", *flags], stdout=subprocess.PIPE, check=True, text=True, timeout=limit_s)
    return json.loads(done.stdout)

"""What is measured: each row a function that yields its figures beside their references from the same run."""
import http.client
import json
import os
import random
import subprocess
import time

from bus_rows import BUS_ROWS
from cluster_rows import CLUSTER_ROWS
from clusters import RunningCluster
from drift_rows import DRIFT_ROWS
from figure import Figure
from job_rows import JOB_ROWS
from run_rows import RUN_ROWS
from servers import BINARY, TOKEN, Node, etcd, nginx, program, until

MILLION = 1_000_000
NODES = 10_000


class Bench:
    """A folder to work in and how long each measurement takes; `share` of what is counted, for a quick look."""

    def __init__(self, folder, seconds, share=1.0):
        self.folder = folder
        self.seconds = seconds
        self.share = share
        self._million = None

    def times(self, count):
        return max(1, round(count * self.share))

    def events(self):
        """A million, or a share of it."""
        return max(1000, round(MILLION * self.share))

    def cluster(self, count, *flags, **named):
        """So many nodes of one cluster, on the disk that is measured."""
        return RunningCluster(count, "--log-level", "warn", *flags, folder=self.folder, **named)

    def fresh(self, name):
        path = self.folder / f"{name}-{time.monotonic_ns()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def rocksdb(self, mode, **named):
        return program("rocksdb", mode=mode, folder=self.fresh("rocksdb"), seconds=self.seconds, **named)

    def million(self):
        """A folder with a million events of ten thousand nodes; made once a run, by the node itself."""
        if not self._million:
            folder = self.fresh("million")
            with Node(folder) as node:
                node.load(mode="register", connections=256, nodes=NODES, requests=MILLION)
                until(lambda: node.head() >= MILLION, "a million events are there")
            self._million = folder
        return self._million


def one_client(bench):
    """One client, one durable commit at a time, over HTTP keep-alive."""
    reference = bench.rocksdb("batch", batch=1)
    with Node(bench.fresh("one")) as node:
        got = node.load(mode="register", connections=1, nodes=1, seconds=bench.seconds)
    yield no_errors(got)
    yield Figure("one client, one commit, p50", got["p50_us"], "us", 1.4, reference=reference["p50_us"],
                 against="RocksDB, one synced write")


def inside(bench):
    """64 clients inside the process."""
    reference = bench.rocksdb("group", clients=64)
    got = program("inside", folder=bench.fresh("inside"), clients=64, nodes=NODES, seconds=bench.seconds)
    yield Figure("64 clients inside the process, 10,000 nodes", got["rate"], "/s", 0.7, True, reference["rate"],
                 "RocksDB, one writer's group commit")


def http64(bench):
    """64 clients over HTTP."""
    with etcd(bench.fresh("etcd")) as server:
        reference = program("etcd", port=server.port, pid=server.pid, connections=64, seconds=bench.seconds)
    with Node(bench.fresh("http64")) as node:
        got = node.load(mode="register", connections=64, nodes=64, seconds=bench.seconds)
    yield no_errors(got)
    yield Figure("64 clients over HTTP", got["rate"], "/s", 2.0, True, reference["rate"], "etcd, gRPC, 64 clients, 300 bytes")
    yield Figure("64 clients over HTTP, p99", got["p99_us"], "us", 4.0, reference=got["p50_us"], against="its own p50")


def batch(bench):
    """64 commands in one POST /v1/batch."""
    reference = bench.rocksdb("batch", batch=64)
    with Node(bench.fresh("batch")) as node:
        one = node.load(mode="batch", connections=1, batch=64, nodes=64, seconds=bench.seconds)
        got = node.load(mode="batch", connections=4, batch=64, nodes=256, version=10**6, seconds=bench.seconds)
    yield no_errors(got)
    yield Figure("batches of 64, one client", one["rate"], "/s", 0.7, True, reference["rate"], "RocksDB, 64 a batch, synced")
    yield Figure("batches of 64, four clients", got["rate"], "/s", 0.7, True, reference["rate"], "RocksDB, 64 a batch, synced")


def get(bench):
    """GET /v1/nodes of 2 KiB, requests per core-second of the server."""
    with Node(bench.fresh("get")) as node:
        for n in range(100):
            node.ask("POST", "/v1/nodes/register", {"node_id": f"n{n}", "host": "edge-a", "ip": "10.0.0.7",
                                                    "caps": {"cpu": 4, "ram_mb": 4096}, "versions": {"agent": "0.4.1"}})
            content = node.ask("GET", "/v1/nodes")[1]
            if len(content) >= 2048 - 150:
                break
        got = node.load(mode="get", path="/v1/nodes", connections=64, seconds=bench.seconds)
    with nginx(bench.fresh("nginx"), content) as server:
        reference = program("load", port=server.port, pid=server.pid, mode="get", path="/nodes.json", connections=64,
                            seconds=bench.seconds)
    yield no_errors(got)
    yield Figure(f"GET /v1/nodes, {len(content)} bytes, per core-second", got["per_core_second"], "/s", 0.8, True,
                 reference["per_core_second"], "nginx, same bytes")


def tail(bench):
    """A live tail: from the request of a commit to its reader, and to the committer."""
    with Node(bench.fresh("tail")) as node:
        got = tails(node, tails=1, rate=200, seconds=bench.seconds)
    yield Figure("live tail, p50", got["tail_p50_us"], "us", 1.3, reference=got["commit_p50_us"], against="the commit's own reply")
    yield Figure("live tail, lost", got["lost"] + got["gaps"], "events", 0)


def fanout(bench):
    """2,000 SSE tails at 100 events/s."""
    with Node(bench.fresh("fanout")) as node:
        got = tails(node, tails=2000, rate=100, seconds=2 * bench.seconds)
    yield Figure("2,000 tails, 100 events/s, lost", got["lost"] + got["gaps"] + got["closed"], "events", 0)
    yield Figure("2,000 tails, events/s written", got["rate"], "/s", 95, True)
    yield Figure("2,000 tails, CPU", got["server_cpu"], "cores", 0.75)
    yield Figure("2,000 tails, memory each", got["kib_each"], "KiB", 8)


def tails(node, **named):
    node.ask("POST", "/v1/nodes/register", {"node_id": "first"})
    path = f"/v1/events?follow=true&from={node.head() + 1}"
    return program("tails", port=node.port, pid=node.pid, token=TOKEN, path=path, **named)


def beats(bench):
    """10,000 nodes on 10,000 connections, a heartbeat every ten seconds each."""
    with Node(bench.fresh("beats")) as node:
        node.load(mode="register", connections=64, nodes=NODES, requests=NODES)
        got = program("beats", port=node.port, pid=node.pid, token=TOKEN, nodes=NODES, seconds=max(20, 2 * bench.seconds))
    yield Figure("10,000 beating nodes, CPU", got["server_cpu"], "cores", 0.08)
    yield Figure("10,000 beating nodes, failed", got["errors"] + got["late"] + got["closed"], "beats", 0)


def replay(bench):
    """Replay from nothing: all views, chain verified."""
    folder = bench.million()
    reference = program("rocksdb", mode="iterate", folder=store_of(folder))
    began = time.monotonic()
    out, peak_mib = run_with_peak([BINARY, ":replay", "--data", str(folder), "--json"])
    took = time.monotonic() - began
    events = reference["records"]
    yield Figure("replay of 1,000,000 events", events / took, "/s", 600_000, True)
    yield Figure("replay beside bare iteration", events / took, "/s", None, True, reference["rate"], "iterating the same column")
    yield Figure("memory replaying", peak_mib, "MiB", 150)


def as_of(bench):
    """?as_of anywhere in a million events."""
    folder = bench.million()
    with Node(folder) as node:
        head, cpu = node.head(), node.cpu_seconds()
        took = []
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
        for _ in range(300):
            seq = random.randrange(1, head)
            began = time.monotonic()
            connection.request("GET", f"/v1/nodes?limit=100&as_of={seq}", headers={"Authorization": "Bearer " + TOKEN})
            reply = connection.getresponse()
            reply.read()
            if reply.status != 200:
                raise SystemExit(f"?as_of={seq} answered {reply.status}")
            took.append(time.monotonic() - began)
        cpu = node.cpu_seconds() - cpu
    took.sort()
    size = {name: program("rocksdb", mode="iterate", folder=store_of(folder), column=name)["bytes"]
            for name in ("events", "checkpoints")}
    yield Figure("?as_of in 1,000,000 events, p50", took[len(took) // 2] * 1e3, "ms")
    yield Figure("?as_of in 1,000,000 events, p99", took[len(took) * 99 // 100] * 1e3, "ms", 100)
    yield Figure("?as_of, CPU each", cpu / len(took) * 1e3, "ms")
    yield Figure("checkpoints together", size["checkpoints"] / 2**20, "MiB", 1.0, reference=size["events"] / 2**20,
                 against="the log")


def start(bench):
    """From the command to the first ready answer; the best of five, as the machine has other things to do."""
    with etcd(bench.fresh("etcd")) as server:
        reference = server.started_in
    folder = bench.fresh("start")
    Node(folder).stop()
    yield Figure("start to ready, known cluster, empty", best_start(folder), "ms", 100)
    yield Figure("start to ready, beside etcd", best_start(folder), "ms", reference=reference * 1e3, against="etcd, empty")
    yield Figure("start to ready, 1,000,000 events", best_start(bench.million()), "ms", 400)


def best_start(folder):
    times = []
    for _ in range(5):
        with Node(folder) as node:
            times.append(node.started_in)
    return min(times) * 1e3


def memory(bench):
    """Resident memory: idle, and with 10,000 nodes."""
    with etcd(bench.fresh("etcd")) as server:
        reference = server.rss_mib()
    with Node(bench.fresh("memory")) as node:
        yield Figure("memory idle", node.rss_mib(), "MiB", 40)
        yield Figure("memory idle, beside etcd", node.rss_mib(), "MiB", reference=reference, against="etcd, idle")
        node.load(mode="register", connections=64, nodes=NODES, requests=NODES)
        registered = node.rss_mib()
        yield Figure("memory, 10,000 nodes registered", registered, "MiB", 100)
        after = []
        for turn in range(1, 4):  # The same nodes again and again: what is kept of them does not grow.
            node.load(mode="register", connections=64, nodes=NODES, requests=bench.events() // 5, version=turn * MILLION)
            after.append(node.rss_mib())
        yield Figure("memory after 600,000 changes", after[-1], "MiB", 1.15, reference=after[0],
                     against="after 200,000")


def no_errors(got):
    return Figure("requests that failed", got["errors"], "requests", 0)


def store_of(folder):
    """The RocksDB folder under a data folder."""
    return next(path.parent for path in folder.rglob("CURRENT"))


def run_with_peak(command):
    """(stdout, peak MiB of resident memory) of a command that must succeed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return json.loads(out or b"null"), usage.ru_maxrss / 1024


ROWS = {row.__name__: row for row in (one_client, inside, http64, batch, get, tail, fanout, beats, start, memory, replay, as_of)} | CLUSTER_ROWS | JOB_ROWS | RUN_ROWS | BUS_ROWS | DRIFT_ROWS

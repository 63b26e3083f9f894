"""The rows that measure clusters: forming, joining, losing leaders, committing on three nodes, doing nothing."""
import http.client
import json
import statistics
import threading
import time
from queue import SimpleQueue

from clusters import HEADERS, Etcds, cpu_seconds, next_write, nodes, rss_mib, simulated
from figure import Figure
from servers import TOKEN, program

STARTS = 5
NODES, BATCH = 10_000, 64
KILLS, ETCD_KILLS = 50, 10
RATE = 100  # Commits a second while a follower is watched.
SIM_LIMIT_S = 600


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def three_start(bench):
    """Three nodes started at once, on empty folders: one cluster, all ready; and until all three vote."""
    ready, voting = [], []
    for _ in range(bench.times(STARTS)):
        began = time.monotonic()
        with bench.cluster(3, at_once=True) as cluster:
            cluster.wait_ready()
            cluster.until(lambda: len({one.cluster()["identity"].get("cluster") for one in cluster.members}) == 1, "they are one cluster")
            ready.append(time.monotonic() - began)
            cluster.whole()
            voting.append(time.monotonic() - began)
    yield Figure("three nodes at once: one cluster, all ready", statistics.median(ready), "s", 4)
    yield Figure("three nodes at once: slowest start", max(ready), "s")
    yield Figure("three nodes at once: all three vote", statistics.median(voting), "s")


def joiner(bench):
    """A new member, a million events behind: from its start until it shows them."""
    events = bench.events()
    with bench.cluster(1) as cluster:
        first, second = cluster.wait_ready()[0], cluster.add()
        program("load", port=first.port, pid=first.process.pid, token=TOKEN, mode="batch", connections=4, batch=BATCH,
                nodes=min(NODES, events), requests=-(-events // BATCH))
        # The last of them was acknowledged; the views have it a moment later.
        head = first.until(lambda: (seen := first.get("/v1/nodes?limit=1").seq) >= events and seen, f"{events} events are there")
        before, began = cpu_seconds(first.process), time.monotonic()
        second.start()
        second.until(lambda: second.get("/v1/nodes?limit=1").seq >= head, "has caught up")
        second.wait_ready()
        took = time.monotonic() - began
        yield Figure(f"a joiner, {events:,} events behind, is caught up", took, "s", 10)
        yield Figure("the same, CPU of both", cpu_seconds(second.process) + cpu_seconds(first.process) - before, "s")


def kills(bench):
    """The leader is killed; seconds until somebody takes the next write. The same with three etcds."""
    with Etcds(bench.fresh("etcds")) as etcds:
        reference = []
        for _ in range(bench.times(ETCD_KILLS)):
            leader = etcds.leader()
            others = [port for number, port in enumerate(etcds.ports) if number != leader]
            etcds.kill(leader)
            reference.append(next_write(others, "/v3/kv/put", {"key": "aw==", "value": "dg=="}, {}))
            etcds.start(leader)
            etcds.whole()
    took = []
    with nodes(bench, 3) as cluster:
        for number in range(bench.times(KILLS)):
            leader = cluster.leader()
            others = [member.port for member in cluster.others(leader)]
            leader.kill()
            took.append(next_write(others, "/v1/nodes/register", {"node_id": "k", "versions": {"n": str(number)}}))
            leader.start().wait_ready()
            cluster.whole()
    yield Figure(f"{len(took)} leaders killed: next write, p50", statistics.median(took), "s", 1.0)
    yield Figure(f"{len(took)} leaders killed: slowest", max(took), "s", 3.0)
    yield Figure("leader killed, p50, beside etcd", statistics.median(took), "s", reference=statistics.median(reference),
                 against=f"etcd, 500 ms elections, {len(reference)} kills")


def cluster64(bench):
    """64 clients on three nodes, each waiting for its commit: at the leader, as GET /v1/leader names it, and at all nodes in turn."""
    with Etcds(bench.fresh("etcds")) as etcds:
        leader = etcds.leader()
        reference = {"the leader": program("etcd", port=etcds.ports[leader], pid=etcds.pid(leader), connections=64, seconds=bench.seconds),
                     "all": program("etcd", ports=",".join(map(str, etcds.ports)), pid=etcds.pid(leader), connections=64, seconds=bench.seconds)}
    with nodes(bench, 3) as cluster:
        leader = cluster.leader()
        ways = {"the leader": str(leader.port), "all": ",".join(str(member.port) for member in cluster.members)}
        for way, ports in ways.items():
            got = program("load", ports=ports, pid=leader.process.pid, token=TOKEN, mode="register", connections=64, nodes=64,
                          version=0 if way == "all" else 10**6, seconds=bench.seconds)
            yield Figure(f"three nodes, 64 clients at {way}", got["rate"], "/s", 1.5, True, reference[way]["rate"], "three etcds, the same way")
            yield Figure("the same, p50", got["p50_us"] / 1e3, "ms", reference=reference[way]["p50_us"] / 1e3, against="three etcds")
            yield Figure("the same, p99", got["p99_us"] / 1e3, "ms", reference=reference[way]["p99_us"] / 1e3, against="three etcds")
            yield Figure("the same, failed", got["errors"], "requests", 0)


def follower(bench):
    """From the answer to a commit at the leader until a follower's view has it, 100 commits a second."""
    with nodes(bench, 3) as cluster:
        leader = cluster.leader()
        behind = follow(leader.port, cluster.others(leader)[0].port, max(20, int(RATE * bench.seconds)))
    yield Figure("a follower's view behind the commit, p50", percentile(behind, 0.5) * 1e3, "ms")
    yield Figure("a follower's view behind the commit, p99", percentile(behind, 0.99) * 1e3, "ms", 50)


def follow(writes_to, reads_from, count):
    """Seconds from each commit's answer to the follower's answer to ?after= its seq; one that was there before counts its round trip."""
    answered, behind = SimpleQueue(), []

    def watch():
        reader = http.client.HTTPConnection("127.0.0.1", reads_from, timeout=30)
        for seq, at in iter(answered.get, None):
            reader.request("GET", f"/v1/nodes?limit=1&after={seq}", headers=HEADERS)
            reply = reader.getresponse()
            reply.read()
            if reply.status != 200:
                raise SystemExit(f"?after={seq} was answered {reply.status}")
            behind.append(time.monotonic() - at)
        reader.close()
    watcher = threading.Thread(target=watch)
    watcher.start()
    writer = http.client.HTTPConnection("127.0.0.1", writes_to, timeout=30)
    pace, began = threading.Event(), time.monotonic()
    for number in range(count):
        writer.request("POST", "/v1/nodes/register", json.dumps({"node_id": "f", "versions": {"n": str(number)}}), HEADERS)
        reply = writer.getresponse()
        reply.read()
        if reply.status == 200:
            answered.put((int(reply.headers["X-Muster-Seq"]), time.monotonic()))
        pace.wait(max(0.0, began + number / RATE - time.monotonic()))
    answered.put(None)
    watcher.join()
    writer.close()
    if len(behind) < count * 0.9:
        raise SystemExit(f"{len(behind)} of {count} commits were followed")
    return behind


def idle(bench):
    """Three nodes that nobody asks anything: CPU and memory of each. They run their own side, as they do when nothing is said."""
    with bench.cluster(3) as cluster:
        cluster.whole()
        pause = threading.Event()
        pause.wait(bench.seconds)  # What starting left to do.
        before, began = [cpu_seconds(one.process) for one in cluster.members], time.monotonic()
        pause.wait(max(2, 4 * bench.seconds))
        took = time.monotonic() - began
        share = [(cpu_seconds(one.process) - spent) / took * 100 for one, spent in zip(cluster.members, before)]
        yield Figure("idle, three nodes: CPU of the busiest", max(share), "% core", 1)
        yield Figure("idle, three nodes: CPU each", sum(share) / 3, "% core")
        yield Figure("idle, three nodes: memory of the largest", max(rss_mib(one.process) for one in cluster.members), "MiB", 45)


def sim(bench):
    """Simulated seconds a second, three nodes under faults."""
    said = simulated(SIM_LIMIT_S, "--nodes", "3", "--minutes", "1", "--seeds", str(bench.times(20)))
    yield Figure("simulated seconds a second, 3 nodes", said["virtual_seconds_per_second"], "x", 200, True)
    yield Figure("seeds that failed", said["failed"], "seeds", 0)


CLUSTER_ROWS = {row.__name__: row for row in (three_start, joiner, kills, cluster64, follower, idle, sim)}

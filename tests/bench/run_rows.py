"""The rows that measure runs of jobs on a node: how many, how soon they start, and how their output travels."""
import http.client
import json
import subprocess
import threading
import time

from figure import Figure
from servers import TOKEN, Node, until

CLIENTS = 8
QUEUED = 900  # Fewer than a node lets wait.
LINES, LINE_BYTES = 2_000_000, 100
FIRST_LINES = 50
AUTH = {"Authorization": f"Bearer {TOKEN}"}


def tree(root, **scripts):
    """One job for each script."""
    for name, script in scripts.items():
        folder = root / name / "config.d"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("interpreter: bash\n")
        (root / name / "000_main.sh").write_text(script)
    return root


class Client:
    """A connection that is kept."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, method, path, body=None):
        self._connection.request(method, path, None if body is None else json.dumps(body), {**AUTH, "Content-Type": "application/json"})
        reply = self._connection.getresponse()
        return reply.status, reply.read()

    def start(self, job):
        status, body = self.call("POST", "/runs", {"job_id": job})
        if status != 201:
            raise SystemExit(f"POST /runs answered {status}: {body[:200]}")
        return json.loads(body)["id"]

    def follow(self, run):
        """Its events, once it has ended."""
        status, body = self.call("GET", f"/runs/{run}/events")
        if status != 200 or b"event: run.finish" not in body:
            raise SystemExit(f"the stream of {run} answered {status} and did not tell the end")
        return body


def lines_of(node, kind):
    """The log's events of one type."""
    status, body = Client(node.port).call("GET", f"/v1/events?from=1&type={kind}")
    if status != 200:
        raise SystemExit(f"the log answered {status}")
    return [json.loads(line) for line in body.splitlines()]


def milliseconds(text):
    """Of a time of day like 2026-01-31T10:20:30.123Z."""
    hours, minutes, seconds = text[11:-1].split(":")
    return (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1e3


def rate(node, seconds, deed, most=None):
    """How often a second eight clients do it, again and again, each at most so often."""
    counts = [0] * CLIENTS
    began = time.monotonic()

    def live(number):
        client = Client(node.port)
        while time.monotonic() < began + seconds and (most is None or counts[number] < most):
            deed(client)
            counts[number] += 1
    threads = [threading.Thread(target=live, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def runs(bench):
    """Empty scripts: how many are accepted of eight clients who do not wait for them, and end when they do; how soon one starts."""
    root = tree(bench.fresh("scripts"), empty="")
    with Node(bench.fresh("runs"), "--scripts-root", str(root)) as node:
        client = Client(node.port)
        for _ in range(bench.times(FIRST_LINES)):
            client.follow(client.start("empty"))
        accepted = {one["data"]["run"]: milliseconds(one["time"]) for one in lines_of(node, "run.accepted")}
        waited = sorted(milliseconds(one["data"]["at"]) - accepted[one["data"]["run"]] for one in lines_of(node, "run.started"))
        ended = rate(node, bench.seconds, lambda client: client.follow(client.start("empty")))
        asked = rate(node, bench.seconds, lambda client: client.start("empty"), most=QUEUED // CLIENTS)
    yield Figure(f"runs accepted, empty script, {CLIENTS} clients", asked, "/s", 120, at_least=True)
    yield Figure(f"runs that ended, {CLIENTS} clients who wait for them", ended, "/s")
    yield Figure("from accepted to started, p50", waited[len(waited) // 2], "ms", 15)


def output(bench):
    """A script that prints lines of 100 bytes as fast as it can, and a reader of its events."""
    lines = bench.times(LINES)
    root = tree(bench.fresh("scripts"), noisy=f"yes '{'x' * (LINE_BYTES - 1)}' | head -n {lines}\n")
    with Node(bench.fresh("output"), "--scripts-root", str(root)) as node:
        before = node.rss_mib()
        client = Client(node.port)
        run = client.start("noisy")
        most, got = before, 0
        with subprocess.Popen(["curl", "-sN", "-H", f"Authorization: Bearer {TOKEN}", f"http://127.0.0.1:{node.port}/runs/{run}/events"],
                              stdout=subprocess.PIPE) as reader:
            while chunk := reader.stdout.read1(1 << 20):
                got += chunk.count(b"event: step.log")
                most = max(most, node.rss_mib())
        finished, = until(lambda: lines_of(node, "run.finished"), "its end is recorded")
        started, = lines_of(node, "run.started")
        took = milliseconds(finished["data"]["at"]) - milliseconds(started["data"]["at"])
    yield Figure("output into the journal, lines of 100 bytes, a reader beside", finished["data"]["bytes"] / 1e6 / (took / 1e3), "MB/s", 60, at_least=True)
    yield Figure("of these lines the reader got, the oldest being dropped for the newest", got / lines, "of all")
    yield Figure("memory above idle, at most", most - before, "MiB")


def first_line(bench):
    """From a script's first line to somebody who follows all runs; the script prints when it did."""
    root = tree(bench.fresh("scripts"), says="echo $EPOCHREALTIME\n")
    with Node(bench.fresh("first"), "--scripts-root", str(root)) as node:
        stream = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        stream.request("GET", "/events", headers=AUTH)
        reply = stream.getresponse()
        client = Client(node.port)
        took = []
        for _ in range(bench.times(FIRST_LINES)):
            client.start("says")
            kind = ""
            while kind != "run.finish":
                line = reply.readline().decode()
                now = time.time()
                if line.startswith("event: "):
                    kind = line[7:].strip()
                if line.startswith("data: ") and kind == "step.log":
                    took.append((now - float(json.loads(line[6:])["message"])) * 1e3)
        stream.close()
    yield Figure("a script's first line to a reader, p50", sorted(took)[len(took) // 2], "ms", 5)


RUN_ROWS = {row.__name__: row for row in (runs, output, first_line)}

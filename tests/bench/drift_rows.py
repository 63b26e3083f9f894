"""The rows that measure how soon drift is mended: what another hand takes away on a real S3 server, a real RabbitMQ and a fake Weaviate is written again."""
import contextlib
import re
import sys
import tempfile
import time

from figure import Figure
from servers import ROOT, TOKEN

sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
import backend_servers  # noqa: E402
from backend_proxy import Fault, Proxy, Silent, amqp_frame, http_request  # noqa: E402
from caller import Caller  # noqa: E402
from running_node import RunningNode  # noqa: E402
from waiting import until  # noqa: E402

NAMES = {"storage": "S3", "broker": "RabbitMQ", "index": "a fake Weaviate"}
MENDS = {"storage": "^PUT .*lifecycle", "broker": "^queue.bind", "index": "^POST .*properties"}  # The last write that each needs.
SHORT_S, DEFAULT_S, GRACE_S = 2, 30, 1  # An interval, that of a node that is told none, and how much later a write may come.
TURNS, TURNS_BESIDE = 10, 3
SLOW_S = 300  # For servers that start, and ones that are waited for.


class Awaited(Fault):
    """Hands on everything, and notes when the write was asked for."""
    cuts = False

    def __init__(self, pattern):
        self.pattern, self.at = pattern, None

    def asked(self, what, message):
        if self.at is None and re.search(self.pattern, what):
            self.at = time.monotonic()
        return message, b""


class Kept:
    """Servers whose environment a node keeps, each behind a proxy; the node looks every `interval_s`, or as often as it does unless told."""

    def __init__(self, keep, interval_s=None):
        self.ports = {"storage": keep.enter_context(backend_servers.ceph()), "broker": keep.enter_context(backend_servers.rabbit()),
                      "index": keep.enter_context(backend_servers.fake_weaviate())}
        self.proxies = {part: keep.enter_context(Proxy(port, amqp_frame if part == "broker" else http_request)) for part, port in self.ports.items()}
        profile = keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml"))
        profile.write(backend_servers.profile_of("drift"))
        profile.flush()
        interval = ("--environment-interval", f"{interval_s}s") if interval_s else ()
        self.node = keep.enter_context(RunningNode("--dev", "--node-side", *interval, "--profile", profile.name, "--log-level", "warn",
                                                   environment=backend_servers.environment_at(*(proxy.port for proxy in self.proxies.values()))))
        self.caller = Caller(self.node.port, Authorization="Bearer " + TOKEN)
        self.wait_well()

    def looks(self):
        """When each component was looked at last, and what it came to."""
        return {one["component"]: (one["at"], set(one["counts"])) for one in self.caller.get("/v1/environment").json["components"]}

    def wait_well(self, parts=tuple(NAMES)):
        until(lambda: all(self.looks().get(part, (None, None))[1] == {"in_sync"} for part in parts), "all is as it should be", limit_s=SLOW_S)

    def take_away(self, part):
        """A rule; a queue, with its binding; a class's properties."""
        if part == "storage":
            backend_servers.s3_by_hand(self.ports[part], "DELETE", "drift-bucket-0", "lifecycle")
        elif part == "broker":
            with backend_servers.broker_by_hand(self.ports[part]) as channel:
                channel.queue_delete("drift-queue-0")
        else:
            backend_servers.index_by_hand(self.ports[part], "POST", "/fake/class", {"class": "DriftClass0", "vectorizer": "none", "properties": []})

    def mended(self, parts=tuple(NAMES), silent=None):
        """Seconds, by component, from the taking away to the write. It is taken away right after a look, when it takes longest; at that moment `silent` falls silent."""
        self.wait_well(parts)
        was, began, awaited = self.looks(), {}, {part: Awaited(MENDS[part]) for part in parts}
        until(lambda: all(self.looks()[part][0] != was[part][0] for part in parts), "another look", limit_s=SLOW_S, look_again_s=0.005)
        if silent:
            self.proxies[silent].misbehave(Silent())
        for part in parts:
            self.proxies[part].misbehave(awaited[part])
            began[part] = time.monotonic()
            self.take_away(part)
        until(lambda: all(one.at for one in awaited.values()), "all is mended", limit_s=SLOW_S)
        return {part: awaited[part].at - began[part] for part in parts}


def figures(what, interval_s, took):
    """Of the longest of several times, by component."""
    for part in took[0]:
        yield Figure(f"drift mended, {NAMES[part]}, {what}", max(one[part] for one in took) * 1e3, "ms", (interval_s + GRACE_S) * 1e3)


def drift(bench):
    """What is taken away on each server, at a short interval."""
    with contextlib.ExitStack() as keep:
        kept = Kept(keep, SHORT_S)
        yield from figures(f"every {SHORT_S} s", SHORT_S, [kept.mended() for _ in range(bench.times(TURNS))])


def drift_default(bench):
    """The same once, at the interval of a node that is told none."""
    with contextlib.ExitStack() as keep:
        yield from figures(f"every {DEFAULT_S} s", DEFAULT_S, [Kept(keep).mended()])


def drift_beside(bench):
    """The same on two servers, as the third one begins to say nothing, and while it goes on with that."""
    with contextlib.ExitStack() as keep:
        kept = Kept(keep, SHORT_S)
        for silent in NAMES:
            others = [part for part in NAMES if part != silent]
            took = [kept.mended(others, silent) for _ in range(bench.times(TURNS_BESIDE))]
            kept.proxies[silent].behave()
            kept.wait_well()
            yield from figures(f"{NAMES[silent]} silent", SHORT_S, took)


DRIFT_ROWS = {row.__name__: row for row in (drift, drift_default, drift_beside)}

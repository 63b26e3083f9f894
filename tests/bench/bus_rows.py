"""The rows that measure an environment: the event bus on RabbitMQ, a look at all servers, and a thousand resources in the node itself."""
import datetime
import json
import statistics
import sys
import tempfile
import time

from figure import Figure
from servers import ROOT, TOKEN, Node, program

sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
import backend_servers  # noqa: E402
from caller import Caller  # noqa: E402
from running_node import RunningNode  # noqa: E402
from waiting import until  # noqa: E402

BUCKETS, QUEUES, CLASSES = 20, 50, 20
THOUSAND = 1000
FIRST_LOOKS = 9


def rabbit(bench):
    """Publishing with confirms, 64 under way, beside librabbitmq alone."""
    with backend_servers.rabbit() as port:
        got = program("rabbit", port=port, seconds=bench.seconds)
    yield Figure("publish with confirm, RabbitMQ, 64 under way", got["rate"], "/s", 0.7, True, got["reference"],
                 "librabbitmq alone")


def second_pass(bench):
    """A look at 20 buckets, 50 queues and 20 classes that are as they should be: Ceph's S3, RabbitMQ, a fake Weaviate."""
    with (backend_servers.ceph() as s3, backend_servers.rabbit() as amqp, backend_servers.fake_weaviate() as index,
          tempfile.NamedTemporaryFile("w", suffix=".yaml") as profile):
        profile.write(backend_servers.profile_of("pass", BUCKETS, QUEUES, CLASSES))
        profile.flush()
        with RunningNode("--dev", "--node-side", "--environment-interval", "1h", "--profile", profile.name, "--log-level", "warn",
                         environment=backend_servers.environment_at(s3, amqp, index)) as node:
            caller = Caller(node.port, Authorization="Bearer " + TOKEN)
            node.until(lambda: look(caller)[0] == 1 + 4 * BUCKETS + 2 * QUEUES + 2 * CLASSES, "all is as it should be")
            ends, took = time.monotonic() + bench.seconds, []
            while not took or time.monotonic() < ends:
                took.append(look(caller)[1])
    yield Figure("second pass, 20 buckets, 50 queues, 20 classes", statistics.median(took) * 1e3, "ms", 1000)
    yield Figure("second pass, the slowest", max(took) * 1e3, "ms")


def environment(bench):
    """A thousand resources on the backends in the node: made by its first look, and looked at again."""
    profile = bench.fresh("profile")
    profile.write_text(json.dumps(a_thousand_resources()))
    first, second = [], []
    for _ in range(bench.times(FIRST_LOOKS)):
        with Node(bench.fresh("environment"), "--node-side", "--environment-interval", "1h", "--profile", str(profile)) as node:
            caller = Caller(node.port, Authorization="Bearer " + TOKEN)
            first.append(until(lambda: first_look(caller), "all is made", on=[node.process]))
            as_it_should_be, took = look(caller)
            if as_it_should_be != THOUSAND:
                raise SystemExit(f"{as_it_should_be} of {THOUSAND} resources are as they should be")
            second.append(took)
    yield Figure("1,000 resources in the node, first look", statistics.median(first) * 1e3, "ms", 200)
    yield Figure("1,000 resources in the node, first, the slowest", max(first) * 1e3, "ms")
    yield Figure("1,000 resources in the node, second look", statistics.median(second) * 1e3, "ms", 200)


def a_thousand_resources():
    """100 buckets of four resources each, 100 exchanges, 200 queues and their bindings, 50 classes with their properties."""
    profile = json.loads(backend_servers.profile_of("all", 100, 200, 50))
    broker = profile["broker"]
    broker["exchanges"] += [{"name": f"all-exchange-{n}", "type": "topic"} for n in range(99)]
    for n, binding in enumerate(broker["bindings"]):
        binding["exchange"] = broker["exchanges"][n % 100]["name"]
    return profile


def first_look(caller):
    """Seconds from the first component's look at nothing until the last one's end, by the node's clock; none before that."""
    seen = caller.get("/v1/environment").json["components"]
    if sum(sum(component["counts"].values()) for component in seen) != THOUSAND:
        return None
    began = [datetime.datetime.fromisoformat(component["at"].replace("Z", "+00:00")) for component in seen]
    return (began[-1] - began[0]).total_seconds() + seen[-1]["duration_ms"] / 1e3


def look(caller):
    """How many resources are as they should be, and how long it took to look."""
    began = time.monotonic()
    seen = caller.post("/v1/environment/apply").json["components"]
    return sum(component["counts"].get("in_sync", 0) for component in seen), time.monotonic() - began


BUS_ROWS = {row.__name__: row for row in (rabbit, second_pass, environment)}

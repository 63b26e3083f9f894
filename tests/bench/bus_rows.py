"""The rows that measure what goes to the servers of an environment: the event bus on RabbitMQ, and a look at all of them."""
import statistics
import sys
import tempfile
import time

from figure import Figure
from servers import ROOT, TOKEN, program

sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
import backend_servers  # noqa: E402
from caller import Caller  # noqa: E402
from running_node import RunningNode  # noqa: E402

BUCKETS, QUEUES, CLASSES = 20, 50, 20


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
            until, took = time.monotonic() + bench.seconds, []
            while not took or time.monotonic() < until:
                took.append(look(caller)[1])
    yield Figure("second pass, 20 buckets, 50 queues, 20 classes", statistics.median(took) * 1e3, "ms", 1000)
    yield Figure("second pass, the slowest", max(took) * 1e3, "ms")


def look(caller):
    """How many resources are as they should be, and how long it took to look."""
    began = time.monotonic()
    seen = caller.post("/v1/environment/apply").json["components"]
    return sum(component["counts"].get("in_sync", 0) for component in seen), time.monotonic() - began


BUS_ROWS = {row.__name__: row for row in (rabbit, second_pass)}

"""A RabbitMQ that comes and goes, and what it was told of overlay events, for tests from outside."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import pika

from backend_servers import AMQP_USER, amqp_url, rabbit_in
from caller import Caller
from running_cluster import fixed_port
from running_node import RunningNode
from waiting import until

PROFILE = """\
broker:
  exchanges: [{name: events, type: topic}]
  queues: [{name: told}]
  bindings: [{exchange: events, queue: told, key: "overlay.#"}]
"""
SLOW_S = 120  # For a broker that starts.
TOLD = ("node.registered", "plan.issued", "leader.granted", "leader.moved", "bootstrap.reported")
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


class Broker:
    """RabbitMQ that can be stopped, and started on what it holds, or with nothing."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.ports = [fixed_port() for _ in range(4)]
        self.url = amqp_url(self.ports[0])
        self.running = contextlib.ExitStack()

    def start(self):
        self.running.enter_context(rabbit_in(self.folder, self.ports))

    def stop(self):
        self.running.close()

    def forget(self):
        """While it is stopped."""
        shutil.rmtree(self.folder / "mnesia")

    def forbid(self, exchange, but):
        """Whoever asks may publish to an exchange under topics of this pattern, and no others."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "LANG": "C.UTF-8", "ERL_EPMD_PORT": str(self.ports[3]),
                       "RABBITMQ_NODENAME": f"muster{self.ports[0]}@localhost", "RABBITMQ_CONF_ENV_FILE": "/dev/null"}
        done = subprocess.run([CONTROL, "set_topic_permissions", "-p", "/", AMQP_USER, exchange, but, ".*"], env=environment,
                              capture_output=True, text=True, timeout=SLOW_S)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    @contextlib.contextmanager
    def channel(self):
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        with contextlib.closing(connection):
            yield connection.channel()

    def taken(self, queue="told"):
        """All messages of the queue, taken out: (id, routing key, body); none while there is no queue."""
        found = []
        if not self.has("queue", queue):
            return found
        with self.channel() as channel:
            while True:
                how, properties, body = channel.basic_get(queue, auto_ack=True)
                if how is None:
                    return found
                found.append((properties.message_id, how.routing_key, json.loads(body)))

    def has(self, kind, name):
        """Whether there is an exchange or a queue of that name; looks, makes nothing."""
        with self.channel() as channel:
            try:
                getattr(channel, f"{kind}_declare")(name, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                return False
            return True


class OverlayCase(unittest.TestCase):
    def setUp(self):
        self.room = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.broker = Broker(self.room / "rabbit")
        self.addCleanup(self.broker.stop)
        self.profile = self.room / "profile.yaml"
        self.profile.write_text(PROFILE)
        self.known = {}  # What was ever taken, by id: [(routing key, body)].
        self.beats = []

    @property
    def flags(self):
        return ("--environment-interval", "300ms", "--profile", str(self.profile))

    def node(self, *flags, **environment):
        return RunningNode("--dev", "--node-side", *self.flags, *flags, environment={"AMQP_URL": self.broker.url, **environment})

    def caller(self, node):
        return Caller(node.port, Authorization="Bearer dev-token")

    def statuses(self, caller):
        """What the rows of the broker's component have come to."""
        shown = {part["component"]: part for part in caller.get("/v1/environment?all=true").json["components"]}
        return set(shown.get("broker", {}).get("counts", {}))

    def wait_for(self, caller, *statuses):
        until(lambda: self.statuses(caller) == set(statuses), f"the broker's part is {statuses}", limit_s=SLOW_S)

    def register(self, caller, *names):
        for name in names:
            self.assertEqual(caller.post("/v1/nodes/register", {"node_id": name}).status, 200)

    def committed(self, caller):
        """Each overlay event of the log, by the id that its message has."""
        identity = caller.get("/v1/cluster").json["identity"]

        def name(seq):
            began = [one["began_at"] for one in identity.get("timelines", []) if one["after"] < seq]
            return f"{identity['cluster']}@{began[-1]}/{seq}" if began else f"{identity['cluster']}/{seq}"
        lines = map(json.loads, caller.get("/v1/events?from=1").body.splitlines())
        return {name(line["seq"]): line for line in lines if line["type"] in TOLD}

    def take(self):
        for message_id, key, body in self.broker.taken():
            if message_id:
                self.known.setdefault(message_id, []).append((key, body))
            else:
                self.beats.append((key, body))

    def told_all(self, caller):
        """Until all that is committed now was told; nothing else was, and each id is one event's, however often it came."""
        committed = self.committed(caller)

        def found():
            self.take()
            return set(committed) <= set(self.known)
        until(found, "all is told", limit_s=SLOW_S)
        committed = self.committed(caller)
        for message_id, said in self.known.items():
            self.assertEqual(len({json.dumps(one, sort_keys=True) for one in said}), 1, said)
            (key, body), event = said[0], committed.get(message_id)
            if event is not None:
                self.assertEqual((body["ts"], body.get("node_id")), (event["time"], event["data"].get("node") if "leader" not in event["type"] else None), key)
        return committed

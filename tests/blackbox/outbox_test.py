"""[S2-31] [S2-34] [S2-56] [S2-59] Overlay events on a real RabbitMQ: none is lost and none has two ids, though the broker goes away and the node is killed."""
import contextlib
import json
import signal
import tempfile
import unittest
from pathlib import Path

import pika

from backend_servers import amqp_url, rabbit_in
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


class Broker:
    """RabbitMQ that can be stopped, and started on what it holds."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = [fixed_port() for _ in range(4)]
        self.url = amqp_url(self.ports[0])
        self.running = contextlib.ExitStack()

    def start(self):
        self.running.enter_context(rabbit_in(self.folder, self.ports))

    def stop(self):
        self.running.close()

    def taken(self):
        """All messages of the queue, taken out: (id, routing key, body)."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        channel = connection.channel()
        found = []
        while True:
            how, properties, body = channel.basic_get("told", auto_ack=True)
            if how is None:
                connection.close()
                return found
            found.append((properties.message_id, how.routing_key, json.loads(body)))


class OutboxTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.broker = Broker(Path(folder.name) / "rabbit")
        self.addCleanup(self.broker.stop)
        self.broker.start()
        self.profile = Path(folder.name) / "profile.yaml"
        self.profile.write_text(PROFILE)

    def node(self, *flags):
        return RunningNode("--dev", "--node-side", "--environment-interval", "300ms", "--profile", str(self.profile), *flags,
                           environment={"AMQP_URL": self.broker.url})

    def wait_bound(self, caller):
        def bound():
            shown = {part["component"]: part for part in caller.get("/v1/environment?all=true").json["components"]}
            return set(shown.get("broker", {}).get("counts", {})) == {"in_sync"}
        until(bound, "the queue is bound", limit_s=SLOW_S)

    def register(self, caller, *names):
        for name in names:
            self.assertEqual(caller.post("/v1/nodes/register", {"node_id": name}).status, 200)

    def committed(self, caller):
        """Each overlay event of the log, by the id that its message has."""
        cluster = caller.get("/v1/cluster").json["identity"]["cluster"]
        lines = [json.loads(line) for line in caller.get("/v1/events?from=1&type=node.registered").body.splitlines()]
        return {f"{cluster}/{line['seq']}": line["data"]["node"] for line in lines}

    def told_all(self, caller, known, *names):
        """Takes messages until there is one of each of these nodes; all that were ever taken, by id."""
        def found():
            for message_id, key, body in self.broker.taken():
                if message_id:  # Heartbeats have none.
                    known.setdefault(message_id, []).append((key, body))
            return set(names) <= {body["node_id"] for said in known.values() for key, body in said if key == "overlay.register"}
        until(found, f"{names} are told", limit_s=SLOW_S)

    def check(self, caller, known):
        """Each event has one id, and each id one event, however often it came."""
        committed = self.committed(caller)
        for message_id, said in known.items():
            self.assertEqual(len({json.dumps(body, sort_keys=True) for _, body in said}), 1, said)
            if said[0][0] == "overlay.register":
                self.assertEqual(committed[message_id], said[0][1]["node_id"])
        names = [said[0][1]["node_id"] for said in known.values() if said[0][0] == "overlay.register"]
        self.assertEqual(len(names), len(set(names)))

    def test_a_broker_that_was_away_and_a_node_that_was_killed(self):
        with self.node() as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            known = {}
            self.wait_bound(caller)
            self.register(caller, "a1", "a2")
            self.told_all(caller, known, "a1", "a2")
            self.broker.stop()
            self.register(caller, "b1", "b2")
            node.stop(signal.SIGKILL)
            node.__enter__()
            self.register(caller, "c1")
            self.broker.start()
            self.told_all(caller, known, "a1", "a2", "b1", "b2", "c1")
            self.check(caller, known)
            outbox = caller.get("/v1/cluster").json["identity"]["outbox"]
            self.assertEqual(outbox["bus"], "rabbitmq")
            self.assertGreaterEqual(outbox["to"], max(int(message_id.split("/")[1]) for message_id in known))

    def test_killed_again_and_again_while_it_tells(self):
        """Twelve rounds: some events are committed, and the node is killed at once."""
        with self.node() as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            known, names = {}, []
            self.wait_bound(caller)
            for turn in range(12):
                names += [f"n{turn}-{i}" for i in range(5)]
                self.register(caller, *names[-5:])
                node.stop(signal.SIGKILL)
                node.__enter__()
            self.told_all(caller, known, *names)
            self.check(caller, known)

    def test_lines_stay_until_they_were_told(self):
        """A compaction drops nothing that the broker has not heard."""
        with self.node("--checkpoint-every", "100") as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            self.wait_bound(caller)
            self.register(caller, "a1")
            known = {}
            self.told_all(caller, known, "a1")
            self.broker.stop()
            self.register(caller, *(f"b{i}" for i in range(120)))
            told = caller.get("/v1/cluster").json["identity"]["outbox"]["to"]
            until(lambda: caller.get("/v1/log").json["checkpoints"][-1]["at"] > told, "a checkpoint of later")
            compacted = caller.post("/v1/log/compact", {"before": "99999", "dry_run": False})
            self.assertTrue(compacted.status == 409 or compacted.json["to"] <= told, compacted)
            self.broker.start()
            self.told_all(caller, known, *(f"b{i}" for i in range(120)))
            self.check(caller, known)


if __name__ == "__main__":
    unittest.main()

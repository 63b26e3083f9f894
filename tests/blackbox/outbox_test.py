"""[S2-31] [S2-34] [S2-56] [S2-59] Overlay events on a real RabbitMQ: none is lost and none has two ids, though the broker goes away, comes for the first time or with nothing, and the node is killed."""
import json
import signal
import unittest

from overlay_case import SLOW_S, OverlayCase
from waiting import until


class OutboxTest(OverlayCase):
    def setUp(self):
        super().setUp()
        self.broker.start()

    def test_a_broker_that_was_away_and_a_node_that_was_killed(self):
        with self.node() as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            self.register(caller, "a1", "a2")
            self.told_all(caller)
            self.broker.stop()
            self.register(caller, "b1", "b2")
            node.stop(signal.SIGKILL)
            node.__enter__()
            self.register(caller, "c1")
            self.broker.start()
            self.told_all(caller)
            outbox = caller.get("/v1/cluster").json["identity"]["outbox"]
            self.assertEqual(outbox["bus"], "rabbitmq")
            self.assertGreaterEqual(outbox["to"], max(int(message_id.split("/")[1]) for message_id in self.known))

    def test_killed_again_and_again_while_it_tells(self):
        """Twelve rounds: some events are committed, and the node is killed at once."""
        with self.node() as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            for turn in range(12):
                self.register(caller, *(f"n{turn}-{i}" for i in range(5)))
                node.stop(signal.SIGKILL)
                node.__enter__()
            self.told_all(caller)

    def test_lines_stay_until_they_were_told(self):
        """A compaction drops nothing that the broker has not heard."""
        with self.node("--checkpoint-every", "100") as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            self.register(caller, "a1")
            self.told_all(caller)
            self.broker.stop()
            self.register(caller, *(f"b{i}" for i in range(120)))
            told = caller.get("/v1/cluster").json["identity"]["outbox"]["to"]
            until(lambda: caller.get("/v1/log").json["checkpoints"][-1]["at"] > told, "a checkpoint of later")
            compacted = caller.post("/v1/log/compact", {"before": "99999", "dry_run": False})
            self.assertTrue(compacted.status == 409 or compacted.json["to"] <= told, compacted)
            self.broker.start()
            self.told_all(caller)

    def test_a_broker_that_comes_back_with_nothing(self):
        """The queue was made by this process, or found by it: it is there again before anything is published."""
        with self.node() as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            for turn, restarts in enumerate((False, True)):
                if restarts:
                    self.assertEqual(node.stop(), 0)
                    node.__enter__()
                    until(lambda: self.statuses(caller) == {"in_sync"}, "it found the queue", limit_s=SLOW_S)
                self.register(caller, f"a{turn}")
                self.told_all(caller)
                self.broker.stop()
                self.broker.forget()
                self.register(caller, *(f"b{turn}-{i}" for i in range(20)))
                self.broker.start()
                self.told_all(caller)

    def test_what_is_paused_is_not_made_again(self):
        """Nor is it waited for: what is told meanwhile is told to whoever listens."""
        with self.node() as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            self.register(caller, "a1")
            self.told_all(caller)
            self.assertEqual(caller.post("/v1/bootstrap/pause", {"components": ["broker"], "reason": "a test"}).status, 200)
            self.wait_for(caller, "paused")
            self.broker.stop()
            self.broker.forget()
            self.broker.start()
            seq = caller.post("/v1/nodes/register", {"node_id": "b1"}).seq
            until(lambda: caller.get("/v1/cluster").json["identity"]["outbox"]["to"] >= seq, "it is told", limit_s=SLOW_S)
            self.assertFalse(self.broker.has("queue", "told"))
            self.assertEqual(caller.post("/v1/bootstrap/resume", {"components": ["broker"]}).status, 200)
            self.wait_for(caller, "in_sync")
            self.assertTrue(self.broker.has("queue", "told"))
            self.register(caller, "c1")
            until(lambda: self.take() or "c1" in {body.get("node_id") for said in self.known.values() for _, body in said}, "it is told", limit_s=SLOW_S)
            self.assertNotIn("b1", {body.get("node_id") for said in self.known.values() for _, body in said})


class FirstBrokerTest(OverlayCase):
    def test_a_broker_that_is_there_later_than_the_events(self):
        """[S2-40] All of them reach the queue that the profile names, which is intended before it is made, as ever."""
        with self.node() as node:
            caller = self.caller(node)
            self.wait_for(caller, "unreachable")
            self.register(caller, *(f"a{i}" for i in range(20)))
            self.broker.start()
            committed = self.told_all(caller)
            self.assertIn("node.registered", {event["type"] for event in committed.values()})
            lines = [json.loads(line) for line in caller.get("/v1/events?from=1&type=bootstrap.*").body.splitlines()]
            intended = [line["data"] for line in lines if line["type"] == "bootstrap.intended" and line["data"]["component"] == "broker"]
            self.assertIn("queue told", intended[0]["resources"])


if __name__ == "__main__":
    unittest.main()

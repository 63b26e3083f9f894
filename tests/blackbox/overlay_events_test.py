"""[S2-31] [S2-34] [S2-56] [S2-59] Overlay events as a real RabbitMQ gets them: their bodies, their ids over a change of the leader and over a restore, and where they go."""
import re
import unittest

from overlay_case import SLOW_S, OverlayCase
from running_cluster import RunningCluster
from upgrade_test import muster
from waiting import until

BODIES = {  # Supervisor contract, section 13; every body has ts, service and v.
    "overlay.register": {"node_id", "caps"},
    "overlay.heartbeat": {"node_id", "role", "services_running", "versions"},
    "overlay.plan": {"node_id", "role", "services", "epoch"},
    "overlay.leader": {"leader_url", "epoch"},
    "overlay.bootstrap.storage.ok": {"node_id", "component", "action", "status", "generation"},
    "overlay.bootstrap.broker.ok": {"node_id", "component", "action", "status", "generation"},
    "overlay.bootstrap.index.error": {"node_id", "component", "action", "status", "generation"},
}
OFTEN = ("--node-ttl", "1s")  # A node tells that it is there three times as often.


class EventsTest(OverlayCase):
    def setUp(self):
        super().setUp()
        self.broker.start()

    def seen(self):
        """(routing key, body) of all that was taken so far."""
        self.take()
        return [one for said in self.known.values() for one in said] + self.beats

    def test_each_kind_has_the_body_of_the_contract(self):
        self.profile.write_text(self.profile.read_text() + "storage: [{name: media}]\nindex: {classes: [{name: Asset}]}\n")
        with self.node(*OFTEN, "--weaviate-url", "http://127.0.0.1:9") as node:
            caller = self.caller(node)
            self.assertEqual(caller.post("/v1/leader/claim", {"node_id": "n1", "url": "http://127.0.0.1:1"}).status, 200)
            caller.post("/v1/nodes/register", {"node_id": "n1", "caps": {"cpu": 4}})
            until(lambda: set(BODIES) <= {key for key, _ in self.seen()}, f"all of {sorted(BODIES)}", limit_s=SLOW_S)
            for key, body in self.seen():
                self.assertEqual((body["service"], body["v"]), ("supervisor", 1))
                self.assertRegex(body["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                if key in BODIES:
                    self.assertEqual(set(body) - {"message"}, BODIES[key] | {"ts", "service", "v"}, (key, body))
            caps = [body["caps"] for key, body in self.seen() if key == "overlay.register" and body["node_id"] == "n1"]
            self.assertEqual(caps, [{"cpu": 4}])
            error = next(body for key, body in self.seen() if key == "overlay.bootstrap.index.error")
            self.assertEqual((error["component"], error["status"]), ("index", "error"))
            self.assertIn("127.0.0.1:9", error["message"])
            self.told_all(caller)

    def test_heartbeats_that_the_broker_forbids_hold_up_nothing(self):
        self.broker.forbid("events", r"^overlay\.(?!heartbeat)")
        with self.node(*OFTEN) as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            until(lambda: "event=overlay.heartbeat" in node.output(), "one is refused", limit_s=SLOW_S)
            for turn in range(5):
                self.register(caller, f"a{turn}")
                self.told_all(caller)
            self.assertEqual(self.beats, [])

    def test_the_profile_has_its_broker_wherever_overlay_events_go(self):
        """[S2-37] BUS_KIND is of overlay events alone; they need no exchange at the broker then."""
        self.profile.write_text(self.profile.read_text().replace("events", "orders"))
        with self.node(BUS_KIND="in-process") as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            shown = {part["component"]: part["backend"] for part in caller.get("/v1/environment?all=true").json["components"]}
            self.assertEqual(shown["broker"], "rabbitmq")
            self.assertTrue(self.broker.has("queue", "told"))
            self.assertFalse(self.broker.has("exchange", "events"))
            self.assertNotIn("outbox", caller.get("/v1/cluster").json["identity"])

    def test_none_is_lost_or_renamed_when_others_lead(self):
        """[S0-07] The leader is killed, and the next one too, while nodes register all the time."""
        with RunningCluster(3, *self.flags, environment={"AMQP_URL": self.broker.url}) as cluster:
            cluster.whole()
            names = (f"a{number}" for number in range(10_000))
            for _ in range(2):
                for member in cluster.members:
                    member.until(lambda: self.statuses(member) == {"in_sync"}, "it made its part")
                for _ in range(10):
                    self.register(cluster[0], next(names))
                leader = cluster.leader()
                leader.kill()
                other = cluster.leader().wait_ready()
                for _ in range(10):
                    self.register(other, next(names))
                leader.start().wait_ready()
                cluster.whole()
            committed = self.told_all(cluster.leader())
            self.assertLessEqual(set(self.known), set(committed))
            self.assertGreaterEqual(len([1 for event in committed.values() if event["data"].get("node", "").startswith("a")]), 40)

    def test_a_restored_log_gives_no_id_that_was_seen_to_another_line(self):
        """[S0-08] Lines of before the backup keep theirs."""
        with self.node() as node:
            caller = self.caller(node)
            self.wait_for(caller, "in_sync")
            self.register(caller, "a1", "a2")
            before = self.told_all(caller)
            backup = self.room / "node.backup"
            backup.write_bytes(caller.get("/v1/backup").body)
            self.register(caller, *(f"b{number}" for number in range(10)))
            lost = self.told_all(caller)
            self.assertEqual(node.stop(), 0)
        for turn in range(2):  # The same one again: another time is another mark.
            node = self.node()
            done = muster(":restore", str(backup), "--data", str(node.folder / "data"))
            self.assertEqual(done.returncode, 0, done.stderr)
            with node:
                caller = self.caller(node)
                self.register(caller, *(f"c{turn}-{number}" for number in range(10)))
                committed = self.told_all(caller)
                identity = caller.get("/v1/cluster").json["identity"]
                self.assertEqual(len(identity["timelines"]), 1)
                self.assertEqual(identity["timelines"][0]["began_at"], identity["restored_at"])
                self.assertLessEqual(set(before), set(committed))
                new = {one: event for one, event in committed.items() if event["seq"] > identity["timelines"][0]["after"]}
                self.assertTrue(all(re.fullmatch(f"{identity['cluster']}@{identity['restored_at']}/{event['seq']}", one) for one, event in new.items()))
                self.assertFalse(set(new) & set(lost))
                self.assertEqual(node.stop(), 0)


if __name__ == "__main__":
    unittest.main()

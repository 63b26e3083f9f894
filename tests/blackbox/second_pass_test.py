"""A second pass over an environment that is as it should be writes nothing: counted on the wire to a real S3 server, a real RabbitMQ and a fake Weaviate."""
import contextlib
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from backend_proxy import Proxy, amqp_frame, http_request, written
from backend_servers import broker_by_hand, ceph, environment_at, fake_weaviate, profile_of, rabbit, s3_by_hand
from caller import Caller
from environment_test import components, converged
from running_node import RunningNode
from waiting import until

BUCKETS, QUEUES, CLASSES = 20, 50, 20
PARTS = ("storage", "broker", "index")
RULES = "pass-bucket-7", "lifecycle"


class SecondPassTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keep = contextlib.ExitStack()
        cls.addClassCleanup(keep.close)
        cls.ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}
        cls.proxies = {part: keep.enter_context(Proxy(port, amqp_frame if part == "broker" else http_request))
                       for part, port in cls.ports.items()}
        cls.profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
        cls.profile.write_text(profile_of("pass", BUCKETS, QUEUES, CLASSES))

    @contextlib.contextmanager
    def node(self, interval):
        """A node whose servers are behind the proxies; its caller, once it has made all of it."""
        environment = environment_at(*(self.proxies[part].port for part in PARTS))
        with RunningNode("--dev", "--node-side", "--environment-interval", interval, "--poll-every", "200ms", "--profile", self.profile,
                         environment=environment) as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            until(lambda: self.made(caller), "all of it is made")
            yield caller

    def made(self, caller):
        """Whether each component was looked at, and has all of its resources."""
        seen = components(caller)
        return len(seen) == len(PARTS) and all(set(row["counts"]) <= {"changed", "in_sync"} for row in seen.values())

    def counted(self):
        return {part: self.proxies[part].take_counts() for part in PARTS}

    def apply(self, caller):
        """What POST /v1/environment/apply says of each component, and what was asked for it."""
        self.counted()
        answer = caller.post("/v1/environment/apply")
        self.assertEqual(answer.status, 200, answer)
        return {component["component"]: component["counts"] for component in answer.json["components"]}, self.counted()

    def test_nothing_is_written_when_all_is_as_it_should_be(self):
        """[S2-17] [S2-30] The first pass makes all of it, the second asks and writes nothing, one after a restart declares once; what is taken away comes back."""
        with self.node("1h") as caller:
            first = self.counted()
            self.assertEqual(first["storage"]["PUT"], 4 * BUCKETS)
            self.assertEqual((first["broker"]["queue.declare"], first["broker"]["queue.bind"]), (QUEUES, QUEUES))
            self.assertEqual(first["index"]["POST"], CLASSES)
            as_desired = {"storage": {"in_sync": 4 * BUCKETS}, "broker": {"in_sync": 1 + 2 * QUEUES}, "index": {"in_sync": 2 * CLASSES}}
            for _ in range(2):
                told, asked = self.apply(caller)
                self.assertEqual(told, as_desired)
                self.assertEqual({part: written(asked[part]) for part in PARTS}, dict.fromkeys(PARTS, {}), asked)
                self.assertTrue(all(asked.values()), asked)  # It did look.
            self.assertEqual(asked["broker"]["queue.look"], QUEUES)

        # Another life of the node cannot see over AMQP what is bound, nor the form of a queue: it says both once more.
        self.counted()
        with self.node("1h") as caller:
            again = self.counted()
            self.assertEqual((written(again["storage"]), written(again["index"])), ({}, {}), again)
            self.assertEqual((again["broker"]["queue.declare"], again["broker"]["queue.bind"]), (QUEUES, QUEUES))
            told, asked = self.apply(caller)
            self.assertEqual(told, as_desired)
            self.assertEqual({part: written(asked[part]) for part in PARTS}, dict.fromkeys(PARTS, {}), asked)

        with self.node("1s") as caller:
            self.assertIn("tmp-7d", s3_by_hand(self.ports["storage"], "GET", *RULES))
            self.counted()
            s3_by_hand(self.ports["storage"], "DELETE", *RULES)
            with broker_by_hand(self.ports["broker"]) as channel:
                channel.queue_delete("pass-queue-33")
            mended = {"storage": {"PUT": 1}, "broker": {"queue.declare": 1, "queue.bind": 1}}
            seen = {part: Counter() for part in mended}
            def all_mended():
                for part, counts in seen.items():
                    counts.update(written(self.proxies[part].take_counts()))
                return seen == mended
            until(all_mended, "exactly what was taken away is made again")
            self.assertIn("tmp-7d", s3_by_hand(self.ports["storage"], "GET", *RULES))
            converged(caller, *PARTS)
            self.profile.write_text(self.profile.read_text().replace('"key": "new.33"', '"key": "newer.33"'))
            until(lambda: self.proxies["broker"].take_counts()["queue.bind"] == 1, "a binding between ends that are there is made")
            converged(caller, *PARTS)


if __name__ == "__main__":
    unittest.main()

"""Secrets: a canary goes in, and is nowhere to be found."""
import contextlib
import http.client
import json
import queue
import random
import re
import signal
import struct
import threading
import unittest

from caller import Caller
from node_case import OpenNode
from running_node import RunningNode
from waiting import PATIENCE_S

CANARY = "canary-7f31c0de-in-clear"


class SecretsTest(OpenNode):
    def on_disk(self, text):
        """The files under the data folder that hold it."""
        return [path for path in self.node.folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]

    def test_a_value_is_on_disk_and_in_replies_nowhere(self):
        """[S0-05] A secret is sealed; the log knows its name."""
        answer = self.caller.call("PUT", "/v1/secrets/db-password", {"value": CANARY, "ttl": "1h"}, {"Idempotency-Key": "seal-1"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["name"], "db-password")
        self.assertIn("expires_at", answer.json)
        shown = self.caller.get(f"/v1/secrets?after={answer.seq}")
        row = next(row for row in shown.json if row["name"] == "db-password")
        self.assertEqual(set(row), {"name", "holder", "created_at", "expires_at"})
        again = self.caller.call("PUT", "/v1/secrets/db-password", {"value": CANARY, "ttl": "1h"}, {"Idempotency-Key": "seal-1"})
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (200, "true"))
        for reply in (answer, again, shown, self.caller.get("/v1/secrets/db-password"), self.caller.get("/v1/events"),
                      self.caller.get("/v1/audit"), self.caller.get("/v1/status"), self.caller.get("/metrics")):
            self.assertEqual(reply.status, 200, reply)
            self.assertNotIn(CANARY.encode(), reply.body)
        self.caller.post("/v1/checkpoints")
        self.assertTrue(self.on_disk("db-password"))
        self.assertEqual(self.on_disk(CANARY), [])
        self.node.stop()
        self.assertEqual(self.on_disk(CANARY), [])
        self.node.__enter__()
        self.assertEqual(self.caller.get("/v1/secrets/db-password").status, 200)

    def test_a_secret_is_replaced_and_removed(self):
        """[S0-05] The one that had the name before is gone."""
        first = self.caller.call("PUT", "/v1/secrets/twice", {"value": "a"})
        second = self.caller.call("PUT", "/v1/secrets/twice", {"value": "b"})
        self.assertEqual((first.status, second.status), (200, 200))
        gone = self.caller.call("DELETE", "/v1/secrets/twice")
        self.assertEqual((gone.status, gone.body), (204, b""))
        self.refused(self.caller.get(f"/v1/secrets/twice?after={gone.seq}"), 404, "not.found")
        self.refused(self.caller.call("DELETE", "/v1/secrets/twice"), 404, "not.found")

    def test_what_is_not_a_secret_is_refused(self):
        """[S0-05] Names, sizes and ends have limits."""
        put = lambda name, body: self.caller.call("PUT", f"/v1/secrets/{name}", body)
        self.refused(put("a%20b", {"value": "x"}), 400, "field.invalid", "/name")
        self.refused(put("empty", {}), 400, "field.invalid", "/value")
        self.refused(put("long", {"value": "x" * 65537}), 413, "body.too.large")
        self.refused(put("ttl", {"value": "x", "ttl": "soon"}), 400, "field.invalid", "/ttl")
        self.refused(put("ttl", {"value": "x", "ttl": "2d"}), 400, "field.invalid", "/expires_at")
        self.assertEqual(put("most", {"value": "x" * 65536}).status, 200)


class KilledTest(unittest.TestCase):
    """A value is sealed on disk before its event is committed, and erased after: a crash may come in between."""

    def sealed(self, caller):
        """The ids under which values are sealed on disk, read from a backup: frames of kind 6."""
        rest, ids = caller.get("/v1/backup").body.partition(b"\n")[2], set()
        while not rest.startswith(b"sha256:"):
            kind, keys, values = struct.unpack_from("<BII", rest)
            if kind == 6:
                ids.add(rest[9:9 + keys].decode())
            rest = rest[9 + keys + values:]
        return ids

    def known(self, caller):
        """The ids that the log knows of: sealed, and not removed."""
        seq = caller.get("/v1/status").json["seq"]
        ids = set()
        for line in caller.get(f"/v1/events?type=secret.*&follow=true&to={seq}").body.splitlines():
            event = json.loads(line)
            (ids.add if event["type"] == "secret.sealed" else ids.discard)(event["data"]["secret"])
        return ids

    def load_until_killed(self, node, replies):
        """Clients that seal, replace and remove, until the node is killed after that many replies."""
        said = queue.Queue()

        def change(name):
            caller = Caller(node.port)
            with contextlib.suppress(OSError, http.client.HTTPException):
                while True:
                    for _ in range(2):
                        said.put(caller.call("PUT", f"/v1/secrets/{name}", {"value": CANARY + name}))
                    if name.endswith("0"):
                        caller.call("DELETE", f"/v1/secrets/{name}")
        clients = [threading.Thread(target=change, args=(f"s{i}",)) for i in range(12)]
        for client in clients:
            client.start()
        for _ in range(replies):
            said.get(timeout=PATIENCE_S)
        node.stop(signal.SIGKILL)
        for client in clients:
            client.join(PATIENCE_S)

    def test_what_a_crash_left_sealed_is_erased_at_the_next_start(self):
        """[S0-05] kill -9 while secrets come and go: afterwards the disk holds those that the log knows, and no other."""
        with RunningNode(environment=OpenNode.environment) as node:
            caller, rng = Caller(node.port), random.Random(47)
            for _ in range(40):
                self.load_until_killed(node, rng.randrange(100, 400))
                node.__enter__()
                node.until(lambda: self.sealed(caller) == self.known(caller), "what is sealed is what the log knows of")
                node.stop()  # What it says is written by then.
                if len(re.findall("secrets orphaned=", node.output())) >= 3:
                    break
                node.__enter__()
            self.assertIn("secrets orphaned=", node.output(), "no crash left anything: this shows nothing")
            self.assertEqual([path for path in node.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()], [])


if __name__ == "__main__":
    unittest.main()

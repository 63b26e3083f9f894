"""Secrets: a canary goes in, and is nowhere to be found."""
import unittest

from node_case import OpenNode

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


if __name__ == "__main__":
    unittest.main()

"""Credentials come in with requests, and go out with replies once: on disk and in what the node prints they are nowhere."""
import json
import time
import unittest

from caller import Caller
from jwks_server import JwksServer, Key
from node_case import NodeCase
from upgrade_test import muster

API_KEY = "canary-9d20c4e7-an-api-key"
WRONG = "canary-0b81fa36-no-credential"
ADMIN = "thatdam:admin thatdam:read thatdam:register"


class CredentialsTest(NodeCase):
    flags = ("--discovery", "off", "--log-level", "trace")  # Not alone: it makes join tokens.

    @classmethod
    def setUpClass(cls):
        cls.key = Key("k1")
        cls.jwks = cls.enterClassContext(JwksServer([cls.key]))
        cls.environment = {"JWKS_URL": cls.jwks.url, "SUPERVISOR_API_KEY": API_KEY}
        super().setUpClass()
        cls.caller = Caller(cls.node.port, X_API_Key=API_KEY)

    def on_disk(self, text):
        """The files in the node's folder that hold it: its data, and what it printed."""
        return [path for path in self.node.folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]

    def bearer(self, token):
        return Caller(self.node.port, Authorization=f"Bearer {token}")

    def answered(self, caller, *request):
        answer = caller.call(*request)
        self.assertLess(answer.status, 300, answer)
        return answer

    def used(self):
        """Credentials by what they are; each was sent in requests, those that are refused too."""
        remote = {"MUSTER_REMOTE": self.node.url, "MUSTER_API_KEY": API_KEY}
        made = muster(":token", "new", "canary-name", "--scope", "admin,read,register", "--json", **remote)
        self.assertEqual(made.returncode, 0, made.stderr)
        token = json.loads(made.stdout)["token"]
        jwt = self.key.token({"scope": ADMIN, "sub": "canary-subject"})
        expired = self.key.token({"scope": ADMIN, "sub": "canary-subject", "exp": int(time.time()) - 1})
        for number, credential in enumerate((token, jwt)):
            caller = self.bearer(credential)
            self.answered(caller, "POST", "/v1/nodes/register", {"node_id": f"node-{number}"})
            self.answered(caller, "GET", "/v1/status")
            self.assertEqual(caller.post("/v1/nodes/register", "{").status, 400)
            self.assertEqual(caller.get("/nowhere").status, 404)
        join = self.answered(self.caller, "POST", "/v1/cluster/tokens", {}).json["token"]
        opened, fulfilled = (self.answered(self.caller, "POST", "/api/claims/new").json for _ in range(2))
        self.answered(self.caller, "POST", "/api/claims/fulfill", fulfilled)
        self.assertEqual(self.caller.post("/api/claims/fulfill", {"id": fulfilled["id"], "token": WRONG}).status, 404)
        for refused in (self.bearer(WRONG), self.bearer(expired), Caller(self.node.port, X_API_Key=WRONG)):
            self.assertEqual(refused.get("/v1/status").status, 401)
            self.assertEqual(refused.post("/v1/nodes/register", {"node_id": "n2"}).status, 401)
        return {"API key": API_KEY, "token": token, "JWT": jwt, "expired JWT": expired, "join token": join, "claim": opened["token"],
                "fulfilled claim": fulfilled["token"], "wrong": WRONG}

    def test_what_callers_prove_themselves_with_is_nowhere_in_clear(self):
        """[S2-54] In the data folder and what is printed at the finest level, while the node runs, once it stopped, and in a backup."""
        used = self.used()
        self.answered(self.caller, "POST", "/v1/checkpoints")
        self.caller.until("/v1/log", lambda answer: answer.json["checkpoints"])
        paths = ("/v1/events", "/v1/audit", "/v1/status", "/v1/backup", "/metrics")
        shown = [self.answered(self.caller, "GET", path).body for path in paths]
        self.nowhere(used)
        for what, text in used.items():
            self.assertFalse(any(text.encode() in body for body in shown), what)
        self.assertEqual(self.node.stop(), 0)
        self.nowhere(used)
        self.assertIn("canary-subject", self.node.output())  # What may be known is where it is looked for.

    def nowhere(self, used):
        for name in ("canary-name", "canary-subject"):
            self.assertTrue(self.on_disk(name), name)
        self.assertEqual({what: self.on_disk(text) for what, text in used.items()}, {what: [] for what in used})


if __name__ == "__main__":
    unittest.main()

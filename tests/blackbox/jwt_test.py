"""Bearer JWTs checked against a JWKS: what is let in, what is not, and as whom."""
import base64
import hashlib
import hmac
import json
import subprocess
import tempfile
import time
import unittest

from caller import Caller
from jwks_server import JwksServer, Key, b64
from node_case import NodeCase
from running_node import BINARY, free_port

EVERYTHING = "thatdam:register thatdam:read thatdam:apply thatdam:admin"
RULES = {"aud": "muster", "iss": "https://id.example"}


class JwtTest(NodeCase):
    flags = ("--jwks-refresh", "1s")

    @classmethod
    def setUpClass(cls):
        cls.key, cls.stranger = Key("k1"), Key("k1")
        cls.jwks = cls.enterClassContext(JwksServer([cls.key]))
        cls.environment = {"JWKS_URL": cls.jwks.url, "JWT_AUD": RULES["aud"], "JWT_ISS": RULES["iss"]}
        super().setUpClass()

    def token(self, key=None, header=None, **claims):
        return (key or self.key).token({"scope": EVERYTHING, **RULES, **claims}, **(header or {}))

    def ask(self, token, method="GET", path="/v1/status", body=None):
        return Caller(self.node.port, Authorization=f"Bearer {token}").call(method, path, body)

    def assert_refused(self, token):
        """Also where nobody needs a credential: a wrong one is told so."""
        for path in ("/v1/status", "/v1/nodes", "/health"):
            self.refused(self.ask(token, path=path), 401, "unauthorized")

    def test_a_good_token_is_let_in_as_its_subject(self):
        """[S1-08] [S2-54] And its name stands in the log."""
        answer = self.ask(self.token(), "POST", "/v1/nodes/register", {"node_id": "n1"})
        self.assertEqual(answer.status, 200, answer)
        line = self.ask(self.token(), path=f"/v1/events?from={answer.seq}&to={answer.seq}").json
        self.assertEqual((line["type"], line["actor"]), ("node.registered", "alice"))
        audiences = self.token(aud=["other", RULES["aud"]])
        self.assertEqual(self.ask(audiences).status, 200)

    def test_nobody_outside_can_look_like_a_node(self):
        """What a node says of itself is nobody's to miss; what a token's subject asks for is."""
        for subject in ("node/n1", "node/", "node/n1/x"):
            self.assert_refused(self.token(sub=subject))
        for subject in ("node", "nodes/n1", "Node/n1", "system:node:n1"):
            self.assertEqual(self.ask(self.token(sub=subject)).status, 200, subject)

    def test_an_expired_token_is_refused(self):
        """[S1-08] To the second, also when it was good before."""
        self.assert_refused(self.token(exp=int(time.time()) - 1))

        def let_in():  # A busy machine may take longer to ask than the token lasts.
            short = self.token(exp=int(time.time()) + 2)
            return short if self.ask(short).status == 200 else None

        short = self.node.until(let_in, "a token is good as long as it lasts")
        self.node.until(lambda: self.ask(short).status != 200, "it ends")
        self.assert_refused(short)

    def test_a_token_without_a_signature_is_refused(self):
        """[S1-08] alg none in any spelling, and RS256 with nothing behind the last dot."""
        claims = self.token().split(".")[1]
        for algorithm in ("none", "None", "NONE", "nOnE"):
            head = b64(json.dumps({"alg": algorithm, "kid": "k1"}).encode())
            self.assert_refused(f"{head}.{claims}.")
            self.assert_refused(f"{head}.{claims}")
            self.assert_refused(f"{head}.{claims}.{self.token().split('.')[2]}")
        self.assert_refused(self.token().rpartition(".")[0] + ".")

    def test_a_token_of_another_key_is_refused(self):
        """[S1-08] Under the same key id, an unknown one and none."""
        for header in ({}, {"kid": "k2"}, {"kid": None}):
            self.assert_refused(self.token(self.stranger, header))

    def test_the_public_key_as_a_shared_secret_is_refused(self):
        """[S1-08] HS256 is no algorithm here."""
        head, claims = b64(json.dumps({"alg": "HS256", "kid": "k1"}).encode()), self.token().split(".")[1]
        for secret in (json.dumps(self.key.jwk()).encode(), self.key.jwk()["n"].encode(),
                       base64.urlsafe_b64decode(self.key.jwk()["n"] + "==")):
            signature = hmac.new(secret, f"{head}.{claims}".encode(), hashlib.sha256).digest()
            self.assert_refused(f"{head}.{claims}.{b64(signature)}")

    def test_a_token_for_somebody_else_is_refused(self):
        """[S1-08] Wrong audience, wrong issuer, none of either, and one that begins later."""
        for claims in ({"aud": "other"}, {"aud": ["a", "b"]}, {"aud": None}, {"iss": "https://evil.example"}, {"iss": None},
                       {"nbf": int(time.time()) + 600}):
            self.assert_refused(self.token(**claims))

    def test_a_token_that_was_changed_is_refused(self):
        """[S1-08] The claims of one under the signature of another, garbage, too much of it."""
        head, claims, signature = self.token().split(".")
        other = self.token(sub="root").split(".")[1]
        self.assert_refused(f"{head}.{other}.{signature}")
        for garbage in ("x", "a.b.c", "..", f"{head}.{claims}.{signature}.{signature}", f"{head}.{claims}.{'A' * 9000}"):
            self.assert_refused(garbage)

    def test_a_token_may_do_what_its_scopes_say(self):
        """[S2-54] [S1-08] 403 for the rest; without a subject its bearer is nobody."""
        reader = self.token(scope="thatdam:read")
        self.assertEqual(self.ask(reader).status, 200)
        self.refused(self.ask(reader, "POST", "/v1/nodes/register", {"node_id": "n"}), 403, "forbidden")
        self.refused(self.ask(self.token(scope=None)), 403, "forbidden")
        nobody = self.token(sub=None)
        self.refused(self.ask(nobody), 401, "unauthorized")
        self.assertEqual(self.ask(nobody, path="/v1/nodes").status, 200)

    def test_who_may_write_jobs_sees_their_aliases(self):
        """[S3-25] With jobs:write or sources:write, in either spelling; who may only read them does not."""
        job = self.node.folder / "scripts" / "build" / "config.d"
        job.mkdir(parents=True)
        (job / "config.yaml").write_text("interpreter: bash\n")
        (self.node.folder / "scripts" / "flwd.yaml").write_text("aliases: [{from: build, to: make}]\n")
        for more, rows in (("", ["build"]), (" runs:write", ["build"]), (" jobs:write", ["build", "make"]),
                           (" sources:write", ["build", "make"]), (" thatdam:sources:write", ["build", "make"])):
            listed = self.ask(self.token(scope=f"jobs:read{more}"), path="/jobs")
            self.assertEqual((listed.status, [row["id"] for row in listed.json]), (200, rows), more)

    def test_keys_may_change_while_the_node_runs(self):
        """[S1-08] A new key is fetched when a token names it; a key that is gone lets nobody in."""
        new = Key("k3")
        self.addCleanup(setattr, self.jwks, "keys", [self.key])
        self.jwks.keys = [self.key, new]
        self.eventually(self.token(new), 200)
        self.jwks.keys = [self.key]
        self.eventually(self.token(new), 401)
        self.assertEqual(self.ask(self.token()).status, 200)

    def eventually(self, token, status):
        self.node.until(lambda: self.ask(token).status == status, f"the token is answered {status}")


class JwksAndKeyTest(NodeCase):
    @classmethod
    def setUpClass(cls):
        cls.key = Key("k1")
        cls.jwks = cls.enterClassContext(JwksServer([cls.key]))
        cls.environment = {"JWKS_URL": cls.jwks.url, "SUPERVISOR_API_KEY": "a-key"}
        super().setUpClass()

    def test_the_api_key_is_a_fallback(self):
        """[S1-08] [S1-09] Either is accepted; a wrong one of either is refused."""
        token = self.key.token({"scope": "thatdam:read"})
        self.assertEqual(self.caller.get("/v1/status", X_API_Key="a-key").status, 200)
        self.assertEqual(self.caller.get("/v1/status", Authorization=f"Bearer {token}").status, 200)
        self.refused(self.caller.get("/v1/status", X_API_Key="a-kez", Authorization=f"Bearer {token}"), 401, "unauthorized")
        self.refused(self.caller.get("/v1/status", Authorization="Bearer x"), 401, "unauthorized")
        self.refused(self.caller.get("/v1/status"), 401, "unauthorized")


class NoJwksTest(unittest.TestCase):
    def test_a_jwks_that_does_not_answer_fails_the_start(self):
        """[S1-08] With exit status 1, and a message that names it."""
        url = f"http://127.0.0.1:{free_port()}/jwks.json"
        done = subprocess.run([BINARY, ":serve", "--data", "data", "--bind", f"127.0.0.1:{free_port()}", "--jwks-url", url],
                              capture_output=True, text=True, timeout=60, cwd=self.enterContext(tempfile.TemporaryDirectory()), env={})
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(url, done.stderr)


if __name__ == "__main__":
    unittest.main()

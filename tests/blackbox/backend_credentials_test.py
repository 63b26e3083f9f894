"""Credentials that servers of an environment do not take, from the beginning or at once: told without them, and taken into use again without a restart."""
import contextlib
import tempfile
import unittest
from pathlib import Path

from backend_proxy import Says, http_answer
from backend_servers import (AMQP_PASSWORD, INDEX_KEY, S3_SECRET, amqp_url, ceph, environment_at, fake_weaviate, index_by_hand, profile_of,
                             rabbit_in, set_amqp_password)
from caller import Caller
from environment_test import components, converged, statuses
from hostile_backends_test import Suffering
from running_node import RunningNode, free_port
from waiting import until

PARTS = ("storage", "broker", "index")
SLOW_S = 180  # Who may not enter asks again after a minute only.
WRONG = {"MINIO_SECRET_KEY": "wr0ng-of-storage", "WEAVIATE_API_KEY": "wr0ng-of-index"}
WRONG_PASSWORD = "wr0ng-of-broker"
TOLD = ("/v1/environment?all=true", "/v1/drift", "/health", "/metrics", "/internal/bootstrap/status", "/v1/events?from=1", "/v1/cluster")


class BackendCredentialsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keep = contextlib.ExitStack()
        cls.addClassCleanup(keep.close)
        cls.folder = keep.enter_context(tempfile.TemporaryDirectory())
        cls.rabbit_ports = [free_port() for _ in range(4)]
        cls.ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit_in(cls.folder, cls.rabbit_ports)),
                     "index": keep.enter_context(fake_weaviate())}

    def no_secrets(self, node, caller, *secrets):
        told = {path: caller.get(path).body.decode(errors="replace") for path in TOLD}
        for place, text in {**told, "its output": node.output()}.items():
            for secret in (*secrets, S3_SECRET, AMQP_PASSWORD, INDEX_KEY):
                self.assertNotIn(secret, text, place)

    def test_wrong_from_the_beginning(self):
        """Each component has failed with the server's word for it, and no key or password is in what is told, nor in the log of a node at debug."""
        environment = environment_at(*(self.ports[part] for part in PARTS))
        wrong = {**environment, **WRONG, "AMQP_URL": amqp_url(self.ports["broker"], WRONG_PASSWORD)}
        words = {"storage": "SignatureDoesNotMatch", "broker": "ACCESS_REFUSED", "index": "invalid api key"}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as profile:
            Path(profile.name).write_text(profile_of("wrong"))
            with RunningNode("--dev", "--node-side", "--environment-interval", "500ms", "--log-level", "debug", "--profile", profile.name,
                             environment=wrong) as node:
                caller = Caller(node.port, Authorization="Bearer dev-token")
                def refused():
                    seen = components(caller)
                    return all(part in seen and "failed" in statuses(seen[part]).values() for part in PARTS) and seen
                seen = until(refused, "all have failed", limit_s=SLOW_S)
                for part, word in words.items():
                    self.assertIn(word, str(seen[part]["resources"]), part)
                    self.assertEqual(seen[part]["status"], "error", part)
                self.no_secrets(node, caller, *WRONG.values(), WRONG_PASSWORD)
                node.stop()
                node.be_given(environment)
                node.__enter__()
                converged(caller, *PARTS)

    def suffer(self, part, take_back, give, *words):
        """The credentials are taken back while the component is in use, and given again."""
        with contextlib.ExitStack() as keep:
            sufferer = Suffering(part, self.ports, keep)
            keep.callback(give, sufferer)
            take_back(sufferer)
            sufferer.want("expired")
            def refused():
                seen = components(sufferer.caller)[part]
                return seen["status"] == "error" and "failed" in statuses(seen).values() and str(seen["resources"])
            said = until(refused, f"{part} has failed", limit_s=SLOW_S)
            for word in words:
                self.assertIn(word, said)
            sufferer.until(lambda: all(sufferer.well(other) for other in PARTS if other != part), "the others are well")
            self.no_secrets(sufferer.node, sufferer.caller)
            give(sufferer)
            until(lambda: sufferer.well(part), f"{part} is taken into use again", limit_s=SLOW_S)
            sufferer.until(sufferer.settled, "what came of it is told")
            self.no_secrets(sufferer.node, sufferer.caller)

    def test_a_token_of_the_storage_that_expired(self):
        """AWS says so with 400, which a HEAD has no body for; and it repeats who asked."""
        def expired(request):
            why = b"<Error><Code>ExpiredToken</Code><Message>" + S3_SECRET.encode() + request.replace(b"<", b"") + b"</Message></Error>"
            return http_answer(400, b"" if request.startswith(b"HEAD") else why, "Connection: close")
        self.suffer("storage", lambda sufferer: sufferer.proxy.misbehave(Says(expired)), lambda sufferer: sufferer.proxy.behave(), "ExpiredToken")

    def test_a_password_of_the_broker_that_is_another_one_now(self):
        """The connection that there is stays in use; the next one is refused."""
        def set_password(password):
            set_amqp_password(self.folder, self.rabbit_ports, password)
        def take_back(sufferer):
            set_password("an0ther-one")
            sufferer.want("after")
            sufferer.until(lambda: sufferer.well("broker"), "the connection is in use")
            sufferer.proxy.behave()  # Which cuts what there is.
        self.suffer("broker", take_back, lambda _: set_password(AMQP_PASSWORD), "ACCESS_REFUSED")

    def test_a_key_of_the_index_that_is_another_one_now(self):
        def set_key(key):
            index_by_hand(self.ports["index"], "POST", "/fake/key", key)
        self.suffer("index", lambda _: set_key("an0ther-one"), lambda _: set_key(INDEX_KEY), "invalid api key")


if __name__ == "__main__":
    unittest.main()

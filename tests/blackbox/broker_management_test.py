"""RabbitMQ's management API beside AMQP: what is undone by hand is seen at the next look; away, forbidding or lying it is told, and the broker is kept all the same."""
import contextlib
import socket
import tempfile
import unittest
from pathlib import Path

from backend_proxy import Proxy, Refuses, Says, Silent, amqp_frame, http_answer, http_request, written
from backend_servers import AMQP_PASSWORD, amqp_url, broker_by_hand, profile_of, rabbit_in
from caller import Caller
from environment_test import components, converged, put_profile, statuses
from running_node import RunningNode, free_port
from waiting import until

QUEUES = 5
BINDING = "binding hand-orders -> hand-queue-3 (new.3)"
WRONG = "wr0ng-word"
SLOW_S = 120


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True


class BrokerManagementTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keep = contextlib.ExitStack()
        cls.addClassCleanup(keep.close)
        ports = [free_port() for _ in range(5)]
        cls.amqp = keep.enter_context(rabbit_in(keep.enter_context(tempfile.TemporaryDirectory()), ports))
        until(lambda: answers(ports[-1]), "the management API answers", limit_s=SLOW_S)
        cls.broker = keep.enter_context(Proxy(cls.amqp, amqp_frame))
        cls.management = keep.enter_context(Proxy(ports[-1], http_request))
        cls.url = f"http://127.0.0.1:{cls.management.port}"
        cls.profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)

    @contextlib.contextmanager
    def node(self, name, interval, management=None):
        """A node that has looked at a profile of that name, and its caller."""
        put_profile(self.profile, profile_of(name, 0, QUEUES, 0))
        environment = {"BROKER_URL": amqp_url(self.broker.port), "BROKER_MANAGEMENT_URL": management or self.url}
        with RunningNode("--dev", "--node-side", "--environment-interval", interval, "--poll-every", "200ms", "--profile", self.profile,
                         environment=environment) as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            until(lambda: f"exchange {name}-orders" in self.seen(caller), "it has looked")
            yield node, caller

    def seen(self, caller):
        return statuses(components(caller).get("broker", {"resources": []}))

    def asked(self, caller, to="apply", dry_run=False):
        """The broker's resources that an apply, or a prune, says are not in sync, what it wrote to the broker, and what it asked of the API."""
        for proxy in (self.broker, self.management):
            proxy.take_counts()
        answer = caller.post(f"/v1/environment/{to}", {"dry_run": dry_run, "component": "broker"})
        self.assertEqual(answer.status, 200, answer)
        broker = next(part for part in answer.json["components"] if part["component"] == "broker")
        rows = {name: status for name, status in statuses(broker).items() if status != "in_sync"}
        return rows, written(self.broker.take_counts()), self.management.take_counts()

    def unbind(self, name):
        with broker_by_hand(self.amqp) as channel:
            channel.queue_unbind(f"{name}-queue-3", f"{name}-orders", "new.3")

    def test_what_is_undone_by_hand_is_seen_at_the_next_look(self):
        """[S2-26] [S2-30] An unbound binding is shown by a diff, made again by one bind, told, and no other write is made: not even after a restart."""
        three = {"GET": 3}
        with self.node("hand", "1h") as (_, caller):
            until(lambda: self.asked(caller) == ({}, {}, three), "no look of the start is under way any more")
            self.assertEqual(self.seen(caller)[f"management {self.url}"], "in_sync")
            self.unbind("hand")
            self.assertEqual(self.asked(caller, dry_run=True), ({BINDING: "changed"}, {}, three))
            self.assertEqual(self.asked(caller), ({BINDING: "changed"}, {"queue.bind": 1}, three))
            self.assertEqual(self.asked(caller), ({}, {}, three))
            row = next(row for row in components(caller)["broker"]["resources"] if row["kind"] == "binding")
            self.assertNotIn("detail", row)
        self.broker.take_counts()
        with self.node("hand", "500ms") as (_, caller):
            converged(caller, "broker")
            own = written(self.broker.take_counts())  # Each of two connections makes sure of the bus's own exchange.
            self.assertEqual(own, dict.fromkeys(("header", "exchange.declare"), own["header"]))
            self.unbind("hand")
            until(lambda: written(self.broker.take_counts()) == {"queue.bind": 1}, "it is made again")
            converged(caller, "broker")
            until(lambda: "hand-queue-3 (new.3)" in caller.get("/v1/events?from=1&type=bootstrap.added").body.decode(), "it is told")
            self.assertEqual(written(self.broker.take_counts()), {})

    def test_a_prune_knows_what_is_still_bound(self):
        """[S2-44] Of two bindings that the profile names no more one was unbound by hand: the other is what is left."""
        with self.node("prune", "1h") as (_, caller):
            put_profile(self.profile, profile_of("prune", 0, QUEUES - 2, 0))
            until(lambda: "queue prune-queue-3" not in self.seen(caller), "less is desired")
            self.unbind("prune")
            self.assertEqual(self.asked(caller, "prune", dry_run=True), ({"binding prune-orders -> prune-queue-4 (new.4)": "changed"}, {}, {"GET": 3}))

    def test_one_that_is_of_no_use_is_told_and_the_broker_is_kept_all_the_same(self):
        """Away, slow, forbidding, overrun or lying: the component says so, bindings that are new are made, and once the API is well it is used again."""
        nonsense = http_answer(200, b"[" * 100_000)
        faults = {"refused": (Refuses(), "unreachable", "connect to"), "silent": (Silent(), "unreachable", ""),
                  "forbids": (Says(lambda request: http_answer(403, request)), "failed", "answered 403"),
                  "busy": (Says(http_answer(503, b"", "Retry-After: 1")), "unreachable", "answered 503, and to ask again in 1 s"),
                  "broken": (Says(http_answer(500, b"")), "unreachable", "answered 500"),
                  "noise": (Says(http_answer(200, b"\x00\xff<<{{")), "failed", "bad json"), "nested": (Says(nonsense), "failed", "nested deeper"),
                  "odd": (Says(http_answer(200, b'[{"source": 5}]')), "failed", "no list of bindings"),
                  "endless": (Says(b"HTTP/1.1 200 X\r\nContent-Length: 1000000000000\r\n\r\n", "", b"x" * 65536), "failed", "sent more than")}
        with self.node("begin", "500ms") as (node, caller):
            converged(caller, "broker")
            for name, (fault, word, said) in faults.items():
                with self.subTest(name):
                    self.management.misbehave(fault)
                    put_profile(self.profile, profile_of(name, 0, 2, 0))
                    until(lambda: self.told(caller, name, word, said), f"{name} is {word}: {said}", limit_s=SLOW_S)
                    until(lambda: set(list(self.seen(caller).values())[1:]) == {"in_sync"}, "all else is made", limit_s=SLOW_S)
                    self.assertEqual(components(caller)["broker"]["status"], "error")
                    self.no_secrets(node, caller)
                    self.management.behave()
                    converged(caller, "broker")

    def test_wrong_credentials_are_told_and_not_shown(self):
        """Those of its own URL, beside a broker that lets us in."""
        with self.node("wrong", "500ms", self.url.replace("//", f"//maker:{WRONG}@")) as (node, caller):
            until(lambda: self.told(caller, "wrong", "failed", "answered 401: its user needs the tag management"), "it is told")
            until(lambda: set(list(self.seen(caller).values())[1:]) == {"in_sync"}, "all else is made")
            self.no_secrets(node, caller)

    def told(self, caller, name, word, said):
        """Whether a look at that profile tells of the API in this word."""
        row = next(iter(components(caller)["broker"]["resources"]))
        return (f"exchange {name}-orders" in self.seen(caller) and said in row.get("detail", "") and
                (row["kind"], row["name"], row["status"]) == ("management", self.url, word))

    def no_secrets(self, node, caller):
        told = [caller.get(path).body.decode(errors="replace") for path in ("/v1/environment?all=true", "/v1/drift", "/v1/bootstrap/status", "/v1/events?from=1")]
        for text in (*told, node.output()):
            for secret in (AMQP_PASSWORD, WRONG, "Basic "):
                self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()

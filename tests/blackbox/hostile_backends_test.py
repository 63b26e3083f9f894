"""Servers of an environment that are away, slow, lying or overrun, one at a time: it is told in the right word, the others go on, and nothing need be restarted."""
import contextlib
import json
import struct
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backend_proxy import Cut, HalfOpen, Proxy, Refuses, Renames, Says, Silent, amqp_frame, http_answer, http_request
from backend_servers import INDEX_KEY, S3_SECRET, SECRETS, ceph, environment_at, fake_weaviate, profile_of, rabbit
from caller import Caller
from environment_test import components, statuses
from fake_kafka import DENIED, THROTTLED, fake_kafka, garbled, kafka_request, refused
from running_node import RunningNode
from waiting import until

PARTS = ("storage", "broker", "index", "topics")
TAKE = {"storage": http_request, "broker": amqp_frame, "index": http_request, "topics": kafka_request}
FIRST = {"storage": "bucket {}-bucket-0", "broker": "exchange {}-orders", "index": "class {}Class0", "topics": "topic {}"}  # What is asked for first.
SLOW_S = 120
NOISE = b"\x00\xff<<{{" * 100
PIECE = b"x" * 65536


def rule_of(name, prefix):
    return (f"<LifecycleConfiguration><Rule><ID>{name}</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>"
            "<Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>").encode()


def class_of(request, vectorizer, kind):
    """What a server says of the class that is asked for."""
    name = request.split()[1].decode().rpartition("/")[2]
    return json.dumps({"class": name, "vectorizer": vectorizer, "properties": [
        {"name": "title", "dataType": [kind]}, {"name": "size", "dataType": ["int"]}]}).encode()


class Suffering:
    """A node one of whose servers is behind a proxy. Its Kafka, a fake, is its own, since that tells its clients where it is."""

    def __init__(self, part, ports, keep):
        self.part = part
        kafka = keep.enter_context(fake_kafka())
        ports = {**ports, "topics": kafka.port}
        self.proxy = keep.enter_context(Proxy(ports[part], TAKE[part]))
        if part == "topics":
            kafka.told_port = self.proxy.port
        self.profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
        self.want("begin")
        ports[part] = self.proxy.port
        environment = {**environment_at(ports["storage"], ports["broker"], ports["index"]), "KAFKA_BROKERS": f"127.0.0.1:{ports['topics']}"}
        self.node = keep.enter_context(RunningNode("--dev", "--node-side", "--environment-interval", "500ms", "--poll-every", "200ms",
                                                   "--log-level", "debug", "--profile", self.profile, environment=environment))
        self.caller = Caller(self.node.port, Authorization="Bearer dev-token")
        self.until(lambda: all(self.well(part) for part in PARTS), "all of it is there")

    def want(self, what):
        """A profile of new names from now on."""
        self.name = what + self.part
        self.profile.write_text(json.dumps({**json.loads(profile_of(self.name)), "topics": [{"name": self.name, "config": {"retention.ms": "1000"}}]}))

    def first(self, part):
        return FIRST[part].format(self.name.title() if part == "index" else self.name)

    def looked(self, part):
        """The component, once it looked for what is wanted now."""
        seen = components(self.caller).get(part)
        return seen if seen and self.first(part) in statuses(seen) else None

    def well(self, part):
        seen = self.looked(part)
        return seen and seen["status"] == "ok" and set(seen["counts"]) == {"in_sync"}

    def settled(self):
        """No apply of the component waits for what came of it."""
        told = self.caller.get("/internal/bootstrap/status").json["components"].get(self.part, {})
        return told and not told.get("applying")

    def until(self, condition, what):
        try:
            until(condition, f"{self.part}: {what}", limit_s=SLOW_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {components(self.caller)}") from None

    def bad(self, word):
        """The resources of the server that are `word`."""
        seen = self.looked(self.part)
        return [name for name, status in statuses(seen).items() if status == word] if seen and seen["status"] == "error" else []


class HostileBackendsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keep = contextlib.ExitStack()
        cls.addClassCleanup(keep.close)
        ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}
        cls.sufferers = {part: Suffering(part, ports, keep) for part in PARTS}

    def suffer(self, what, faults, words, hits=FIRST):
        """Each server does wrong as `faults` has it, while something new is wanted of all; `hits` is the resource that is then in `words`."""
        def one(part):
            sufferer = self.sufferers[part]
            sufferer.proxy.misbehave(faults[part])
            sufferer.want(what)
            hit = hits[part].format(sufferer.name.title() if part == "index" else sufferer.name)
            try:
                sufferer.until(lambda: hit in sufferer.bad(words[part]), f"{hit} is {words[part]}")
                sufferer.until(lambda: all(sufferer.well(other) for other in PARTS if other != part), "the others are well")
                seen = sufferer.looked(part)
                self.no_secrets(sufferer)
            finally:
                sufferer.proxy.behave()
            sufferer.until(lambda: sufferer.well(part), "it is taken into use again")
            sufferer.until(sufferer.settled, "what came of each apply is told")
            return seen
        with ThreadPoolExecutor() as at_once:
            return dict(zip(faults, at_once.map(one, faults)))

    def no_secrets(self, sufferer):
        told = {path: sufferer.caller.get(path).body.decode(errors="replace")
                for path in ("/v1/environment?all=true", "/v1/drift", "/metrics", "/internal/bootstrap/status", "/v1/bootstrap/status",
                             "/v1/events?from=1")}
        for place, text in {**told, "its output": sufferer.node.output()}.items():
            for secret in SECRETS:
                self.assertNotIn(secret, text, place)

    def all_parts(self, value):
        return dict.fromkeys(PARTS, value)

    def test_one_that_refuses_connections(self):
        self.suffer("refused", self.all_parts(Refuses()), self.all_parts("unreachable"))

    def test_one_that_takes_connections_and_says_nothing(self):
        self.suffer("silent", self.all_parts(Silent()), self.all_parts("unreachable"))

    def test_one_whose_way_back_is_gone(self):
        """Also on a connection that was in use, of which nobody is told anything."""
        self.suffer("half", self.all_parts(HalfOpen()), self.all_parts("unreachable"))

    def test_one_that_hangs_up_in_the_middle_of_an_answer(self):
        self.suffer("cut", self.all_parts(Cut()), self.all_parts("unreachable"))

    def test_one_that_forbids_one_call_only(self):
        def forbidden(request):
            return http_answer(403, b"<Error><Code>AccessDenied</Code><Message>" + request + b"</Message></Error>", "Connection: close")
        seen = self.suffer("once", {
            "storage": Says(forbidden, "^PUT .*lifecycle"),
            "broker": Renames("queue.declare", "oncebroker-queue-0", "amq.broker-queue-0"),  # Which the broker keeps for itself.
            "index": Says(forbidden, "^POST /v1/schema$"),
            "topics": Says(refused(DENIED), "^topic.create ")}, self.all_parts("failed"),
            {**FIRST, "storage": "lifecycle {}-bucket-0", "broker": "queue {}-queue-0"})
        self.assertIn("Bearer ", str(seen["index"]["resources"]))  # The server repeated it, without the key as no_secrets() saw.
        for part, begins in {"storage": ("bucket", "versioning", "tags"), "broker": ("exchange",)}.items():
            well = [status for name, status in statuses(seen[part]).items() if name.startswith(begins)]
            self.assertEqual(len(well), len(begins))
            self.assertLessEqual(set(well), {"changed", "in_sync"}, part)

    def test_one_that_asks_to_be_left_alone(self):
        for status in (429, 503):
            answer = http_answer(status, b"", "Retry-After: 1", "Connection: close")
            seen = self.suffer(f"busy{status}", dict.fromkeys(("storage", "index"), Says(answer)), self.all_parts("unreachable"))
            for part, component in seen.items():
                self.assertIn("ask again in 1 s", str(component["resources"]), part)
        self.suffer("busykafka", {"topics": Says(refused(THROTTLED), "^topic.(judge|create) ")}, {"topics": "unreachable"})

    def test_one_that_talks_nonsense(self):
        nonsense = Says(http_answer(200, NOISE, "Connection: close"), "^GET ")
        self.suffer("noise", {"storage": nonsense, "broker": Says(NOISE), "index": nonsense, "topics": Says(NOISE)},
                    {"storage": "failed", "broker": "unreachable", "index": "failed", "topics": "unreachable"},
                    {**FIRST, "storage": "versioning {}-bucket-0"})
        self.suffer("static", {**self.all_parts(Says(NOISE)), "topics": Says(garbled, "^topic.look")},
                    {"storage": "failed", "broker": "unreachable", "index": "failed", "topics": "failed"})

    def test_one_whose_refusal_is_full_of_keys(self):
        """Megabytes of nothing but the secret, at once and as JSON."""
        for kind, around in {"bare": b"%s", "json": b'{"error":[{"message":"%s"}]}'}.items():
            seen = self.suffer(f"full{kind}", {
                part: Says(http_answer(500, around % (secret.encode() * (size // len(secret))), "Connection: close"))
                for part, secret, size in (("storage", S3_SECRET, 3 << 20), ("index", INDEX_KEY, 15 << 20))},
                {"storage": "unreachable", "index": "unreachable"})
            self.assertIn("answered 500: ***", str(seen["index"]["resources"]))

    def test_one_whose_good_answer_is_too_much(self):
        """Names and values longer than any, or with a character that no text of a report may have."""
        def rule(prefix):
            return Says(http_answer(200, rule_of("tmp-7d", prefix), "Connection: close"), "^GET .*lifecycle")
        def answers(vectorizer, kind="text"):
            return Says(lambda request: http_answer(200, class_of(request, vectorizer, kind), "Connection: close"), "^GET /v1/schema/")
        hits = {"storage": "lifecycle {}-bucket-0", "index": FIRST["index"]}
        for kind, faults in {"long": (rule("x" * (3 << 20)), answers("x" * (15 << 20))),
                             "nul": (rule("&#xD800;"), answers("none", "te\0xt"))}.items():
            seen = self.suffer(kind, dict(zip(hits, faults)), dict.fromkeys(hits, "failed"), hits)
            self.assertLess(len(str(seen)), 20_000)

    def test_one_whose_good_answer_has_a_key_in_it(self):
        """What differs is shown without it."""
        faults = {"storage": Says(http_answer(200, rule_of("tmp-7d", f"Bearer {S3_SECRET}"), "Connection: close"), "^GET .*lifecycle"),
                  "index": Says(lambda request: http_answer(200, class_of(request, f"Bearer {INDEX_KEY}", "text"), "Connection: close"),
                                "^GET /v1/schema/")}
        for part, fault in faults.items():
            sufferer = self.sufferers[part]
            sufferer.proxy.misbehave(fault)
            sufferer.want("inside")
            hit = {"storage": "lifecycle {}-bucket-0", "index": FIRST["index"]}[part].format(
                sufferer.name.title() if part == "index" else sufferer.name)
            sufferer.until(lambda: statuses(sufferer.looked(part) or {"resources": []}).get(hit) == "drifted", f"{hit} has drifted")
            self.assertIn("Bearer ***", str(sufferer.looked(part)["resources"]))
            sufferer.until(sufferer.settled, "it is told")
            self.no_secrets(sufferer)
            sufferer.proxy.behave()
            sufferer.until(lambda: sufferer.well(part), "it is taken into use again")

    def test_one_whose_answer_has_no_end(self):
        endless = Says(b"HTTP/1.1 200 X\r\nContent-Length: 1000000000000\r\n\r\n", "^GET ", PIECE)
        self.suffer("endless", {"storage": endless, "broker": Says(struct.pack(">BHI", 1, 0, 0xfffffff0), endless=PIECE), "index": endless,
                                "topics": Says(struct.pack(">I", 0x7fffffff), endless=PIECE)},
                    {"storage": "failed", "broker": "unreachable", "index": "failed", "topics": "failed"},
                    {**FIRST, "storage": "versioning {}-bucket-0"})


if __name__ == "__main__":
    unittest.main()

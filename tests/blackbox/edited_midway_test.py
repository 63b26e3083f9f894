"""A profile that is edited in the middle of an apply: what was begun is ended, the last edit is made, and each intent has one outcome."""
import contextlib
import json
import tempfile
import unittest
from pathlib import Path

from backend_proxy import Holds, Proxy, amqp_frame, http_request
from backend_servers import ceph, environment_at, fake_weaviate, profile_of, rabbit
from caller import Caller
from environment_test import components, published, put_profile, statuses
from foreign_hand import ForeignHand
from running_node import RunningNode
from waiting import until

FIRST = {"storage": "^PUT /{}-bucket-0", "broker": "^queue.declare", "index": "^POST /v1/schema"}  # What is written first, or nearly.
PARTS = tuple(FIRST)
SLOW_S = 120


class EditedMidwayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keep = contextlib.ExitStack()
        cls.addClassCleanup(keep.close)
        cls.ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}
        cls.proxies = {part: keep.enter_context(Proxy(port, amqp_frame if part == "broker" else http_request))
                       for part, port in cls.ports.items()}
        cls.hand = ForeignHand(cls.ports)
        cls.profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
        cls.profile.write_text("{}")
        cls.node = keep.enter_context(RunningNode("--dev", "--node-side", "--environment-interval", "1h", "--poll-every", "100ms",
                                                  "--profile", cls.profile, environment=environment_at(*(cls.proxies[part].port for part in PARTS))))
        cls.caller = Caller(cls.node.port, Authorization="Bearer dev-token")

    def edit(self, profile):
        """The node has it, whatever it is doing; the generation."""
        before = published(self.caller)
        put_profile(self.profile, profile)
        until(lambda: published(self.caller) != before, "the edit is published")
        generation = published(self.caller)
        until(lambda: generation in (self.node.folder / "data" / "node" / "profile.json").read_text(), "the node was given it")
        return generation

    def lines(self, first):
        return [json.loads(line) for line in self.caller.get(f"/v1/events?from={first}&type=bootstrap.intended,bootstrap.reported").body.splitlines()]

    def edited_midway(self, part, name, edits):
        """`part` is held at its first write of a profile while the profile becomes each of the edits, and then is let go."""
        first = self.caller.get("/v1/cluster").seq + 1
        begun = json.loads(profile_of(name))
        hold = Holds(FIRST[part].format(name))
        self.proxies[part].misbehave(hold)
        try:
            put_profile(self.profile, begun)
            until(hold.held.is_set, "its first write is under way", limit_s=SLOW_S)
            begins = published(self.caller)
            generations = [self.edit(json.loads(edit)) for edit in edits]
        finally:
            hold.go.set()  # All that comes later is handed on, too.
        last = json.loads(edits[-1])
        names = {"storage": f"bucket {last['storage'][0]['name']}", "broker": f"queue {last['broker']['queues'][0]['name']}",
                 "index": f"class {last['index']['classes'][0]['name']}"}

        def made():
            seen = components(self.caller)
            return all(one in seen and seen[one]["generation"] == generations[-1] and names[one] in statuses(seen[one]) for one in PARTS)
        until(made, "the last edit is looked at", limit_s=SLOW_S)
        applied = self.caller.post("/v1/environment/apply").json["components"]
        self.assertEqual([(one["component"], one["generation"], set(one["counts"])) for one in applied],
                         [(one, generations[-1], {"in_sync"}) for one in PARTS])
        self.assertEqual(self.hand.missing(last), [])

        def outcomes():
            """Each line by its key, once each that was intended is ended and each part told of the last edit."""
            lines = self.lines(first)
            of = {kind: [line["data"] for line in lines if line["type"] == f"bootstrap.{kind}"] for kind in ("intended", "reported")}
            keys = {kind: [one["idempotency_key"] for one in some] for kind, some in of.items()}
            told = {one["component"] for one in of["reported"] if one["generation"] == generations[-1]}
            return (of, keys) if told == set(PARTS) and set(keys["intended"]) <= set(keys["reported"]) else None
        of, keys = until(outcomes, "each intent has an outcome", limit_s=SLOW_S)
        self.assertEqual(len(set(keys["intended"])), len(keys["intended"]), keys)
        wrote = [one["idempotency_key"] for one in of["reported"] if one["action"] != "check"]
        self.assertEqual(sorted(wrote), sorted(keys["intended"]))
        self.assertEqual({one["status"] for one in of["reported"]}, {"ok"}, of["reported"])
        order = [begins, *generations]
        for one in PARTS:
            made = [order.index(line["generation"]) for line in of["intended"] if line["component"] == one]
            self.assertEqual(made, sorted(made), f"{one} went back to an older profile")
        own = [line["generation"] for line in of["intended"] if line["component"] == part]
        self.assertEqual(own[0], begins)
        return begun

    def test_a_profile_that_is_edited_while_a_write_is_under_way(self):
        """[S2-43] [S2-45] Of each component in turn, twice: it ends as the last one, and what was begun is made, too."""
        for part in PARTS:
            with self.subTest(part):
                begun = self.edited_midway(part, f"at{part}", [profile_of(f"{edit}{part}") for edit in ("then", "last")])
                self.assertEqual(self.hand.missing({**{"storage": [], "broker": {"exchanges": [], "queues": [], "bindings": []}, "index": {"classes": []}},
                                                    part: begun[part]}), [])

    def test_a_profile_that_is_taken_back_while_a_write_is_under_way(self):
        """Another one in between, and then the first again: it has no second intent where nothing was left to do."""
        for part in PARTS:
            with self.subTest(part):
                self.edited_midway(part, f"back{part}", [profile_of(f"between{part}"), profile_of(f"back{part}")])


if __name__ == "__main__":
    unittest.main()

"""A node that is killed at every step of an apply, on real and fake servers and on what is built in: another life of it ends as desired, each intent has one outcome,
and nothing is lost, told twice or gone. MUSTER_TEST_ROUNDS=10 makes 200 rounds of each; MUSTER_TEST_SEED repeats a run's choices."""
import contextlib
import http.client
import json
import os
import random
import signal
import tempfile
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

from backend_proxy import Fault, MESSAGES, Proxy, READS, Says, amqp_frame, http_answer, http_request, written
from backend_servers import broker_by_hand, ceph, environment_at, fake_weaviate, index_by_hand, profile_of, rabbit
from caller import Caller
from environment_test import components, put_profile, statuses
from fake_kafka import fake_kafka, kafka_request
from foreign_hand import ForeignHand, share
from running_node import RunningNode
from waiting import until

PARTS = ("storage", "broker", "index")
MANY = int(os.environ.get("MUSTER_TEST_ROUNDS", "1"))
ROUNDS = 10 if MANY == 1 else 20 * MANY
SEED = int(os.environ.get("MUSTER_TEST_SEED", str(time.time_ns() & 0xFFFFFF)))
SLOW_S = 120
WRITES = 4  # Of a new bucket with versions, a rule and tags.
MOST_ROUNDS = 50  # Whose things one profile has room for.
TOLD = {"exchange": {"name": "events", "type": "topic"}, "queue": {"name": "told"},
        "binding": {"exchange": "events", "queue": "told", "key": "overlay.bootstrap.#"}}


class Kills(Fault):
    """Kills the node at its n-th write from now on: before that is handed on, or after it was and before its answer is."""
    cuts = False

    def __init__(self, node, nth, before):
        self.node, self.left, self.before = node, nth, before
        self.lock, self.due, self.struck = threading.Lock(), False, threading.Event()

    def strike(self):
        with self.lock:
            if not self.struck.is_set():
                self.node.stop(signal.SIGKILL)
                self.struck.set()

    def asked(self, what, message):
        if what and what.split()[0] not in READS | MESSAGES | {"header"}:
            self.left -= 1
            if self.left == 0 and self.before:
                self.strike()
            self.due = self.left == 0 or self.due
        return (b"", b"") if self.struck.is_set() else (message, b"")

    def answered(self, answer):
        if self.due:
            self.strike()
        return b"" if self.struck.is_set() else answer


class KillsBeside(Kills):
    """The same while another fault answers what it wants to."""

    def __init__(self, other, *kill):
        super().__init__(*kill)
        self.other = other

    def asked(self, what, message):
        onward, at_once = self.other.asked(what, message)
        return (onward, at_once) if at_once else super().asked(what, message)


class KilledNode:
    """A node whose profile asks for something new in each round."""

    def __init__(self, keep, environment=None):
        self.profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
        self.profile.write_text("{}")
        self.node = keep.enter_context(RunningNode("--dev", "--node-side", "--environment-interval", "1h", "--poll-every", "100ms",
                                                   "--profile", self.profile, environment=environment))
        self.caller = Caller(self.node.port, Authorization="Bearer dev-token")

    def want(self, profile):
        self.wanted = profile
        put_profile(self.profile, profile)

    def named(self):
        """What is first in each component's look, by component."""
        named = {"storage": {f"bucket {one['name']}" for one in self.wanted["storage"]},
                 "broker": {f"queue {one['name']}" for one in self.wanted["broker"]["queues"]},
                 "index": {f"class {one['name']}" for one in self.wanted["index"]["classes"]},
                 "topics": {f"topic {one['name']}" for one in self.wanted.get("topics", ())}}
        return {part: names for part, names in named.items() if part in PARTS or names}

    def made(self):
        """Whether a node that answers looked for all that is wanted now, and has it."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            seen = components(self.caller)
            return all(part in seen and set(seen[part]["counts"]) <= {"changed", "in_sync"} and
                       names == {name for name in statuses(seen[part]) if name.startswith(("bucket ", "queue ", "class ", "topic "))}
                       for part, names in self.named().items())

    def kill(self):
        self.node.stop(signal.SIGKILL)

    def lines(self, first=1):
        """The log's events of the environment, in order."""
        kinds = "member.started,bootstrap.intended,bootstrap.reported,bootstrap.added"
        return [json.loads(line) for line in self.caller.get(f"/v1/events?from={first}&type={kinds}").body.splitlines()]

    def ended(self, first):
        """The lines since then, once the last life told its first look of each component for what is wanted now, and no intent is open."""
        generation, lines = components(self.caller)["storage"]["generation"], self.lines(first)
        begun = max((at for at, line in enumerate(lines) if line["type"] == "member.started"), default=0)
        looked = {line["data"]["component"] for line in lines[begun:] if line["type"] == "bootstrap.reported" and
                  line["data"]["action"] != "recover" and line["data"]["generation"] == generation}
        return lines if looked == set(self.named()) and set(keys("intended", lines)) <= set(keys("reported", lines)) else None

    def check(self, test, first, what):
        """All is as desired, each intent has one outcome, and what was added inside of what others use is on record, once."""
        until(self.made, f"{what}: all of it is made", limit_s=SLOW_S)
        applied = self.caller.post("/v1/environment/apply").json["components"]
        test.assertEqual([(one["component"], set(one["counts"])) for one in applied], [(part, {"in_sync"}) for part in self.named()], (what, applied))

        lines = until(lambda: self.ended(first), f"{what}: each intent has an outcome", limit_s=SLOW_S)
        open_keys = set()
        for line in lines:
            if line["type"] == "bootstrap.intended":
                open_keys.add(line["data"]["idempotency_key"])
            elif line["type"] == "bootstrap.reported" and line["data"]["action"] != "check":
                test.assertIn(line["data"]["idempotency_key"].split("/")[0], open_keys, (what, "no intent before it", line))
        for kind in ("intended", "reported"):
            test.assertEqual(twice(keys(kind, lines)), [], (what, f"{kind} twice"))
        test.assertEqual(Counter(added(lines)), Counter(self.addable()), what)

    def addable(self):
        """What of the wanted is added inside of what others use; a binding between ends that were there before may be anybody's."""
        for bucket in self.wanted["storage"]:
            yield from (("rule", bucket["name"], rule["id"]) for rule in bucket.get("lifecycle", ()))
            yield from (("tag", bucket["name"], key) for key in bucket.get("tags", ()))
        for binding in self.wanted["broker"]["bindings"]:
            if binding["queue"] != "told":
                yield "binding", binding["exchange"], f"{binding['queue']} ({binding['key']})"


def added(lines):
    return [(thing["kind"], thing["of"], thing["name"]) for line in lines if line["type"] == "bootstrap.added" for thing in line["data"]["things"]]


def keys(kind, lines):
    return [line["data"]["idempotency_key"] for line in lines if line["type"] == f"bootstrap.{kind}"]


def twice(keys):
    return [key for key, count in Counter(keys).items() if count > 1]


def everything(profiles):
    """One profile of all that these name."""
    union = {"storage": [], "broker": {"exchanges": [], "queues": [], "bindings": []}, "index": {"classes": []}, "topics": []}

    def add(to, some):
        to += [one for one in some if one not in to]
    for profile in profiles:
        add(union["storage"], profile["storage"])
        add(union["topics"], profile.get("topics", ()))
        add(union["index"]["classes"], profile["index"]["classes"])
        for kind, entries in union["broker"].items():
            add(entries, profile["broker"][kind])
    return union


class KilledApplyTest(unittest.TestCase):
    def nothing_is_gone(self, killed, profiles, parts):
        """What all rounds wanted is there: these components have nothing to write."""
        for first in range(0, len(profiles), MOST_ROUNDS):
            killed.want(everything(profiles[first:first + MOST_ROUNDS]))
            until(killed.made, f"the things of rounds from {first} on are looked at", limit_s=SLOW_S)
            generation = components(killed.caller)["index"]["generation"]
            wrote = {line["data"]["component"] for line in killed.lines() if line["type"] == "bootstrap.intended" and
                     line["data"]["generation"] == generation}
            self.assertEqual(wrote & set(parts), set())

    def test_on_servers(self):
        """[S2-45] Before and after each write that an apply makes, and at each line that it leaves in the log; all is made, and other hands' things stay."""
        print(f"MUSTER_TEST_SEED={SEED}")
        keep = contextlib.ExitStack()
        self.addCleanup(keep.close)
        self.ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}
        kafka = keep.enter_context(fake_kafka())
        take = {"storage": http_request, "broker": amqp_frame, "index": http_request, "topics": kafka_request}
        self.proxies = {part: keep.enter_context(Proxy(port, take[part])) for part, port in {**self.ports, "topics": kafka.port}.items()}
        kafka.told_port = self.proxies["topics"].port
        self.hand = ForeignHand(self.ports, kafka.topics)
        killed = KilledNode(keep, {**environment_at(*(self.proxies[part].port for part in PARTS)), "KAFKA_BROKERS": f"127.0.0.1:{kafka.told_port}"})
        rng, wanted, self.own = random.Random(SEED), [], {}

        def profile(name):
            self.hand.make(name)
            made = share(json.loads(profile_of(name)), name, "added")
            made["topics"] = [{"name": name, "partitions": 2, "config": {"retention.ms": "1000"}}]
            self.own[name] = json.loads(json.dumps(made))
            for kind, one in TOLD.items():
                made["broker"][f"{kind}s"].append(one)
            wanted.append(made)
            return made

        killed.want(profile("first"))
        until(lambda: killed.made() and killed.ended(1), "the first profile is made, and that is told", limit_s=SLOW_S)
        begun = killed.caller.get("/v1/cluster").seq + 1
        for proxy in self.proxies.values():
            proxy.take_counts()
        killed.want(profile("second"))
        until(killed.made, "the second profile is made", limit_s=SLOW_S)
        counts = {part: sum(written(proxy.take_counts()).values()) for part, proxy in self.proxies.items()}
        killed.check(self, begun, "the second profile")
        steps = [(part, nth, before) for part in counts for nth in range(1, counts[part] + 1) for before in (True, False)]
        steps += [(kind, nth, None) for kind in ("intended", "reported") for nth in range(1, len(counts) + 1)]
        self.assertGreaterEqual(len(steps), 30, counts)
        chosen = []
        while len(chosen) < ROUNDS:
            chosen += rng.sample(steps, len(steps))
        for turn, (where, nth, before) in enumerate(chosen[:ROUNDS]):
            what = f"round {turn}, {where} {nth} {'before' if before else 'after'}"
            with self.subTest(what):
                first = killed.caller.get("/v1/cluster").seq + 1
                name = f"r{turn}"
                if where in counts:
                    self.kill_at_write(killed, profile(name), where, nth, before, what)
                    again = rng.random() < 0.5
                else:
                    again = False
                    self.kill_at_line(killed, profile(name), first, where, nth)
                if again:  # In its second life, too, should that write so much.
                    trap = Kills(killed.node, rng.randint(1, 3), rng.random() < 0.5)
                    self.proxies[where].misbehave(trap)
                    killed.node.begin()
                    until(lambda: trap.struck.is_set() or killed.made(), f"{what}: killed again, or done", limit_s=SLOW_S)
                    self.proxies[where].behave()
                    if not trap.struck.is_set():
                        killed.kill()
                killed.node.__enter__()
                killed.check(self, first, what)
                self.is_there(name, what)
        for name in self.hand.made:
            self.is_there(name, name)
        self.assertEqual(index_by_hand(self.ports["index"], "GET", "/fake/faults"), [])
        self.check_messages(killed, begun)
        self.nothing_is_gone(killed, wanted, ("storage", "index", "topics"))  # Over AMQP nobody can see what is bound.

    def is_there(self, name, what):
        """All that its profile names, and all that other hands made beside it, as the servers say it. What `told` is bound to shows in check_messages."""
        self.assertEqual(self.hand.missing(self.own[name]), [], what)
        self.assertEqual(self.hand.gone(name), set(), what)

    def kill_at_write(self, killed, profile, part, nth, before, what):
        trap = Kills(killed.node, nth, before)
        self.proxies[part].misbehave(trap)
        killed.want(profile)
        until(trap.struck.is_set, f"{what}: it is killed", limit_s=SLOW_S)
        self.proxies[part].behave()

    def kill_at_line(self, killed, profile, first, kind, nth):
        with killed.caller.stream(f"/v1/events?follow=true&from={first}&type=bootstrap.{kind}") as lines:
            killed.want(profile)
            while nth > 0:
                nth -= bool(lines.readline().strip())
            killed.kill()

    def check_messages(self, killed, first):
        """Each line that tells what an apply came to was said under its number, and none under two, though some were said again."""
        cluster = killed.caller.get("/v1/cluster").json["identity"]["cluster"]
        reported = [line for line in killed.lines() if line["type"] == "bootstrap.reported"]
        self.assertEqual(twice(keys("reported", reported)), [])
        ids = {f"{cluster}/{line['seq']}": line["seq"] for line in reported}
        said = {}

        def all_said():
            with broker_by_hand(self.ports["broker"]) as channel:
                while (message := channel.basic_get("told", auto_ack=True))[0]:
                    said.setdefault(message[1].message_id, set()).add(message[2])
            return {one for one, seq in ids.items() if seq >= first} <= set(said)
        until(all_said, "each line is told", limit_s=SLOW_S)
        self.assertLessEqual(set(said), set(ids))
        self.assertEqual({one: bodies for one, bodies in said.items() if len(bodies) != 1}, {})

    def test_beside_a_bucket_that_always_fails(self):
        """[S2-45] Somebody else's is refused at every look: what was cut short beside it is looked into all the same, also when nothing is left to write."""
        print(f"MUSTER_TEST_SEED={SEED}")
        keep = contextlib.ExitStack()
        self.addCleanup(keep.close)
        proxy = keep.enter_context(Proxy(keep.enter_context(ceph()), http_request))
        theirs = Says(http_answer(403, b""), " /theirs$")
        proxy.misbehave(theirs)
        killed = KilledNode(keep, {name: value for name, value in environment_at(proxy.port, 0, 0).items() if name.startswith("MINIO")})
        steps = [(nth, before) for nth in range(1, WRITES + 1) for before in (True, False)]
        for turn, (nth, before) in enumerate(random.Random(SEED).sample(steps, len(steps))):
            what = f"round {turn}, {nth} {'before' if before else 'after'}"
            with self.subTest(what):
                first, name = killed.caller.get("/v1/cluster").seq + 1, f"r{turn}"
                profile = json.loads(profile_of(name))
                profile["storage"].insert(0, {"name": "theirs"})
                trap = KillsBeside(theirs, killed.node, nth, before)
                proxy.misbehave(trap)
                killed.want(profile)
                until(trap.struck.is_set, f"{what}: it is killed", limit_s=SLOW_S)
                proxy.misbehave(theirs)
                killed.node.__enter__()

                wanted = Counter(thing for thing in killed.addable() if thing[0] != "binding")

                def recovered():
                    lines = [line for line in killed.lines(first) if line["data"].get("component") == "storage"]
                    return [line["data"] for line in lines if line["data"].get("action") == "recover"] if Counter(added(lines)) == wanted else None
                recover = until(recovered, f"{what}: what was added is on record", limit_s=SLOW_S)
                written_before = nth - before
                self.assertEqual(len(recover), 1, recover)
                self.assertIn(f"{written_before} of {WRITES} resources are as intended", recover[0]["message"])
                self.assertEqual(recover[0]["status"], "ok" if written_before == WRITES else "skipped")

    def test_on_what_is_built_in(self):
        """[S2-45] When so many files are there, and some time after."""
        print(f"MUSTER_TEST_SEED={SEED}")
        keep = contextlib.ExitStack()
        self.addCleanup(keep.close)
        killed = KilledNode(keep)
        objects = killed.node.folder / "data" / "objects"
        rng, wanted = random.Random(SEED), []
        kept = {"storage": [{"name": "kept"}], "broker": {"exchanges": [], "queues": [], "bindings": []}, "index": {"classes": []}}
        killed.want(kept)
        until((objects / "kept").is_dir, "the bucket is there")
        theirs = {"lifecycle": [{"id": "theirs", "prefix": "raw/", "expire_days": 30, "size_above": 4711}], "tags": {"team": "theirs"}}
        (objects / ".meta").mkdir(exist_ok=True)
        (objects / ".meta" / "kept.json").write_text(json.dumps(theirs))
        for turn in range(ROUNDS):
            profile = json.loads(profile_of(f"r{turn}", 5, 10, 10))
            profile["storage"].insert(0, {"name": "kept", "lifecycle": [{"id": f"r{turn}", "prefix": "x/", "expire_days": 1}]})
            wanted.append(profile)
            files, later_s = rng.randint(1, 15), rng.choice((0, 0, rng.uniform(0, 0.03)))
            what = f"round {turn}, {files} files and {later_s * 1000:.1f} ms"
            with self.subTest(what):
                first = killed.caller.get("/v1/cluster").seq + 1
                before = self.count_files(objects)
                killed.want(profile)
                until(lambda: self.count_files(objects) >= min(before + files, before + 10), f"{what}: the files are there", look_again_s=0)
                at = time.monotonic() + later_s
                until(lambda: time.monotonic() >= at, "it is later", look_again_s=0)
                killed.kill()
                killed.node.__enter__()
                killed.check(self, first, what)
                seen = json.loads((objects / ".meta" / "kept.json").read_text())
                self.assertEqual((seen["lifecycle"][0], seen["tags"]), (theirs["lifecycle"][0], theirs["tags"]), what)
        actions = {line["data"]["action"] for line in killed.lines() if line["type"] == "bootstrap.reported"}
        self.assertIn("recover", actions)  # Some were in the middle of an apply.
        wanted = [{**profile, "storage": profile["storage"][1:]} for profile in wanted]
        self.nothing_is_gone(killed, wanted, PARTS)

    def count_files(self, folder):
        return sum(len(names) + len(files) for _, names, files in os.walk(folder))


if __name__ == "__main__":
    unittest.main()

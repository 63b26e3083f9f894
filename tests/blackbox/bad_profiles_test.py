"""Profiles as people write them: with faults, too large, as large as may be, cut off in the middle of an edit, and edited while applies run."""
import json
import unittest
from concurrent.futures import ThreadPoolExecutor

from environment_test import PROFILE, components, converged, environment_node, published, put_profile, statuses
from waiting import until

PARTS = ("storage", "broker", "index")
MOST = 10_000
EDITS = 20


def profile_with(entries):
    """So many entries of all kinds, of buckets, rules, exchanges, queues, bindings, classes and properties together."""
    buckets, queues, classes = 1000, 1999, 1000
    made = {
        "storage": [{"name": f"bucket-{n}", "versioned": True, "lifecycle": [{"id": "tmp", "prefix": "tmp/", "expire_days": 7}]}
                    for n in range(buckets)],
        "broker": {"exchanges": [{"name": "orders", "type": "topic"}], "queues": [{"name": f"queue-{n}"} for n in range(queues)],
                   "bindings": [{"exchange": "orders", "queue": f"queue-{n}", "key": f"new.{n}"} for n in range(queues)]},
        "index": {"classes": [{"name": f"Class{n}", "properties": [{"name": f"field{i}", "type": "text"} for i in range(3)]}
                              for n in range(classes)]}}
    rest = entries - (2 * buckets + 1 + 2 * queues + 4 * classes)
    made["broker"]["exchanges"] += [{"name": f"more-{n}", "type": "fanout"} for n in range(rest)]
    return made


class BadProfilesTest(unittest.TestCase):
    def test_a_faulty_edit_changes_nothing_and_is_told(self):
        """[S1-19] Each fault is in the log with its place; what was good before stays in use."""
        cut = json.dumps({"storage": [{"name": "other"}, {"name": "more"}]})
        edits = {
            "twice": ("storage: [{name: media}, {name: media}]\n", "/storage/1/name line 1: \"media\" is also the name of /storage/0"),
            "rule ids": ("storage: [{name: media, lifecycle: [{id: a, expire_days: 1}, {id: a, expire_days: 2}]}]\n",
                         "\"a\" is also the id of /storage/0/lifecycle/0"),
            "section": ("storages: [{name: media}]\n", "/storages"),
            "member": ("broker: {exchanges: [{name: x, type: topic, durable: true}]}\n", "/broker/exchanges/0/durable"),
            "kind": ("broker: {exchanges: [{name: x, type: headers}]}\n", "must be topic, fanout or direct"),
            "type": ("index: {classes: [{name: A, properties: [{name: a, type: money}]}]}\n", "/index/classes/0/properties/0/type"),
            "too many": (json.dumps(profile_with(MOST + 1)), f"has more than {MOST} entries"),
            "too large": ("# " + "x" * (4 << 20), "4194304"),
            "JSON": (cut[:-8], "line 1: "), "YAML": (PROFILE[:PROFILE.index("topic")], "line 4: "),
        }
        with environment_node("--poll-every", "100ms") as (node, caller, profile):
            converged(caller, *PARTS)
            generation = published(caller)
            for name, (text, why) in edits.items():
                with self.subTest(name):
                    first = caller.get("/v1/cluster").seq + 1
                    put_profile(profile.name, text)
                    told = until(lambda: self.refusals(caller, first), "it is refused")
                    self.assertIn(why, told[0])
                    self.assertLess(len(told[0]), 10_000)
                    self.assertEqual(published(caller), generation)
                    applied = caller.post("/v1/environment/apply").json["components"]
                    self.assertEqual([(one["generation"], set(one["counts"])) for one in applied], [(generation, {"in_sync"})] * len(PARTS))
            put_profile(profile.name, cut)
            until(lambda: (node.folder / "data" / "objects" / "other").is_dir(), "the whole of it is made")

    def test_a_bucket_that_no_storage_can_have(self):
        """A profile may name it, as what a bucket may be called is the storage's to say: its row has failed, and the others are made."""
        names = ["first", "Not_A_Bucket", "192.168.0.1", "last"]
        with environment_node("--poll-every", "100ms") as (node, caller, profile):
            converged(caller, *PARTS)
            put_profile(profile.name, {"storage": [{"name": name, "tags": {"owner": "platform"}} for name in names]})
            objects = node.folder / "data" / "objects"
            until(lambda: (objects / "last").is_dir(), "the last one is made")
            def told():
                seen = components(caller)["storage"]
                return statuses(seen).get("tags last") == "in_sync" and seen
            seen = until(told, "all were looked at")
            self.assertEqual(seen["status"], "error")
            self.assertEqual({name: statuses(seen)[f"bucket {name}"] for name in names},
                             {"first": "in_sync", "Not_A_Bucket": "failed", "192.168.0.1": "failed", "last": "in_sync"})
            why = {row["name"]: row["detail"] for row in seen["resources"] if row["kind"] == "bucket" and row["status"] == "failed"}
            self.assertEqual(why, {"Not_A_Bucket": "the name of a bucket (Not_A_Bucket) may have only a-z, 0-9, '.' and '-'",
                                   "192.168.0.1": "the name of a bucket (192.168.0.1) must not be an IP address"})
            self.assertEqual({path.name for path in objects.iterdir() if path.is_dir() and not path.name.startswith(".")},
                             {"media", "first", "last"})

    def refusals(self, caller, first):
        return [json.loads(line)["data"]["reason"] for line in caller.get(f"/v1/events?from={first}&type=profile.rejected").body.splitlines()]

    def test_as_many_entries_as_may_be(self):
        """Ten thousand are made; the next look finds nothing to do."""
        with environment_node("--environment-interval", "1h", "--poll-every", "100ms") as (_, caller, profile):
            converged_names = {"storage": "bucket bucket-999", "broker": "queue queue-1998", "index": "class Class999"}
            put_profile(profile.name, profile_with(MOST))
            def made():
                seen = components(caller)
                return all(converged_names[part] in statuses(seen.get(part, {"resources": []})) for part in PARTS) and seen
            seen = until(made, "all of it is made")
            self.assertEqual([set(seen[part]["counts"]) <= {"changed", "in_sync"} for part in PARTS], [True] * len(PARTS))
            applied = caller.post("/v1/environment/apply").json["components"]
            self.assertEqual([one["counts"] for one in applied], [{"in_sync": 3000}, {"in_sync": 4000}, {"in_sync": 2000}])

    def test_many_edits_while_applies_run(self):
        """It ends as the last one; no component ever goes back to an older one, and each looks at one whole profile."""
        with environment_node("--environment-interval", "100ms", "--poll-every", "100ms") as (_, caller, profile):
            converged(caller, *PARTS)
            edits, order, asked = {}, [], []
            with ThreadPoolExecutor() as at_once:
                for turn in range(EDITS):
                    before = published(caller)
                    put_profile(profile.name, {
                        "storage": [{"name": f"bucket-{turn}-{n}"} for n in range(100)],
                        "broker": {"exchanges": [], "queues": [{"name": f"queue-{turn}-{n}"} for n in range(100)], "bindings": []},
                        "index": {"classes": [{"name": f"Class{turn}x{n}", "properties": [{"name": "a", "type": "text"}]} for n in range(100)]}})
                    until(lambda: published(caller) != before, "the next one is published")
                    asked += [at_once.submit(caller.post, "/v1/environment/apply") for _ in range(2)]
            self.assertLessEqual({answer.result().status for answer in asked}, {200, 429})
            def last():
                seen = components(caller)
                return seen["storage"]["resources"][0]["name"] == f"bucket-{EDITS - 1}-0" and len({one["generation"] for one in seen.values()}) == 1
            until(last, "the last edit is looked at")
            seen = converged(caller, *PARTS)
            self.assertEqual({one["generation"] for one in seen.values()}, {published(caller)})
            lines = [json.loads(line) for line in caller.get("/v1/events?from=1&type=profile.loaded,bootstrap.intended").body.splitlines()]
            for line in lines:
                if line["type"] == "profile.loaded":
                    order.append(line["data"]["generation"])
                    edits[order[-1]] = {one["name"] for one in line["data"]["document"]["storage"]}
            self.assertEqual(order[-1], published(caller))
            self.assertEqual(len(order), EDITS + 1)
            for part in PARTS:
                made = [order.index(line["data"]["generation"]) for line in lines
                        if line["type"] == "bootstrap.intended" and line["data"]["component"] == part]
                self.assertEqual(made, sorted(made), part)
            for line in lines:
                if line["type"] == "bootstrap.intended" and line["data"]["component"] == "storage":
                    named = {one.split()[1] for one in line["data"]["resources"]}
                    self.assertLessEqual(named, edits[line["data"]["generation"]])


if __name__ == "__main__":
    unittest.main()

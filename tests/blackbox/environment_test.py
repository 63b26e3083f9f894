"""The environment of a node: made from the profile, kept so, told; on what is built in, on Ceph's S3 gateway and on RabbitMQ."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from contextlib import contextmanager
from pathlib import Path

from backend_servers import S3_KEY, S3_SECRET, amqp_url, ceph, rabbit
from caller import Caller
from running_cluster import fixed_port
from running_node import BINARY, RunningNode
from waiting import until

PROFILE = """\
storage:
  - {name: media, versioned: true, lifecycle: [{id: tmp-7d, prefix: tmp/, expire_days: 7}], tags: {owner: platform}}
broker:
  exchanges: [{name: orders, type: topic}, {name: dead, type: fanout}]
  queues: [{name: work, ttl: 60, dlx: dead}]
  bindings: [{exchange: orders, queue: work, key: "new.*"}]
index:
  classes: [{name: Asset, properties: [{name: title, type: text}]}]
"""
SLOW_S = 120  # For servers that take long to start.


def profile_file():
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
    file.write(PROFILE)
    file.flush()
    return file


def put_profile(path, profile):
    """All of it at once, as an editor that renames does."""
    path = Path(path)
    fresh = path.with_suffix(".new")
    fresh.write_text(profile if isinstance(profile, str) else json.dumps(profile))
    fresh.replace(path)


def published(caller):
    """The generation of the profile that nodes are given."""
    return caller.get("/v1/bootstrap/profile").json["generation"]


@contextmanager
def environment_node(*flags, environment=None):
    """A node that looks several times a second, its caller, and its profile."""
    with profile_file() as profile, RunningNode("--dev", "--node-side", "--environment-interval", "300ms", "--profile", profile.name,
                                                *flags, environment=environment) as node:
        yield node, Caller(node.port, Authorization="Bearer dev-token"), profile


def components(caller, all_of_them=True):
    shown = caller.get("/v1/environment" + ("?all=true" if all_of_them else "")).json
    return {component["component"]: component for component in shown["components"]}


def statuses(component):
    return {f"{row['kind']} {row['name']}": row["status"] for row in component["resources"]}


def converged(caller, *names):
    """Until each of these components has looked, and has nothing to do any more."""
    def well():
        seen = components(caller)
        return all(name in seen and seen[name]["counts"] and set(seen[name]["counts"]) == {"in_sync"} for name in names) and seen
    return until(well, f"{', '.join(names)} in sync", limit_s=SLOW_S)


def converged_once(caller):
    """Until each has looked once."""
    return until(lambda: len(components(caller)) == 3 and components(caller), "all have looked")


class EmbeddedTest(unittest.TestCase):
    def test_a_single_node_has_all_of_it(self):
        """[S2-39] [S2-16] [S2-18] [S2-19] [S2-20] [S2-21] [S2-22] [S2-24] [S2-25] [S2-26] [S2-78] Buckets, queues and classes are made at once, in order, and told."""
        with environment_node() as (node, caller, _):
            seen = converged(caller, "storage", "broker", "index")
            self.assertEqual([seen[name]["backend"] for name in ("storage", "broker", "index")], ["folder", "in-process", "embedded"])
            self.assertEqual(list(statuses(seen["storage"])), ["bucket media", "versioning media", "lifecycle media", "tags media"])
            self.assertEqual(list(statuses(seen["broker"])),
                             ["exchange orders", "exchange dead", "queue work", "binding orders -> work (new.*)"])
            self.assertEqual(list(statuses(seen["index"])), ["class Asset", "properties Asset"])
            self.assertTrue((node.folder / "data" / "objects" / "media").is_dir())
            def own():
                return caller.get("/internal/bootstrap/status").json
            until(lambda: {name: row["status"] for name, row in own()["components"].items()} ==
                  {"storage": "ok", "broker": "ok", "index": "ok"}, "all are told")
            own = own()
            self.assertEqual({row["generation"] for row in own["components"].values()},
                             {caller.get("/v1/bootstrap/profile").json["generation"]})

    def test_what_changes_is_told_once(self):
        """[S2-31] [S2-76] One report of each component; looks that find nothing to do tell nothing."""
        with environment_node() as (_, caller, _):
            converged(caller, "storage", "broker", "index")
            def reported():
                return [json.loads(line)["data"] for line in caller.get("/v1/events?from=1&type=bootstrap.reported").body.splitlines()]
            until(lambda: len(reported()) >= 3, "all are told")
            looked = {name: row["at"] for name, row in components(caller).items()}
            until(lambda: all(row["at"] > looked[name] for name, row in components(caller).items()), "all looked again")
            self.assertEqual(sorted(report["component"] for report in reported()), ["broker", "index", "storage"])
            for report in reported():
                self.assertEqual((report["action"], report["status"]), ("apply", "ok"))
                self.assertRegex(report["idempotency_key"], "^[0-9a-f]{64}@")

    def test_what_is_taken_away_comes_back(self):
        """[S2-30] Drift made by hand is seen at the next look, mended and told."""
        with environment_node() as (node, caller, _):
            converged(caller, "storage")
            shutil.rmtree(node.folder / "data" / "objects" / "media")
            until(lambda: (node.folder / "data" / "objects" / "media").is_dir(), "the bucket is back")
            converged(caller, "storage")

    def test_what_is_observed_is_told_and_left_alone(self):
        """[S2-44] mode observe: the difference shows, nothing is made."""
        with environment_node("--environment-observe", "storage,index") as (node, caller, _):
            converged(caller, "broker")
            seen = components(caller)
            self.assertEqual(statuses(seen["storage"])["bucket media"], "drifted")
            self.assertEqual(statuses(seen["index"])["class Asset"], "drifted")
            self.assertFalse((node.folder / "data" / "objects" / "media").exists())
            drift = caller.get("/v1/drift").json["drift"]
            self.assertIn(("storage", "media"), [(row["component"], row["name"]) for row in drift])

    def test_another_profile_is_made_at_once(self):
        """[S2-42] An edit adds what it names; what it names no more stays."""
        with environment_node("--poll-every", "200ms") as (node, caller, profile):
            converged(caller, "storage", "broker", "index")
            Path(profile.name).write_text("storage: [{name: second}]\n")
            until(lambda: (node.folder / "data" / "objects" / "second").is_dir(), "the new bucket is there")
            self.assertTrue((node.folder / "data" / "objects" / "media").is_dir())

    def test_a_diff_changes_nothing(self):
        """[S2-44] :env diff shows what :env apply would do, by the same code."""
        with environment_node("--environment-interval", "1h") as (node, caller, _):
            converged_once(caller)
            bucket = node.folder / "data" / "objects" / "media"
            shutil.rmtree(bucket)
            shown = self.verb(node, ":env", "diff", "--json")
            diff = {row["component"]: row for row in json.loads(shown.stdout)["components"]}
            self.assertTrue(all(row["dry_run"] for row in diff.values()))
            self.assertEqual(statuses(diff["storage"])["bucket media"], "changed")
            self.assertEqual(diff["broker"]["counts"], {"in_sync": 4})
            self.assertFalse(bucket.exists())
            text = self.verb(node, ":env", "diff", "--component", "storage").stdout
            self.assertIn("bucket media", text)
            self.assertFalse(bucket.exists())
            applied = json.loads(self.verb(node, ":env", "apply", "--json").stdout)
            self.assertEqual(statuses(applied["components"][0]), statuses(diff["storage"]))
            self.assertTrue(bucket.is_dir())
            refused = self.verb(node, ":env", "apply", "--component", "dns")
            self.assertEqual(refused.returncode, 2, refused)
            self.assertIn("storage, broker, index or topics", refused.stderr)

    def test_a_paused_component_is_left_alone_until_it_is_resumed(self):
        """A pause is an event with a reason and its actor; a diff still shows what would be done."""
        with environment_node() as (node, caller, _):
            converged(caller, "storage", "broker", "index")
            bucket = node.folder / "data" / "objects" / "media"
            said = self.verb(node, ":env", "pause", "--component", "storage", "--reason", "moving disks")
            self.assertEqual(said.stdout, "paused, on every node: storage\n", said)
            until(lambda: components(caller)["storage"]["counts"] == {"paused": 4}, "the node knows")
            shutil.rmtree(bucket)
            looked = components(caller)["index"]["at"]
            until(lambda: components(caller)["index"]["at"] > looked, "another look")
            self.assertFalse(bucket.exists())
            self.assertIn("paused by dev: moving disks", self.verb(node, ":env").stdout)
            diff = json.loads(self.verb(node, ":env", "diff", "--json").stdout)["components"][0]
            self.assertEqual(statuses(diff)["bucket media"], "changed")
            self.assertEqual(json.loads(self.verb(node, ":env", "apply", "--json").stdout)["components"][0]["counts"], {"paused": 4})
            self.assertFalse(bucket.exists())
            self.assertEqual(self.verb(node, ":env", "resume").stdout, "nothing is paused\n")
            until(bucket.is_dir, "the bucket is back")
            events = [json.loads(line) for line in caller.get("/v1/events?from=1&stream=bootstrap").body.splitlines()]
            self.assertEqual([(event["type"], event["actor"], event["data"]) for event in events],
                             [("bootstrap.paused", "dev", {"component": "storage", "reason": "moving disks"}),
                              ("bootstrap.resumed", "dev", {"component": "storage"})])

    def test_a_plan_that_cannot_be_had_holds_nothing_up(self):
        """The node's template is broken: the profile is made all the same, and a pause is heard."""
        with tempfile.TemporaryDirectory() as plans:
            Path(plans, "server.yaml").write_text("apps: [")
            with environment_node("--plans-dir", plans, "--poll-every", "200ms", environment={"ROLE_HINT": "server"}) as (node, caller, _):
                converged(caller, "storage", "broker", "index")
                self.assertEqual(caller.post("/v1/nodes/plan", {"node_id": "n", "role_hint": "server"}).status, 500)
                self.verb(node, ":env", "pause", "--component", "storage")
                until(lambda: components(caller)["storage"]["counts"] == {"paused": 4}, "the node knows")

    def test_a_prune_takes_away_what_was_added_and_is_named_no_more(self):
        """[S2-23] [S2-27b] [S2-44] Only with the hash of what was shown, only what muster added, and the log says who."""
        with environment_node("--poll-every", "200ms") as (node, caller, profile):
            converged(caller, "storage", "broker")
            meta = node.folder / "data" / "objects" / ".meta" / "media.json"
            by_hand = json.loads(meta.read_text())
            by_hand["tags"]["mine"] = "stays"
            meta.write_text(json.dumps(by_hand))
            less = PROFILE.replace(", lifecycle: [{id: tmp-7d, prefix: tmp/, expire_days: 7}], tags: {owner: platform}", "")
            Path(profile.name).write_text(less.replace('  bindings: [{exchange: orders, queue: work, key: "new.*"}]\n', ""))
            generation = lambda: components(caller)["storage"]["generation"]
            before = generation()
            until(lambda: generation() != before, "the node has the shorter profile")
            said = self.verb(node, ":env", "prune", "--json")
            self.assertEqual(said.returncode, 0, said)
            shown = json.loads(said.stdout)
            rows = [(row["kind"], row["name"], row["status"]) for part in shown["components"] for row in part["resources"]]
            self.assertEqual(rows, [("rule", "media/tmp-7d", "changed"), ("tag", "media/owner", "changed"),
                                    ("binding", "orders -> work (new.*)", "changed")])
            for words in (["--yes"], ["--diff", shown["diff"]]):
                self.assertEqual(self.verb(node, ":env", "prune", *words).returncode, 2)
            stale = self.verb(node, ":env", "prune", "--yes", "--diff", "0" * 64)
            self.assertIn("environment.changed", stale.stderr)
            self.assertEqual(json.loads(meta.read_text())["tags"], {"mine": "stays", "owner": "platform"})
            done = self.verb(node, ":env", "prune", "--yes", "--diff", shown["diff"])
            self.assertTrue(done.stdout.endswith("3 removed\n"), done)
            self.assertEqual(json.loads(meta.read_text())["tags"], {"mine": "stays"})
            events = [json.loads(line) for line in caller.get("/v1/events?from=1&type=bootstrap.removed").body.splitlines()]
            self.assertEqual({event["actor"] for event in events}, {"dev"})
            self.assertEqual(sorted(thing["kind"] for event in events for thing in event["data"]["things"]), ["binding", "rule", "tag"])
            self.assertIn("nothing that muster added is left over", self.verb(node, ":env", "prune").stdout)
            self.assertEqual(until(lambda: converged(caller, "storage"), "well")["storage"]["counts"], {"in_sync": 2})

    def test_what_was_gone_before_a_prune_is_recorded_by_it(self):
        """[S2-44] And is no part of what it shows, or takes away."""
        with environment_node("--poll-every", "200ms") as (node, caller, profile):
            converged(caller, "storage")
            meta = node.folder / "data" / "objects" / ".meta" / "media.json"
            Path(profile.name).write_text(PROFILE.replace(", tags: {owner: platform}", "").replace("{id: tmp-7d, prefix: tmp/, expire_days: 7}", ""))
            until(lambda: statuses(components(caller)["storage"]).keys() == {"bucket media", "versioning media"}, "the node has the shorter profile")
            meta.write_text(json.dumps({**json.loads(meta.read_text()), "tags": {}}))
            shown = caller.post("/v1/environment/prune", {"dry_run": True}).json
            self.assertEqual(statuses(shown["components"][0]), {"rule media/tmp-7d": "changed", "tag media/owner": "in_sync"})
            done = caller.post("/v1/environment/prune", {"diff": shown["diff"]}).json
            self.assertEqual(statuses(done["components"][0]), {"rule media/tmp-7d": "changed"})
            removed = [json.loads(line)["data"] for line in caller.get("/v1/events?from=1&type=bootstrap.removed").body.splitlines()]
            self.assertEqual(sorted(thing["name"] for one in removed for thing in one["things"]), ["owner", "tmp-7d"])
            left = caller.post("/v1/environment/prune", {"dry_run": True}).json["components"]
            self.assertEqual([part["resources"] for part in left], [[]] * len(left))

    def test_the_profile_says_which_component_is_only_observed(self):
        """mode observe of one component; the others are made."""
        with environment_node("--poll-every", "200ms") as (node, caller, profile):
            converged(caller, "storage", "broker")
            Path(profile.name).write_text(PROFILE.replace("  - {name: media", "  - {name: second}\n  - {name: media") + "modes: {storage: observe}\n")
            until(lambda: statuses(components(caller)["storage"]).get("bucket second") == "drifted", "it is told")
            self.assertFalse((node.folder / "data" / "objects" / "second").exists())
            self.assertEqual(components(caller)["broker"]["counts"], {"in_sync": 4})

    def test_an_intent_stands_before_what_it_came_to(self):
        """[S2-45] Each apply that writes is in the log before and after, under one key; looks that write nothing are not."""
        with environment_node() as (_, caller, _):
            converged(caller, "storage", "broker", "index")
            def told(kind):
                return [json.loads(line)["data"] for line in caller.get(f"/v1/events?from=1&type=bootstrap.{kind}").body.splitlines()]
            until(lambda: len(told("reported")) >= 3, "all are told")
            self.assertEqual([(one["component"], one["idempotency_key"]) for one in told("intended")],
                             [(one["component"], one["idempotency_key"]) for one in told("reported")])
            self.assertEqual(told("intended")[0]["resources"], ["bucket media", "versioning media", "lifecycle media", "tags media"])
            self.assertEqual([thing["kind"] for one in told("added") for thing in one["things"]], ["rule", "tag", "binding"])

    def test_what_is_left_behind_for_a_server_is_listed(self):
        """[S2-36] [S2-37] [S2-38] [S2-40] The embedded ones held something before servers were configured: it is shown, and stays where it is."""
        with environment_node() as (node, caller, _):
            converged(caller, "storage", "broker", "index")
            self.assertNotIn("left_behind", components(caller)["storage"])
            self.assertEqual(node.stop(), 0)
            away = fixed_port()
            node.be_given({"MINIO_ENDPOINT": f"http://127.0.0.1:{away}", "AMQP_URL": f"amqp://127.0.0.1:{away}",
                           "WEAVIATE_URL": f"http://127.0.0.1:{away}"})
            node.__enter__()
            seen = converged_once(caller)
            self.assertEqual([seen[name]["backend"] for name in ("storage", "broker", "index")], ["s3", "rabbitmq", "weaviate"])
            self.assertEqual({name: part["left_behind"] for name, part in seen.items()},
                             {"storage": {"backend": "folder", "resources": ["bucket media"], "total": 1},
                              "broker": {"backend": "in-process", "resources": ["queue work (0 messages)"], "total": 1},
                              "index": {"backend": "embedded", "resources": ["class Asset"], "total": 1}})
            self.assertIn("left in folder, and not moved by itself: bucket media; 1 in all", self.verb(node, ":env").stdout)
            self.assertTrue((node.folder / "data" / "objects" / "media").is_dir())

    def test_a_bucket_that_cannot_be_kept_fails_until_it_can(self):
        """[S2-31] [S2-76] At each look, and told once; all others are kept, and what is added at last is on record once."""
        with environment_node("--poll-every", "200ms") as (node, caller, profile):
            converged(caller, "storage", "broker", "index")
            in_the_way = node.folder / "data" / "objects" / ".meta" / "second.json.tmp"
            in_the_way.mkdir()
            Path(profile.name).write_text("storage: [{name: second, tags: {a: b}}, {name: third, tags: {a: b}}]\n")
            def seen():
                return components(caller)["storage"]
            def fails():
                found = statuses(seen())
                return found.pop("tags second", None) == "failed" and len(found) == 5 and set(found.values()) == {"in_sync"}
            until(fails, "one fails, the rest is in sync")
            looked = seen()["at"]
            until(lambda: seen()["at"] > looked, "it looks again")
            self.assertTrue(fails())
            in_the_way.rmdir()
            converged(caller, "storage")
            def events(kind):
                return [json.loads(line)["data"] for line in caller.get(f"/v1/events?from=1&type=bootstrap.{kind}").body.splitlines()]
            def added():
                return [(thing["of"], thing["name"]) for line in events("added") for thing in line["things"] if thing["of"] in ("second", "third")]
            until(lambda: ("second", "a") in added(), "what was added is told")
            self.assertEqual(sorted(added()), [("second", "a"), ("third", "a")])
            self.assertEqual([told["status"] for told in events("reported") if told["component"] == "storage"].count("error"), 1)

    def test_topics_need_a_kafka(self):
        """Without one each is told as failed, and what is missing; with one that is away, as unreachable; all else is made."""
        text = PROFILE + "topics: [{name: orders, partitions: 3}]\n"
        for environment, status, said in ((None, "failed", "KAFKA_BROKERS"),
                                          ({"KAFKA_BROKERS": f"127.0.0.1:{fixed_port()}"}, "unreachable", "")):
            with environment_node(environment=environment) as (_, caller, profile):
                converged(caller, "storage", "broker", "index")
                self.assertNotIn("topics", components(caller))
                Path(profile.name).write_text(text)
                row = until(lambda: next((row for row in components(caller).get("topics", {"resources": []})["resources"]), None), "topics are looked at",
                            limit_s=SLOW_S)
                self.assertEqual((row["kind"], row["name"], row["status"]), ("topic", "orders", status))
                self.assertIn(said, row["detail"])
                converged(caller, "storage", "broker", "index")

    def verb(self, node, *words):
        return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "MUSTER_REMOTE": node.url, "MUSTER_TOKEN": "dev-token"})


class ServersTest(unittest.TestCase):
    def test_an_s3_server_that_comes_later_is_taken_into_use(self):
        """[S2-33] [S2-36] [S2-40] Away at the start: the node serves, says so, and goes on asking; nothing is restarted."""
        port = fixed_port()
        with environment_node(environment={"MINIO_ENDPOINT": f"http://127.0.0.1:{port}", "MINIO_ACCESS_KEY": S3_KEY,
                                           "MINIO_SECRET_KEY": S3_SECRET}) as (_, caller, _):
            def told():
                return caller.get("/internal/bootstrap/status").json["components"]["storage"]["status"]
            until(lambda: components(caller).get("storage", {}).get("counts") == {"unreachable": 1}, "it is away")
            converged(caller, "broker", "index")
            until(lambda: told() == "error", "it is told")
            with ceph(port):
                seen = converged(caller, "storage")
                self.assertEqual(seen["storage"]["backend"], "s3")
                until(lambda: told() == "ok", "it is told")
            until(lambda: components(caller)["storage"]["counts"].get("unreachable"), "it is gone again")

    def test_a_broker_keeps_what_it_has_in_another_form(self):
        """[S2-34] [S2-37] A queue with other arguments is shown with both sides and left alone; the rest is made."""
        with rabbit() as port, environment_node(environment={"AMQP_URL": amqp_url(port)}) as (_, caller, profile):
            seen = converged(caller, "broker")
            self.assertEqual(seen["broker"]["backend"], "rabbitmq")
            Path(profile.name).write_text(PROFILE.replace("ttl: 60", "ttl: 61"))
            until(lambda: statuses(components(caller)["broker"]).get("queue work") == "incompatible", "the other queue is seen",
                  limit_s=SLOW_S)
            row = next(row for row in components(caller)["broker"]["resources"] if row["kind"] == "queue")
            self.assertEqual(row["desired"]["ttl"], 61)
            until(lambda: caller.get("/internal/bootstrap/status").json["components"]["broker"]["status"] == "needs_migration", "it is told")

    def test_a_diff_shows_what_an_apply_would_write_without_knowing(self):
        """[S2-44] A binding cannot be seen over AMQP: after a restart a diff says so, and an apply binds it again."""
        with rabbit() as port, environment_node(environment={"AMQP_URL": amqp_url(port)}) as (node, caller, _):
            converged(caller, "broker")
            self.assertEqual(caller.post("/v1/bootstrap/pause", {"components": ["broker"]}).status, 200)
            def paused():
                return components(caller).get("broker", {}).get("counts") == {"paused": 4}
            until(paused, "it is paused")
            self.assertEqual(node.stop(), 0)
            node.__enter__()
            until(paused, "it is paused still")
            diff = until(lambda: self.diff(caller), "the broker answers")
            self.assertEqual([(row["kind"], row["status"], row["detail"]) for row in diff["resources"]],
                             [("binding", "in_sync", "whether it is bound cannot be seen over AMQP")])
            self.assertEqual(caller.post("/v1/bootstrap/resume", {}).status, 200)
            converged(caller, "broker")
            self.assertEqual(self.diff(caller)["resources"], [])

    def diff(self, caller):
        """Of the broker, once it is reached."""
        diff = caller.post("/v1/environment/apply", {"dry_run": True, "component": "broker"}).json["components"][0]
        return diff if "unreachable" not in diff["counts"] else None


if __name__ == "__main__":
    unittest.main()

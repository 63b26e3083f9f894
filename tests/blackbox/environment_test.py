"""The environment of a node: made from the profile, kept so, told; on what is built in, on Ceph's S3 gateway and on RabbitMQ."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from contextlib import contextmanager
from pathlib import Path

from caller import Caller
from running_cluster import fixed_port
from running_node import BINARY, ROOT, RunningNode, free_port
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


class EmbeddedTest(unittest.TestCase):
    def test_a_single_node_has_all_of_it(self):
        """[S2-39] [S2-16] [S2-18] [S2-19] [S2-20] [S2-21] [S2-22] [S2-24] [S2-25] [S2-26] Buckets, queues and classes are made at once, in order, and told."""
        with environment_node() as (node, caller, _):
            seen = converged(caller, "storage", "broker", "index")
            self.assertEqual([seen[name]["backend"] for name in ("storage", "broker", "index")], ["folder", "in-process", "embedded"])
            self.assertEqual(set(statuses(seen["storage"])), {"bucket media", "versioning media", "lifecycle media", "tags media"})
            self.assertEqual(set(statuses(seen["broker"])),
                             {"exchange orders", "exchange dead", "queue work", "binding orders -> work (new.*)"})
            self.assertEqual(set(statuses(seen["index"])), {"class Asset", "properties Asset"})
            self.assertTrue((node.folder / "data" / "objects" / "media").is_dir())
            own = caller.get("/internal/bootstrap/status").json
            self.assertEqual({name: row["status"] for name, row in own["components"].items()},
                             {"storage": "ok", "broker": "ok", "index": "ok"})
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
        with environment_node("--environment-observe", "storage,broker,index") as (node, caller, _):
            until(lambda: len(components(caller)) == 3, "it has looked")
            shown = self.verb(node, ":env", "diff", "--json")
            diff = {row["component"]: row for row in json.loads(shown.stdout)["components"]}
            self.assertTrue(all(row["dry_run"] for row in diff.values()))
            self.assertEqual(statuses(diff["storage"])["bucket media"], "changed")
            self.assertFalse((node.folder / "data" / "objects").exists())
            text = self.verb(node, ":env", "diff", "--component", "broker").stdout
            self.assertIn("queue work", text)
            self.assertNotIn("media", text)
            refused = self.verb(node, ":env", "apply", "--component", "topics")
            self.assertEqual(refused.returncode, 2, refused)
            self.assertIn("storage, broker or index", refused.stderr)

    def verb(self, node, *words):
        return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "MUSTER_REMOTE": node.url, "MUSTER_TOKEN": "dev-token"})


class ServersTest(unittest.TestCase):
    def test_an_s3_server_that_comes_later_is_taken_into_use(self):
        """[S2-33] [S2-36] [S2-40] Away at the start: the node serves, says so, and goes on asking; nothing is restarted."""
        ports = fixed_port()
        with environment_node(environment={"MINIO_ENDPOINT": f"http://127.0.0.1:{ports}", "MINIO_ACCESS_KEY": "testak",
                                           "MINIO_SECRET_KEY": "testsk"}) as (_, caller, _):
            until(lambda: components(caller).get("storage", {}).get("counts") == {"unreachable": 1}, "it is away")
            converged(caller, "broker", "index")
            self.assertEqual(caller.get("/internal/bootstrap/status").json["components"]["storage"]["status"], "error")
            with tempfile.TemporaryDirectory() as folder:
                ceph = subprocess.Popen([ROOT / "tests" / "backends" / "ceph", folder, str(ports)], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    seen = converged(caller, "storage")
                    self.assertEqual(seen["storage"]["backend"], "s3")
                    until(lambda: caller.get("/internal/bootstrap/status").json["components"]["storage"]["status"] == "ok", "it is told")
                finally:
                    ceph.stdin.close()
                    ceph.wait(timeout=SLOW_S)
                until(lambda: components(caller)["storage"]["counts"].get("unreachable"), "it is gone again")

    def test_a_broker_keeps_what_it_has_in_another_form(self):
        """[S2-34] [S2-37] A queue with other arguments is shown with both sides and left alone; the rest is made."""
        with tempfile.TemporaryDirectory() as folder:
            amqp, amqps, dist, epmd = (free_port() for _ in range(4))
            rabbit = subprocess.Popen([ROOT / "tests" / "backends" / "rabbit.sh", folder, *map(str, (amqp, amqps, dist, epmd))],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                url = f"amqp://guest:guest@127.0.0.1:{amqp}/"
                with environment_node(environment={"AMQP_URL": url}) as (_, caller, profile):
                    seen = converged(caller, "broker")
                    self.assertEqual(seen["broker"]["backend"], "rabbitmq")
                    Path(profile.name).write_text(PROFILE.replace("ttl: 60", "ttl: 61"))
                    until(lambda: statuses(components(caller)["broker"]).get("queue work") == "incompatible", "the other queue is seen",
                          limit_s=SLOW_S)
                    row = next(row for row in components(caller)["broker"]["resources"] if row["kind"] == "queue")
                    self.assertEqual(row["desired"]["ttl"], 61)
                    until(lambda: caller.get("/internal/bootstrap/status").json["components"]["broker"]["status"] == "needs_migration",
                          "it is told")
            finally:
                os.killpg(rabbit.pid, signal.SIGTERM)
                rabbit.wait(timeout=SLOW_S)


if __name__ == "__main__":
    unittest.main()

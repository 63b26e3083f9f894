"""Nodes of a cluster that share servers, and one whose servers are others: who takes away what."""
import contextlib
import json
import tempfile
import unittest
from pathlib import Path

import pika

from backend_proxy import Proxy, amqp_frame, http_request
from backend_servers import broker_by_hand, ceph, environment_at, rabbit, s3_by_hand
from environment_test import components, converged, put_profile
from running_cluster import RunningCluster

PROFILE = """\
storage:
  - name: media
    lifecycle: [{id: tmp-7d, prefix: tmp/, expire_days: 7}, {id: old-9d, prefix: old/, expire_days: 9}]
    tags: {owner: platform, stage: test}
broker:
  exchanges: [{name: orders, type: topic}]
  queues: [{name: work}]
  bindings: [{exchange: orders, queue: work, key: stays}, {exchange: orders, queue: work, key: goes}]
"""
LESS = PROFILE.replace("{id: tmp-7d, prefix: tmp/, expire_days: 7}, ", "").replace("owner: platform, ", "").replace(
    ", {exchange: orders, queue: work, key: goes}", "")


def prune(member, **body):
    """What it says of a prune, and the kind and name of each thing that is, or would be, gone."""
    answer = member.post("/v1/environment/prune", body)
    assert answer.status == 200, answer
    return answer.json, [(row["kind"], row["name"]) for part in answer.json["components"] for row in part["resources"] if row["status"] == "changed"]


def is_bound(port, key):
    with broker_by_hand(port) as channel:
        try:
            channel.basic_publish("orders", key, b"", mandatory=True)
        except pika.exceptions.UnroutableError:
            return False
        return True


class SharedServersTest(unittest.TestCase):
    def test_a_prune_at_any_node_that_uses_the_server_and_at_no_other(self):
        """[S2-23] [S2-27b] [S2-36] [S2-37] n1 adds, n2 uses the same servers, n3 has the same names on servers of another address."""
        with contextlib.ExitStack() as keep:
            s3, amqp = keep.enter_context(ceph()), keep.enter_context(rabbit())
            others = [keep.enter_context(Proxy(port, take)) for port, take in ((s3, http_request), (amqp, amqp_frame))]
            profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
            profile.write_text(PROFILE)
            cluster = keep.enter_context(RunningCluster(0, "--environment-interval", "300ms", "--poll-every", "200ms"))

            def start(*ports):
                member = cluster.add()
                member.profile = profile
                member.environment |= {name: value for name, value in environment_at(*ports, 0).items() if not name.startswith("WEAVIATE")}
                member.start().wait_ready()
                converged(member, "storage", "broker")
                return member

            def told(kind):
                return [line["data"] for line in map(json.loads, n1.get(f"/v1/events?from=1&type=bootstrap.{kind}").body.splitlines())]

            n1 = start(s3, amqp)
            cluster.until(lambda: {one["component"] for one in told("added")} == {"storage", "broker"}, "what was added is on record")
            n2, n3 = start(s3, amqp), start(*(proxy.port for proxy in others))
            self.assertEqual({one["node"] for one in told("added")}, {"n1"})
            before = components(n1)["storage"]["generation"]
            put_profile(profile, LESS)
            cluster.until(lambda: all(part["generation"] != before for member in (n1, n2, n3) for part in components(member).values()),
                          "all have the shorter profile")

            self.assertEqual(prune(n3, dry_run=True)[1], [])
            shown, things = prune(n1, dry_run=True)
            self.assertEqual(things, [("rule", "media/tmp-7d"), ("tag", "media/owner"), ("binding", "orders -> work (goes)")])
            self.assertEqual(prune(n2, dry_run=True)[0]["diff"], shown["diff"])
            self.assertEqual(n3.post("/v1/environment/prune", {"diff": shown["diff"]}).json["code"], "environment.changed")
            self.assertIn("tmp-7d", s3_by_hand(s3, "GET", "media", "lifecycle"))

            self.assertEqual(prune(n2, diff=shown["diff"])[1], things)
            rules, tags = (s3_by_hand(s3, "GET", "media", part) for part in ("lifecycle", "tagging"))
            self.assertEqual(("tmp-7d" in rules, "old-9d" in rules), (False, True))
            self.assertEqual(("owner" in tags, "stage" in tags), (False, True))
            self.assertEqual((is_bound(amqp, "goes"), is_bound(amqp, "stays")), (False, True))
            self.assertEqual({one["node"] for one in told("removed")}, {"n2"})
            cluster.until(lambda: all(prune(member, dry_run=True)[1] == [] for member in (n1, n2, n3)), "nothing is left over anywhere")
            marks = {one["component"]: one["endpoint"] for one in told("added")}
            self.assertEqual({one["component"]: one["endpoint"] for one in told("removed")}, marks)
            for mark in marks.values():
                self.assertRegex(mark, "^[0-9a-f]{16}$")


if __name__ == "__main__":
    unittest.main()

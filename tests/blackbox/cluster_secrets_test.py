"""Secrets in a cluster: whoever leads next has them, sealed under its own key, and no disk has them in clear."""
import struct
import unittest

from cluster_case import ClusterCase
from running_cluster import RunningCluster

CANARY = "canary-51be0f2c-in-clear"


class ClusterSecretsTest(ClusterCase):
    def seal(self, member, name, value=CANARY):
        answer = member.call("PUT", f"/v1/secrets/{name}", {"value": value, "ttl": "1h"})
        self.assertEqual(answer.status, 200, answer)
        return answer

    def same(self, member, name, value=CANARY):
        """Whether that member itself unseals this value; None while it does not have it."""
        answer = member.post(f"/v1/secrets/{name}:check", {"value": value})
        self.assertIn(answer.status, (200, 404, 503), answer)
        self.assertNotIn(CANARY.encode(), answer.body)
        if answer.status != 200:
            return None
        self.assertEqual(answer.json["member"], member.node_id)
        return answer.json["same"]

    def sealed(self, member):
        """The ids under which values are sealed on its disk, read from a backup: frames of kind 6."""
        rest, ids = member.get("/v1/backup").body.partition(b"\n")[2], set()
        while rest and not rest.startswith(b"sha256:"):
            kind, keys, values = struct.unpack_from("<BII", rest)
            if kind == 6:
                ids.add(rest[9:9 + keys].decode())
            rest = rest[9 + keys + values:]
        return ids

    def in_clear(self, cluster):
        return [path for path in cluster.room.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]

    def test_the_next_leader_has_what_the_last_one_took(self):
        """[S0-05] The leader is killed as soon as it has said that the secret is kept."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            follower = cluster.followers()[0]
            cluster.until(lambda: "without" not in self.seal(follower, "db-password").json, "all have it")
            leader.kill()
            heir = cluster.leader()
            for member in cluster.running():
                member.until(lambda: self.same(member, "db-password"), "has the secret")
                self.assertIs(self.same(member, "db-password", CANARY + "x"), False)
            self.seal(heir, "of-the-heir", CANARY + "2")
            leader.start().wait_ready()
            leader.until(lambda: self.same(leader, "of-the-heir", CANARY + "2"), "fetched what it missed")
            for member in cluster.members:
                member.post("/v1/checkpoints")
            self.same_logs(cluster)
            self.assertEqual(self.in_clear(cluster), [])
            self.assertEqual(len({self.key_file(member) for member in cluster.members}), 3)

    def key_file(self, member):
        return (member.data / "keys" / "seal.key").read_bytes()

    def test_who_was_away_is_named_and_fetches_it(self):
        """The reply says who lacks the value; a new member gets it, too."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            away = cluster.followers()[0]
            away.kill()
            leader = cluster.leader()
            cluster.until(lambda: not self.connected(leader, away), "it is seen to be away")
            self.assertIn(away.node_id, self.seal(leader, "missed").json["without"])
            away.start().wait_ready()
            away.until(lambda: self.same(away, "missed"), "fetched it")
            joiner = cluster.add().start().wait_ready()
            joiner.until(lambda: self.same(joiner, "missed"), "fetched it when it joined")

    def connected(self, member, other):
        row = next(row for row in member.cluster()["members"] if row["member"] == other.node_id)
        return row.get("now", {}).get("connected") or row["now"].get("heard_ms", 0) < 2_500

    def test_what_is_removed_is_gone_everywhere(self):
        """Replaced, deleted, or its time is over: every member erases it."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            self.seal(leader, "twice", CANARY + "1")
            self.seal(leader, "twice")
            short = leader.call("PUT", "/v1/secrets/short", {"value": CANARY, "ttl": "1s"})
            self.assertEqual(short.status, 200, short)
            cluster.until(lambda: leader.get("/v1/secrets/short").status == 404, "its time is over")
            for member in cluster.members:
                member.until(lambda: len(self.sealed(member)) == 1 and self.same(member, "twice"), "has the second value only")
            gone = leader.call("DELETE", "/v1/secrets/twice")
            self.assertEqual(gone.status, 204, gone)
            for member in cluster.members:
                member.until(lambda: self.sealed(member) == set(), "has erased all")


if __name__ == "__main__":
    unittest.main()

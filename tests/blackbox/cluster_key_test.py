"""The cluster key is changed while everything goes on; afterwards the old one opens nothing."""
import contextlib
import http.client
import shutil
import threading
import unittest

from caller import Caller
from cluster_case import ClusterCase
from membership_test import init
from running_cluster import API_KEY, RunningCluster

WRITERS = 3


class Load:
    """`with Load(cluster) as load:` writes all the time, each write until it is acknowledged; `acknowledged` are their names."""

    def __init__(self, cluster):
        self._ports = [member.port for member in cluster.members]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(i,)) for i in range(WRITERS)]
        self.acknowledged, self.failed = [], []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer):
        number = turn = 0
        while not self._stop.is_set():
            number += 1
            name = f"w{writer}-{number}"
            while True:
                turn += 1
                with contextlib.suppress(OSError, http.client.HTTPException):
                    caller = Caller(self._ports[turn % len(self._ports)], **{"X-API-Key": API_KEY})
                    answer = caller.post("/v1/nodes/register", {"node_id": name}, {"Idempotency-Key": name})
                    if answer.status == 200:
                        self.acknowledged.append(name)
                        break
                    if answer.status != 503:
                        self.failed.append(answer)
                        return
                if self._stop.is_set():
                    return


class ClusterKeyTest(ClusterCase):
    @contextlib.contextmanager
    def three(self, count=3):
        """Three members, or `count`, of a key of their own, which came by tokens."""
        with RunningCluster(0, "--discovery", "off", dev=False) as cluster:
            first = cluster.add()
            token = init(first)
            first.start().wait_ready()
            for _ in range(count - 1):
                member = cluster.add().start("--join", first.peer, "--join-token", token)
                member.wait_ready()
                token = self.token(first)
            cluster.wait_voters(min(count, 5)).wait_ready()
            yield cluster

    def token(self, member):
        answer = member.post("/v1/cluster/tokens", {})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["token"]

    def key_file(self, member):
        return (member.data / "keys" / "cluster").read_text()

    def rotate(self, member, force=False):
        answer = member.until(lambda: (said := member.post("/v1/cluster/key", {"force": force})).status != 503 and said, "answers")
        if answer.status == 409 and not force:  # It had begun, and nobody could say so in time.
            return self.key(member)
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def key(self, member):
        return member.cluster()["identity"].get("key", {})

    def until_changed(self, cluster, to):
        """Until every running member shows a certificate of the new authority and trusts no other."""
        def changed():
            seen = [member.cluster() for member in cluster.running()]
            rows = [row.get("now", {}) for one in seen for row in one["members"] if row["member"] in {m.node_id for m in cluster.running()}]
            return all(one["identity"].get("key", {}).get("phase") == "rotated" for one in seen) and \
                all(row.get("ca") == to and "trusts_also" not in row for row in rows)
        cluster.until(changed, "the key is changed everywhere")
        for member in cluster.running():
            self.assertEqual([path.name for path in (member.data / "keys").glob("cluster*")], ["cluster"])

    def test_the_key_changes_under_a_writing_load(self):
        """No write fails; an old token and the old key let nobody in, a new token does; each comes back after a restart."""
        with self.three() as cluster:
            old_key, old_token = self.key_file(cluster[0]), self.token(cluster[1])
            follower = cluster.followers()[0]
            with Load(cluster) as load:
                said = self.rotate(follower)
                self.until_changed(cluster, said["to"])
            self.assertEqual(load.failed, [])
            self.assertGreater(len(load.acknowledged), 0)
            events = follower.get("/v1/events?type=cluster_key.*").body.splitlines()
            self.assertEqual(len(events), 3, events)
            self.assertEqual({self.key_file(member) for member in cluster.members} - {old_key}, {self.key_file(follower)})
            self.assertIn("actor", self.key(follower))
            self.refused(cluster, old_token, old_key)
            for member in list(cluster.members):
                self.assertEqual(member.stop(), 0)
                member.start().wait_ready()
                cluster.whole()
            lines = self.same_logs(cluster)
            for name in load.acknowledged:
                self.assertEqual(sum(f'"type":"node.registered","stream":"node/{name}"'.encode() in line for line in lines), 1, name)
            joined = cluster.add().start("--join", follower.peer, "--join-token", self.token(follower))
            joined.wait_ready()
            self.assertEqual(self.key_file(joined), self.key_file(follower))

    def refused(self, cluster, token, key):
        newcomer, first = cluster.add(), cluster[0]
        newcomer.start("--join", first.peer, "--join-token", token).says("another one than the token names")
        newcomer.kill()
        shutil.rmtree(newcomer.data)
        newcomer.log.unlink()
        (file := cluster.room / "old.key").write_text(key)
        file.chmod(0o600)
        newcomer.start("--join", first.peer, "--cluster-key-file", str(file)).says("cannot join")
        newcomer.kill()
        shutil.rmtree(newcomer.data)
        self.assertNotIn(newcomer.node_id, first.named())
        cluster.members.remove(newcomer)

    def test_who_was_away_comes_back_by_its_own_key(self):
        """The change waits for it until somebody says that it should not; it is let in again, and one that was removed is not."""
        with self.three() as cluster:
            away = cluster.followers()[0]
            away.kill()
            leader = cluster.leader()
            said = self.rotate(leader)
            other = cluster.others(leader)[0]
            cluster.until(lambda: self.row(leader, other).get("trusts_also") == said["to"], "the other one trusts both")
            self.assertEqual(self.key(leader)["phase"], "staged")
            again = leader.post("/v1/cluster/key", {})
            self.assertEqual((again.status, again.json["code"]), (409, "conflict"))
            cluster.until(lambda: away.node_id in self.rotate(leader, force=True).get("without", ()), "it is not waited for")
            self.until_changed(cluster, said["to"])
            away.start().says("cluster key changed while this member was away")
            away.wait_ready()
            self.until_changed(cluster, said["to"])
            cluster.whole()
            self.assertEqual(self.key_file(away), self.key_file(leader))

    def test_a_spare_that_was_away_comes_back_by_its_own_key(self):
        """It holds no log and has no vote, and is let in again all the same."""
        with self.three(count=8) as cluster:
            leader = cluster.leader()
            spare = cluster.until(lambda: next((m for m in cluster.members if leader.roles().get(m.node_id) == "spare"), None), "one is a spare")
            spare.kill()
            said = self.rotate(leader)
            cluster.until(lambda: spare.node_id in self.rotate(leader, force=True).get("without", ()), "it is not waited for")
            self.until_changed(cluster, said["to"])
            spare.start().says("cluster key changed while this member was away")
            cluster.until(lambda: self.row(leader, spare).get("ca") == said["to"], "it shows the new key")
            self.assertEqual(self.key_file(spare), self.key_file(leader))
            self.assertEqual(leader.roles()[spare.node_id], "spare")

    def row(self, member, other):
        return next(row.get("now", {}) for row in member.cluster()["members"] if row["member"] == other.node_id)

    def test_whoever_leads_next_goes_on_with_it(self):
        """The leader is killed once the change has begun, and again later: it ends all the same."""
        with self.three() as cluster:
            said = self.rotate(cluster.leader())
            for _ in range(2):
                leader = cluster.leader()
                leader.kill()
                cluster.leader()
                leader.start()
            cluster.whole()
            self.until_changed(cluster, said["to"])
            self.same_logs(cluster)


if __name__ == "__main__":
    unittest.main()

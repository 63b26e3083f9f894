"""A majority that is gone for good, and a lease that one holds: what a person says counts once, what a deposed leader says does not."""
import json
import shutil
import unittest
from concurrent.futures import ThreadPoolExecutor

from cluster_case import ClusterCase
from running_cluster import RunningCluster, count_of

JUMP = 1000


class RecoverTest(ClusterCase):
    def recover(self, member, *flags):
        return member.verb(":cluster", "recover", "--json", *flags)

    def refused(self, member):
        done = self.recover(member, "--yes")
        self.assertEqual((done.returncode, json.loads(done.stderr)["code"]), (4, "conflict"), done)

    def test_one_that_is_left_goes_on_when_told_to(self):
        """[S0-07] Refused while somebody leads and while a majority is heard; when the others' disks are gone it works, and is recorded."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            left, other = cluster.others(leader)
            seq = self.registered(left, "kept")
            for member in cluster.members:
                self.assertEqual(member.get(f"/v1/nodes/kept?after={seq}").status, 200)
                self.refused(member)
            before = left.get("/v1/leader").json["epoch"]
            for gone in (leader, other):
                gone.kill()
                shutil.rmtree(gone.data)
            said = left.until(lambda: (done := self.recover(left)).returncode == 0 and done, "would recover")
            self.assertEqual((json.loads(said.stdout)["dry_run"], sorted(json.loads(said.stdout)["lost"])),
                             (True, sorted((leader.node_id, other.node_id))))
            self.assertEqual(self.register(left, "refused").status, 503)
            done = self.recover(left, "--yes")
            self.assertEqual(done.returncode, 0, done.stderr)
            left.wait_ready()
            self.registered(left, "after")
            self.assertEqual(left.until(lambda: left.get("/v1/leader").json.get("leader_url"), "leads"), left.url)
            self.assertGreaterEqual(left.get("/v1/leader").json["epoch"], before + JUMP)
            self.refused(left)
            for gone in (leader, other):
                gone.start().wait_ready()
            cluster.whole()
            self.look_back([json.loads(line) for line in self.same_logs(cluster)], left, before)

    def look_back(self, log, left, before):
        """It is recorded before anything else that came after, and the epoch jumped once."""
        place, = (i for i, event in enumerate(log) if event["type"] == "cluster.recovered")
        recovered, after = log[place], log[place + 1:]
        self.assertEqual((recovered["data"]["member"], recovered["data"]["epoch"]), (left.node_id, before + JUMP))
        self.assertEqual(recovered["data"]["seq"], recovered["seq"] - 1)
        self.assertEqual(left.cluster()["identity"]["timelines"], [{"after": recovered["data"]["seq"], "began_at": recovered["time"]}])
        self.assertTrue(all(event["epoch"] <= before for event in log[:place]))
        self.assertTrue(all(event["epoch"] >= before + JUMP for event in after))
        names = [event["data"]["node"] for event in log if event["type"] == "node.registered"]
        self.assertEqual([name for name in names if name in ("kept", "refused", "after")], ["kept", "after"])

    def test_a_majority_that_is_heard_needs_no_recovery(self):
        """Two of three without a leader yet, or with one: they help themselves."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            leader.kill()
            for member in cluster.others(leader):
                self.refused(member)
            cluster.leader()
            for member in cluster.others(leader):
                self.refused(member)


class LeaseTest(ClusterCase):
    def claim(self, member, name, url):
        """What a claim at `member` comes to."""
        answer = member.post("/v1/leader/claim", {"node_id": name, "url": url})
        if answer.status == 503:
            self.assertIn("Retry-After", answer.headers)
            return None
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def test_one_holds_the_lease_whoever_is_asked(self):
        """[S2-60] [S2-61] [S2-52] Claims at all members at once: the holder's is granted, no other; when it is silent the next claimant
        wins with a higher epoch, and the one that slept is told so, at every member, and by itself."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            first = cluster.leader()
            held = cluster.until(lambda: (said := self.claim(first, first.node_id, first.url)) and said["granted"] and said, "is granted")
            claims = [(member, name) for member in cluster.members for name in (first.node_id, "stranger", "another")] * 3
            with ThreadPoolExecutor(len(claims)) as pool:
                told = list(pool.map(lambda one: self.claim(one[0], one[1], first.url if one[1] == first.node_id else "http://s:1"), claims))
            for (_, name), said in zip(claims, told):
                self.assertEqual(said, {**held, "granted": name == first.node_id}, name)
            first.pause()
            with first.sent("POST", "/v1/leader/claim", {"node_id": first.node_id, "url": first.url}) as answered:
                one, other = cluster.running()
                second = cluster.leader()
                now = second.until(lambda: (said := self.claim(second, second.node_id, second.url)) and said["granted"] and said, "is granted")
                self.assertGreater(now["epoch"], held["epoch"])
                first.resume()
                late = answered()
            if late.status == 200:
                self.assertEqual(late.json, {**now, "granted": False})
            else:
                self.assertEqual(late.status, 503, late)
            for member in (first, one, other):
                said = member.until(lambda: self.claim(member, first.node_id, first.url), "answers")
                self.assertEqual(said, {**now, "granted": False})
            log = self.same_logs(cluster)
            grants = [(event["data"]["node"], event["data"]["epoch"]) for event in map(json.loads, log) if event["type"] == "lease.granted"]
            self.assertEqual(len({epoch for _, epoch in grants}), len(grants))
            self.assertEqual(count_of(log, "lease.granted", "lease"), len(grants))
            self.assertNotIn("stranger", [name for name, _ in grants])


if __name__ == "__main__":
    unittest.main()

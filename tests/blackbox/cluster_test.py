"""Three nodes as one control plane: whoever is asked, the cluster answers."""
import subprocess
import sys
import unittest

from cluster_case import ClusterCase
from running_cluster import RunningCluster, count_of


class TogetherTest(ClusterCase):
    def test_three_started_at_once_become_one_cluster(self):
        """[S0-07] [S2-01] [S2-04] [S2-06] [S2-50] Nobody is told of anybody: they find each other, one founds, three vote."""
        with RunningCluster(3, at_once=True) as cluster:
            cluster.whole()
            seen = [member.cluster() for member in cluster.members]
            self.assertEqual(len({one["identity"]["cluster"] for one in seen}), 1)
            for one in seen:
                self.assertEqual([row["member"] for row in one["members"]], ["n1", "n2", "n3"])
            self.assertEqual(count_of(self.same_logs(cluster), "cluster.created", "cluster"), 1)

    def test_started_at_once_on_a_busy_machine_they_are_one_cluster_still(self):
        """[S0-07] Whatever comes late: two that founded a cluster each, because they did not hear of each other in time, become
        one, as nobody would miss what the younger holds."""
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
        try:
            for _ in range(3):
                with RunningCluster(3, at_once=True) as cluster:
                    cluster.until(lambda: len(seen := {member.cluster()["identity"].get("cluster") for member in cluster.members}) == 1
                                  and None not in seen, "all are of one cluster")
                    cluster.whole()
                    self.assertEqual(count_of(self.same_logs(cluster), "cluster.created", "cluster"), 1)
        finally:
            for process in busy:
                process.kill()
                process.wait()

    def test_the_eighth_member_holds_no_log_and_answers_still(self):
        """[S0-07] Five vote, two stand by; the eighth hands on what it is asked, also when another one leads."""
        with RunningCluster(8, "--election-timeout", "2s") as cluster:
            roles = ["spare", "standby", "standby", "voter", "voter", "voter", "voter", "voter"]
            cluster.until(lambda: sorted(filter(None, cluster.leader().roles().values())) == roles, "the roles are as they should be")
            leader = cluster.leader()
            spare, = (member for member in cluster.members if leader.roles()[member.node_id] == "spare")
            spare.wait_ready()
            seq = self.registered(spare, "by-the-eighth")
            spare.until(lambda: spare.get("/v1/nodes/by-the-eighth").status == 200, "it shows what it was asked for")
            self.assertEqual(cluster.others(leader, spare)[0].get(f"/v1/nodes/by-the-eighth?after={seq}").status, 200)
            self.assertEqual(spare.get("/v1/nodes/by-the-eighth?consistent=true").status, 200)
            self.assertEqual(spare.named(), [f"n{i}" for i in range(1, 9)])
            self.assertEqual(spare.get("/v1/nodes", Authorization="Bearer wrong").status, 401)
            refused = spare.get("/v1/events?follow=true")
            self.assertEqual((refused.status, refused.json["code"]), (409, "log.elsewhere"))
            self.assertEqual(spare.get("/v1/status").json["seq"], 0)  # Its own: it has no line.
            leader.kill()
            cluster.leader_but(spare)
            spare.until(lambda: self.register(spare, "again", "again").status == 200, "it hands on to the next leader")

    def test_whoever_is_asked_the_cluster_answers(self):
        """[S0-09] A follower takes writes and shows them with their seq; a consistent read has all that was acknowledged before."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            follower, other = cluster.others(leader)
            seq = self.registered(follower, "by-follower")
            for member in cluster.members:
                answer = member.get(f"/v1/nodes/by-follower?after={seq}")
                self.assertEqual(answer.status, 200, answer)
                self.assertGreaterEqual(answer.seq, seq)
            for i in range(20):
                seq = self.registered(leader, f"by-leader-{i}")
                answer = other.get(f"/v1/nodes/by-leader-{i}?consistent=true")
                self.assertEqual(answer.status, 200, answer)
                self.assertGreaterEqual(answer.seq, seq)
            refused = follower.post("/v1/nodes/register", {"node_id": 7})
            self.assertEqual((refused.status, refused.json["code"]), (400, "field.invalid"))
            self.same_logs(cluster)

    def test_each_says_who_is_there(self):
        """[S0-09] Roles, how far each is behind, and who hears whom."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()

            def full(member):
                rows = member.cluster()["members"]
                others = {row["member"]: set(row["now"].get("sees", ())) for row in rows if row["member"] != member.node_id}
                return all(sees == {"n1", "n2", "n3"} - {name} for name, sees in others.items()) and rows
            for member in cluster.members:
                rows = member.until(lambda: full(member), "hears of all that they hear all")
                for row in rows:
                    self.assertEqual(row["now"]["role"], "voter")
                    self.assertTrue(row["now"]["connected"], row)
                    if row["member"] != member.node_id:
                        self.assertGreaterEqual(row["now"]["lag"], 0)
                        self.assertGreaterEqual(row["now"]["heard_ms"], 0)
                self.assertEqual(member.cluster()["raft"]["leader"], leader.node_id)
            table = leader.verb(":cluster")
            self.assertEqual(table.returncode, 0, table.stderr)
            self.assertRegex(table.stdout, rf"{leader.node_id} +leader")

    def test_leadership_moves_when_asked(self):
        """[S2-60] [S2-61] The lease names the leader's URL, with an epoch that rises when another one leads."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            first = self.lease(cluster, leader)
            heir = cluster.others(leader)[0]
            # While an entry is in flight it says so, and that it may be asked again.
            leader.until(lambda: leader.verb(":leader", "transfer", heir.node_id).returncode == 0, "it hands leadership on")
            cluster.until(lambda: cluster.agreed_leader() is heir, "the heir leads")
            second = self.lease(cluster, heir)
            self.assertGreater(second["epoch"], first["epoch"])
            claim = leader.post("/v1/leader/claim", {"node_id": "outsider", "url": "http://127.0.0.1:1"})
            self.assertEqual(claim.status, 200, claim)
            self.assertEqual(claim.json, {"granted": False, "leader_url": heir.url, "epoch": second["epoch"]})
            self.registered(leader, "after")
            self.same_logs(cluster)

    def test_a_member_that_is_cut_off_names_no_leader(self):
        """[S2-61] Once it has heard nobody who leads for a TTL: whom it knows may lead no more. What was then, it still shows."""
        with RunningCluster(3, "--leader-ttl", "4s") as cluster:
            cluster.whole()
            leader = cluster.leader()
            held = self.lease(cluster, leader)
            left, other = cluster.others(leader)
            seq = left.get("/v1/leader").seq
            for member in (leader, other):
                member.pause()
            gone = left.until(lambda: (said := left.get("/v1/leader")).status == 404 and said, "names no leader")
            self.assertEqual((gone.json["code"], gone.headers["X-Muster-Stale"]), ("leader.none", "true"))
            then = left.get(f"/v1/leader?as_of={seq}")
            self.assertEqual((then.status, then.json), (200, held))
            for member in (leader, other):
                member.resume()
            self.assertGreaterEqual(self.lease(cluster, cluster.leader())["epoch"], held["epoch"])

    def lease(self, cluster, leader):
        """The lease, once every member says that `leader` holds it."""
        def told():
            answers = [member.get("/v1/leader") for member in cluster.running()]
            if all(answer.status == 200 and answer.json["leader_url"] == leader.url for answer in answers):
                return answers[0].json
            return None
        return cluster.until(told, "all name the leader's URL")


if __name__ == "__main__":
    unittest.main()

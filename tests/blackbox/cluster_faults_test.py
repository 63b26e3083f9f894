"""A cluster that loses members: what was acknowledged stays, nothing happens twice, one at a time leads."""
import itertools
import secrets
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from cluster_case import ClusterCase
from running_cluster import RunningCluster, count_of
from waiting import until


def new_key():
    return secrets.token_hex(8)


class LostLeaderTest(ClusterCase):
    def done(self, cluster, member, name, key):
        """Registers `name`, again while there is no leader, and again when the outcome is not known; the answer."""
        def tried():
            answer = self.register(member, name, key)
            self.assertIn(answer.status, (200, 503), answer)
            if answer.status == 503:
                self.assertIn("Retry-After", answer.headers)
            return answer if answer.status == 200 else None
        return cluster.until(tried, f"{name} is registered")

    def once(self, log, names):
        for name in names:
            self.assertEqual(count_of(log, "node.registered", f"node/{name}"), 1, name)

    def test_a_killed_leader_is_replaced_and_comes_back(self):
        """[S0-05] Acknowledged writes are all there, exactly once, on every member and in the same bytes."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            follower = cluster.others(leader)[0]
            names = [f"before-{i}" for i in range(10)]
            for name in names:
                self.registered(follower, name, new_key())
            leader.kill()
            names.append("between")
            self.done(cluster, follower, "between", new_key())
            self.assertIsNot(cluster.leader(), leader)
            names += (more := [f"after-{i}" for i in range(10)])
            for name in more:
                self.registered(follower, name, new_key())
            leader.start().wait_ready()
            cluster.whole()
            self.once(self.same_logs(cluster), names)

    def test_a_request_retried_over_its_leaders_death_happens_once(self):
        """[S0-05] With its key it may be sent again and again, to whoever is there."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            first, second = cluster.others(leader)
            keys = {f"twice-{i}": new_key() for i in range(10)}
            told = {name: self.registered(first, name, key) for name, key in keys.items()}
            leader.kill()
            for name, key in keys.items():
                answer = self.done(cluster, second, name, key)
                self.assertEqual(answer.headers["Idempotency-Replayed"], "true", answer.headers)
                self.assertEqual(answer.seq, told[name])
            self.once(self.same_logs(cluster), keys)

    def test_a_leader_that_wakes_up_late_follows(self):
        """What it was asked before it slept is not acknowledged by it: somebody else leads by then."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            follower = cluster.others(leader)[0]
            term = leader.cluster()["raft"]["term"]
            leader.pause()
            with leader.sent("POST", "/v1/nodes/register", {"node_id": "late"}) as answered:
                self.done(cluster, follower, "meanwhile", new_key())
                self.assertIsNot(cluster.leader(), leader)
                leader.resume()
                late = answered()
            follower.until(lambda: leader.cluster()["raft"]["term"] > term, "the late one knows the new term")
            self.assertIsNot(cluster.leader(), leader)
            log = self.same_logs(cluster)
            self.once(log, ["meanwhile"])
            self.assertIn(late.status, (200, 503), late)
            if late.status == 503:
                self.assertIn(late.json["code"], ("leader.lost", "leader.starting", "command.timeout"))
            else:
                self.assertEqual(count_of(log, "node.registered", "node/late"), 1)

    def test_without_a_majority_reads_go_on(self):
        """They are marked as stale; a write gets 503 and when to come again, and is taken when a majority is back."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            seq = self.registered(cluster[0], "kept")
            left, *gone = cluster.members
            self.assertEqual(left.get(f"/v1/nodes/kept?after={seq}").status, 200)
            reads = ("/v1/nodes/kept", "/v1/nodes", "/agents", "/v1/events?limit=1")
            for path in reads:
                self.assertIsNone(left.get(path).headers["X-Muster-Stale"], path)
            for member in gone:
                member.kill()

            def stale():
                answer = left.get("/v1/nodes/kept")
                self.assertEqual(answer.status, 200, answer)
                return answer.headers["X-Muster-Stale"] == "true"
            left.until(stale, "marks what it shows as stale")
            for path in reads:
                self.assertEqual(left.get(path).headers["X-Muster-Stale"], "true", path)
            listed = left.get("/v1/nodes")
            unchanged = left.get("/v1/nodes", If_None_Match=listed.headers["ETag"])
            self.assertEqual((unchanged.status, unchanged.headers["X-Muster-Stale"]), (304, "true"))
            refused = self.register(left, "refused", new_key())
            self.assertEqual(refused.status, 503, refused)
            self.assertIn("Retry-After", refused.headers)
            self.assertTrue(refused.json["retryable"], refused)
            self.assertEqual(left.get("/v1/nodes/kept?consistent=true").status, 503)
            gone[0].start()
            self.done(cluster, left, "taken", new_key())
            left.until(lambda: left.get("/v1/nodes/kept").headers["X-Muster-Stale"] is None, "is not stale any more")
            self.once(self.same_logs(cluster), ["kept", "taken"])

    def test_a_dead_voter_is_replaced_by_the_standby(self):
        """[S0-07] Of four, after the grace: then one more may be lost. Who comes back finds its place taken."""
        with RunningCluster(4, "--member-grace", "2s") as cluster:
            cluster.wait_voters(3).wait_ready()
            leader = cluster.leader()
            standby = next(member for member in cluster.members if leader.roles()[member.node_id] == "standby")
            dead = cluster.others(leader, standby)[0]
            self.registered(standby, "before", new_key())
            dead.kill()
            left = sorted(member.node_id for member in cluster.running())
            cluster.until(lambda: all(sorted(member.voters()) == left for member in cluster.running()), "the standby has the vote of the dead one")
            self.registered(standby, "between", new_key())
            next_dead = cluster.leader()
            next_dead.kill()
            self.done(cluster, standby, "after", new_key())
            for member in (dead, next_dead):
                member.start().wait_ready()
            cluster.wait_voters(3).wait_ready()
            self.once(self.same_logs(cluster), ["before", "between", "after"])

    def test_members_restart_one_after_the_other(self):
        """A client that tries again with its key, at whoever is there, where nobody listened or it was told 503, notices nothing."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            names, over = [], threading.Event()
            with ThreadPoolExecutor(1) as pool:
                client = pool.submit(self.write_until, over, cluster, names)
                try:
                    for member in cluster.members:
                        before = len(names)
                        self.assertEqual(member.stop(), 0, member.said()[-2000:])
                        member.start().wait_ready()
                        cluster.whole()
                        cluster.until(lambda: client.done() or len(names) > before, "the client goes on")
                finally:
                    over.set()
                client.result()
            self.once(self.same_logs(cluster), names)

    def write_until(self, over, cluster, names):
        """Writes one after the other, each until it is done."""
        while not over.is_set():
            name, key = f"rolling-{len(names)}", new_key()
            turn = itertools.cycle(cluster.members)
            until(lambda: self.taken(next(turn), name, key), f"{name} is taken")
            names.append(name)

    def taken(self, member, name, key):
        try:
            answer = self.register(member, name, key)
        except ConnectionRefusedError:  # It is just down. Whatever else happens to a request fails the test.
            return False
        self.assertIn(answer.status, (200, 503), answer)
        return answer.status == 200


if __name__ == "__main__":
    unittest.main()

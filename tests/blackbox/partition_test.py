"""Three machines on a switch: they find each other, and go on when cables are pulled, two against one."""
import unittest

from cluster_case import ClusterCase
from hosts import Hosts, why_not
from running_cluster import count_of

WHY_NOT = why_not()


@unittest.skipIf(WHY_NOT, f"no network namespaces: {WHY_NOT}")
class PartitionTest(ClusterCase):
    def test_a_leader_that_is_cut_off_leads_no_more(self):
        """[S2-04] Found over the network. The two others go on; the one shows what it has as stale and takes no write. When the cable
        is back all have the same log, with what was acknowledged, once."""
        with Hosts(3) as cluster:
            cluster.whole()
            alone = cluster.leader()
            one, other = cluster.others(alone)
            self.registered(one, "before")
            alone.unplug()
            cluster.until(lambda: one.cluster()["raft"]["leader"] == other.cluster()["raft"]["leader"]
                          in (one.node_id, other.node_id), "one of the two leads")
            names = [f"meanwhile-{i}" for i in range(5)]
            for name in names:
                cluster.until(lambda: self.register(one, name, name).status == 200, f"{name} is registered")
            alone.until(lambda: alone.get("/v1/nodes/before").headers["X-Muster-Stale"] == "true", "shows what is stale")
            self.assertEqual(self.register(alone, "lost").status, 503)
            self.assertEqual(alone.get("/v1/nodes/meanwhile-0").status, 404)
            alone.plug()
            cluster.leader()
            log = self.same_logs(cluster)
            for name in ["before", *names]:
                self.assertEqual(count_of(log, "node.registered", f"node/{name}"), 1, name)

    def test_all_cut_off_come_together_again(self):
        """Nobody has a majority, then all do: the same cluster, and the same log."""
        with Hosts(3) as cluster:
            cluster.whole()
            identity = cluster[0].cluster()["identity"]
            seq = self.registered(cluster[0], "kept")
            for host in cluster.members:
                answer = host.get(f"/v1/nodes/kept?after={seq}")
                self.assertEqual(answer.status, 200, answer)
            for host in cluster.members:
                host.unplug()
            for host in cluster.members:
                host.until(lambda: host.get("/v1/nodes/kept").headers["X-Muster-Stale"] == "true", "shows what is stale")
                self.assertEqual(self.register(host, "lost").status, 503)
            for host in cluster.members:
                host.plug()
            leader = cluster.leader()
            cluster.until(lambda: self.register(leader, "again", "again").status == 200, "writes are taken again")
            self.assertEqual([host.cluster()["identity"] for host in cluster.members], [identity] * 3)
            self.assertEqual(count_of(self.same_logs(cluster), "node.registered", "node/again"), 1)


if __name__ == "__main__":
    unittest.main()

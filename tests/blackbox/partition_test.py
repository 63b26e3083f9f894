"""Three machines on a switch: they find each other, and go on when cables are pulled, two against one, or carry half of it."""
import json
import shutil
import unittest

from cluster_case import ClusterCase
from history import HistoryCase, Load
from hosts import Hosts, why_not, why_not_lossy
from running_cluster import count_of
from watcher import Watcher, why_no_avahi

WHY_NOT = why_not()
WHY_NOT_LOSSY = why_not_lossy()
WHY_NO_AVAHI = WHY_NOT or why_no_avahi()


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

    def goes_on_alone(self, cluster, alone):
        """A member that is cut off is told to, while the two others go on. Their epoch, and its own."""
        alone.unplug()
        one, other = cluster.others(alone)
        cluster.until(lambda: one.cluster()["raft"]["leader"] == other.cluster()["raft"]["leader"] in (one.node_id, other.node_id),
                      "one of the two leads")
        alone.until(lambda: alone.post("/v1/cluster/recover", {}).status == 200, "goes on alone")
        alone.wait_ready()
        return [host.until(lambda: host.get("/v1/leader").json.get("epoch"), "knows who leads") for host in (one, alone)]

    def test_one_that_was_told_to_go_on_alone_while_the_others_did(self):
        """The cable is back: neither takes the other in, and nothing of one gets into the other's log, until a person puts the one
        aside. Then it is a member again, applies what the others' leader plans, though its epoch was far ahead, and its log is kept."""
        with Hosts(3) as cluster:
            cluster.whole()
            alone = cluster.leader()
            one, other = cluster.others(alone)
            self.registered(alone, "before")
            theirs, own = self.goes_on_alone(cluster, alone)
            self.assertGreater(own, theirs + 900)
            alone.plug()
            for host in (one, other):
                alone.says(f"{host.name} is no member")
            cluster.until(lambda: self.register(one, "of-the-two", "of-the-two").status == 200, "the two take writes")
            self.registered(alone, "of-the-one")
            cluster.until(lambda: json.loads((alone.data / "discovery" / "cluster.json").read_text())["epoch"] == own, "its own side heard of that epoch")
            self.assertEqual((alone.named(), one.named()), ([alone.name], ["n1", "n2", "n3"]))
            self.assertEqual((alone.get("/v1/nodes/of-the-two").status, one.get("/v1/nodes/of-the-one").status), (404, 404))
            alone.stop()
            done = alone.verb(":cluster", "join", "--archive", "--data", alone.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            alone.start().wait_ready()
            cluster.whole()
            log = self.same_logs(cluster)
            self.assertEqual([count_of(log, "node.registered", f"node/{name}") for name in ("before", "of-the-two", "of-the-one")], [1, 1, 0])
            epoch = one.get("/v1/leader").json["epoch"]
            cluster.until(lambda: json.loads((alone.data / "discovery" / "cluster.json").read_text())["epoch"] == epoch, "it applies plans of theirs")
            kept, = alone.data.glob("archive-*")
            shutil.copytree(kept / "log", cluster.room / "old" / "log")
            checked = alone.verb(":audit", "verify", cluster.room / "old")
            self.assertEqual(checked.returncode, 0, checked.stderr)

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


@unittest.skipIf(WHY_NOT_LOSSY, f"no bad cables: {WHY_NOT_LOSSY}")
class BadCablesTest(HistoryCase):
    """What clients see under a load is judged when the cables are good again: all have the same log and the same views."""

    def judged(self, fault):
        with Hosts(3) as cluster:
            cluster.whole()
            with Load(cluster.members, 1) as load:
                load.goes_on()
                fault(cluster, load)
                for host in cluster.members:
                    host.heal()
                    host.plug()
                cluster.whole()
                cluster.leader()
                load.goes_on()
            self.judge(cluster, load)

    def test_a_leader_that_hears_nobody_leads_no_more(self):
        """What it sends arrives, what is sent to it does not."""
        def fault(cluster, load):
            deaf = cluster.leader()
            one, other = cluster.others(deaf)
            deaf.deaf_to(one, other)
            cluster.until(lambda: one.cluster()["raft"]["leader"] == other.cluster()["raft"]["leader"] in (one.node_id, other.node_id),
                          "one of those that hear each other leads")
            load.goes_on()
        self.judged(fault)

    def test_a_follower_that_hears_nobody_unseats_nobody(self):
        """It asks for votes again and again; the others keep their leader, or have one again."""
        def fault(cluster, load):
            leader = cluster.leader()
            deaf, other = cluster.others(leader)
            deaf.deaf_to(leader, other)
            deaf.until(lambda: deaf.cluster()["raft"]["leader"] != leader.node_id, "misses the leader")
            load.goes_on()
            leader.until(lambda: leader.cluster()["raft"]["leader"] in (leader.node_id, other.node_id), "somebody leads")
        self.judged(fault)

    def test_a_third_of_all_is_lost(self):
        """30 % of what each machine is sent: slow, and right."""
        def fault(cluster, load):
            for host in cluster.members:
                host.lossy(30)
            load.goes_on(20)
        self.judged(fault)

    def test_cables_come_loose_again_and_again(self):
        """One machine after the other is away for about as long as an election takes."""
        def fault(cluster, load):
            for host in cluster.members * 3:
                host.unplug()
                load.goes_on(20)
                host.plug()
                load.goes_on(20)
        self.judged(fault)


@unittest.skipIf(WHY_NO_AVAHI, f"no Avahi: {WHY_NO_AVAHI}")
class SeenByOthersTest(ClusterCase):
    def test_avahi_sees_who_is_there(self):
        """[S2-50] Its own tools, on a machine of their own: each node with its address and port; one that stops says goodbye."""
        with Hosts(3) as cluster, cluster.bystander(Watcher) as watcher:
            for host in cluster.members:
                self.assertEqual(host.service, cluster.service)
            cluster.whole()
            expected = {host.peer for host in cluster.members}

            def seen():
                return {f"{address}:{port}" for address, port, _ in watcher.services(cluster.service).values()}
            cluster.until(lambda: seen() == expected, "Avahi sees all three")
            identity = cluster[0].cluster()["identity"]["cluster"]
            for _, _, text in watcher.services(cluster.service).values():
                self.assertIn(identity, text)
            gone = cluster[2]
            self.assertEqual(gone.stop(), 0)
            cluster.until(lambda: seen() == expected - {gone.peer}, "Avahi misses the one that stopped")


if __name__ == "__main__":
    unittest.main()

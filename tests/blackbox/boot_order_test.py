"""The order in which a starting node looks for its cluster, and that one which moved is found again."""
import unittest

from cluster_case import ClusterCase
from running_cluster import RunningCluster, fixed_port, new_service


class BootOrderTest(ClusterCase):
    def clusters(self, cluster, count):
        """So many control planes of one node each that do not see each other; what was asked of each is kept."""
        made = []
        for _ in range(count):
            member = cluster.add()
            member.service = new_service()
            member.start().wait_ready()
            self.registered(member, f"of-{member.name}")
            made.append(member)
        return made

    def joins(self, cluster, control, service=None, *flags, **environment):
        """A node that is started so becomes a member of `control`."""
        node = cluster.add(*flags)
        node.service = service or new_service()
        node.environment |= environment
        node.start().wait_ready()
        # One that is starved of its search founds a cluster of its own first, and gives way.
        node.until(lambda: node.cluster()["identity"]["cluster"] == control.cluster()["identity"]["cluster"], "is in the same cluster")
        control.until(lambda: node.node_id in control.named(), f"knows {node.node_id}")
        return node

    def test_neighbours_come_before_urls(self):
        """[S2-02] [S2-04] [S2-05] Multicast DNS, then --join, then MUSTER_CONTROL_URL, CLOUD_CONTROL_URL, SUPERVISOR_URL."""
        with RunningCluster(0) as cluster:
            seen, joined, control, cloud, supervisor = self.clusters(cluster, 5)
            urls = {"MUSTER_CONTROL_URL": control.url, "SUPERVISOR_URL": supervisor.url}
            joined.pause()  # So that it is not let in there, however late it hears its neighbour.
            self.joins(cluster, seen, seen.service, "--join", joined.url, **urls)
            joined.resume()
            self.joins(cluster, joined, None, "--join", joined.peer, **urls)
            self.joins(cluster, control, None, **urls)
            self.joins(cluster, cloud, None, CLOUD_CONTROL_URL=cloud.url, SUPERVISOR_URL=supervisor.url)
            self.joins(cluster, supervisor, None, SUPERVISOR_URL=supervisor.url)

    def test_whom_nobody_answers_founds_a_cluster(self):
        """[S2-06] [S2-50] It leads, and advertises itself: the next one finds it."""
        with RunningCluster(0) as cluster:
            first = cluster.add()
            first.environment["SUPERVISOR_URL"] = f"http://127.0.0.1:{fixed_port()}"
            first.start().wait_ready()
            first.until(lambda: first.get("/v1/leader").json.get("leader_url") == first.url, "it leads")
            self.joins(cluster, first, first.service)

    def test_its_own_cluster_comes_before_all_others(self):
        """[S2-03] The id is made once; a folder that belongs to a cluster goes back to that one, whoever else is there."""
        with RunningCluster(0) as cluster:
            other, = self.clusters(cluster, 1)
            own = cluster.add()
            own.names_itself = True
            own.service = new_service()
            own.start().wait_ready()
            self.registered(own, "of-its-own")
            name, identity = own.named(), own.cluster()["identity"]
            self.assertEqual((own.data / "node_id").read_text().strip(), name[0])
            own.stop()
            own.service = other.service
            own.start("--join", other.url).wait_ready()
            self.assertEqual((own.named(), own.cluster()["identity"]), (name, identity))

    def test_the_id_is_made_before_anybody_is_looked_for(self):
        """[S2-03] It is there while the node still searches."""
        with RunningCluster(0) as cluster:
            node = cluster.add()
            node.names_itself = True
            node.start("--join", f"127.0.0.1:{fixed_port()}").says("cannot join")
            self.assertTrue((node.data / "node_id").read_text().strip())
            self.assertFalse((node.data / "member.json").exists())


class MovedTest(ClusterCase):
    def move(self, member):
        """To other ports."""
        member.port, member.peer_port = fixed_port(), fixed_port()
        member.peer = f"127.0.0.1:{member.peer_port}"
        member.bind = f"127.0.0.1:{member.port}"
        member.url = f"http://{member.bind}"

    def test_a_control_plane_that_moved_is_found_again(self):
        """[S2-51] Its only voter comes back elsewhere: the other one finds it, and its URL is the leader's."""
        with RunningCluster(2) as cluster:
            cluster.wait_voters(1).wait_ready()
            control = cluster.leader()
            other, = cluster.others(control)
            control.kill()
            self.move(control)
            control.start().wait_ready()
            other.until(lambda: other.get("/v1/leader").json.get("leader_url") == control.url, "it is told where it is")
            seq = self.registered(other, "after-the-move")
            self.assertEqual(control.get(f"/v1/nodes/after-the-move?after={seq}").status, 200)

    def test_all_at_once_may_move(self):
        """[S2-51] Nobody is where the log says: they find each other by their adverts, as their certificates prove."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            self.registered(cluster[0], "before")
            for member in cluster.members:
                member.kill()
            for member in cluster.members:
                self.move(member)
                member.start()
            leader = cluster.leader()
            cluster.until(lambda: self.register(leader, "after", "after").status == 200, "it goes on")
            cluster.until(lambda: sorted(row["url"] for row in leader.cluster()["members"]) == sorted(m.url for m in cluster.members),
                          "the log says where they are")
            self.same_logs(cluster)


if __name__ == "__main__":
    unittest.main()

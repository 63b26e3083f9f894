"""How a node boots: who it is, where it looks and in which order, what it is told to be."""
import unittest

from cluster_case import ClusterCase
from running_cluster import RunningCluster, new_service

TRIES = 4


class BootTest(ClusterCase):
    def identity(self, member):
        return member.cluster()["identity"].get("cluster")

    def test_a_node_s_id_is_made_once(self):
        """[S2-03] Of host name and time when nobody gave it one; over a restart and on another port it is the same node."""
        with RunningCluster(0) as cluster:
            member = cluster.add()
            member.node_id = ""
            member.start().wait_ready()
            name = member.get("/v1/status").json["node_id"]
            self.assertRegex(name, r"^.+-[0-9]{15,}$")
            self.assertEqual((member.data / "node_id").read_text().strip(), name)
            self.assertEqual(member.stop(), 0)
            member.start().wait_ready()
            self.assertEqual(member.get("/v1/status").json["node_id"], name)
            self.assertEqual(member.named(), [name])

    def test_a_url_from_the_environment_is_joined(self):
        """[S2-05] CLOUD_CONTROL_URL, when no neighbour is seen."""
        with RunningCluster(1) as cluster:
            first = cluster.wait_ready()[0]
            far = cluster.add()
            far.service = new_service()
            far.environment["CLOUD_CONTROL_URL"] = first.url
            far.start().wait_ready()
            self.assertEqual(self.identity(far), self.identity(first))
            self.assertEqual(first.named(), ["n1", "n2"])

    def test_a_neighbour_comes_before_a_url(self):
        """[S2-02] [S2-04] [S2-05] Both answer: the neighbour's cluster is joined, not the one that the environment names; and it is
        looked for before anything is served."""
        with RunningCluster(2) as cluster:
            near = cluster.wait_ready()[0]
            far = cluster.add()
            far.service = new_service()
            far.start().wait_ready()
            seq = self.registered(far, "history")  # It gives way to nobody.
            self.assertEqual(far.get(f"/v1/nodes/history?after={seq}").status, 200)
            self.assertNotEqual(self.identity(far), self.identity(near))
            # Neighbours have a second and a half to be heard: on a machine that is busy they may miss it once.
            joined = any(self.identity(self.newcomer(cluster, far.url)) == self.identity(near) for _ in range(TRIES))
            self.assertTrue(joined, f"{TRIES} times the URL was taken")

    def newcomer(self, cluster, url):
        """One more node that was told of `url`. It looks before it serves."""
        member = cluster.add()
        member.environment["CLOUD_CONTROL_URL"] = url
        member.start().wait_ready()
        self.assertLess(member.said().index("joined cluster="), member.said().index("serving url="))
        return member

    def test_a_plan_says_what_to_be_and_whom_to_ask(self):
        """[S2-08] [S2-09] [S2-10] Role and services, control plane and gateway, TTL and epoch; whichever node is asked."""
        with RunningCluster(3, "--gateway-url", "http://gateway:1", "--node-ttl", "33s") as cluster:
            cluster.whole()
            leader = cluster.leader()
            epoch = leader.until(lambda: leader.get("/v1/leader").json.get("epoch"), "holds the lease")
            for member in cluster.members:
                for name, hint, role in ((leader.node_id, "server", "leader"), ("w", "server", "worker"), ("p", "proxy", "proxy")):
                    answer = cluster.until(lambda: (said := member.post("/v1/nodes/plan", {"node_id": name, "role_hint": hint})).status == 200
                                           and said, "a plan is given")
                    plan = answer.json
                    self.assertEqual((plan["node"], plan["role"]), (name, role))
                    self.assertEqual(plan["services"], [app["name"] for app in plan["apps"]])
                    self.assertEqual((plan["control_plane_url"], plan["gateway_url"]), (leader.url, "http://gateway:1"))
                    self.assertEqual((plan["ttl_seconds"], plan["epoch"]), (33, epoch))
                self.assertTrue(member.post("/v1/nodes/plan", {"node_id": "w", "role_hint": "server"}).json["services"])


if __name__ == "__main__":
    unittest.main()

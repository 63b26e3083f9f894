"""How a node boots: who it is, where it looks and in which order, what it is told to be; and a cluster that moved."""
import json
import re
import tempfile
import unittest

from cluster_case import ClusterCase
from planned import app, write_plan
from running_cluster import RunningCluster, fixed_port, new_service

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

    def test_every_member_publishes_plan_and_profile(self):
        """[S2-15] Services, where, and their target versions, the same at every member, also of what nodes have not asked for yet;
        nobody writes them. The profile, too, is served by each."""
        with tempfile.TemporaryDirectory() as plans, RunningCluster(0) as cluster:
            write_plan(plans, app("a"), app("b", after=["a"]))
            for _ in range(3):
                member = cluster.add()
                member.plans = plans
                member.start()
            cluster.whole()
            leader = cluster.leader()
            for name in ("w1", "w2"):
                cluster.until(lambda: leader.post("/v1/nodes/plan", {"node_id": name, "role_hint": "server"}).json.get("services") == ["a", "b"],
                              "the plan is given")
            def where(member):
                return {one["name"]: (one["count"], one["nodes"]) for one in member.get("/v1/cluster/plan").json["services"]}
            self.assertEqual(where(leader), {"a": (2, ["w1", "w2"]), "b": (2, ["w1", "w2"])})
            before = leader.get("/v1/cluster/plan").json
            cluster.until(lambda: all(member.get("/v1/cluster/plan").json == before for member in cluster.members), "all publish the same")
            write_plan(plans, app("a"), app("b", ["/bin/true"], after=["a"]))
            def changed():
                now = leader.get("/v1/cluster/plan").json
                return [old["name"] for old, new in zip(before["services"], now["services"]) if old["version"] != new["version"]]
            cluster.until(lambda: changed() == ["b"], "the target version of b is another one")
            self.assertNotEqual(leader.get("/v1/cluster/plan").json["generation"], before["generation"])
            for path in ("/v1/cluster/plan", "/v1/bootstrap/profile"):
                self.assertEqual(leader.post(path, {}).status, 405)
            profile = leader.get("/v1/bootstrap/profile").json
            cluster.until(lambda: all(member.get("/v1/bootstrap/profile").json == profile for member in cluster.members), "all serve the profile")
            self.assertTrue(profile["generation"])

    def test_a_plan_says_what_to_be_and_whom_to_ask(self):
        """[S2-08] [S2-09] [S2-10] [S2-66] Role and services, control plane and gateway, TTL and epoch; whichever node is asked."""
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

    def test_a_cluster_that_moved_is_found_again(self):
        """[S2-51] All members come back at other addresses, known to nobody: they look, find each other, and go on."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            stays = self.identity(cluster[0])
            self.registered(cluster[0], "before")
            for member in cluster.members:
                self.assertEqual(member.stop(), 0, member.said()[-2000:])
            for member in cluster.members:
                self.move(member)
                member.start()
            cluster.wait_ready()
            leader = cluster.leader()
            self.registered(cluster.others(leader)[0], "after")
            self.assertEqual({self.identity(member) for member in cluster.members}, {stays})
            shown = {one["member"]: (one["address"], one["url"]) for one in leader.until(lambda: self.all_moved(cluster, leader), "all moved")}
            self.assertEqual(shown, {member.node_id: (member.peer, member.url) for member in cluster.members})
            log = [json.loads(line) for line in self.same_logs(cluster)]
            names = [event["data"]["node"] for event in log if event["type"] == "node.registered"]
            self.assertEqual([name for name in names if re.match("before|after", name)], ["before", "after"])

    def move(self, member):
        member.port, member.peer_port = fixed_port(), fixed_port()
        member.peer, member.bind = f"127.0.0.1:{member.peer_port}", f"127.0.0.1:{member.port}"
        member.url = f"http://{member.bind}"

    def all_moved(self, cluster, leader):
        """The members as the leader shows them, once each is shown where it is."""
        members = leader.cluster()["members"]
        where = {member.peer for member in cluster.members}
        return members if {one["address"] for one in members} == where else None


if __name__ == "__main__":
    unittest.main()

"""Members with other plan templates and profiles than the one that leads: who leads next changes nothing by that."""
import unittest

from cluster_case import ClusterCase
from running_cluster import RunningCluster

TEMPLATE = "apps:\n  - {{name: {name}, kind: process, command: [\"true\"]}}\n"
PROFILE = "storage:\n  - {name: media}\n"


class OtherFilesTest(ClusterCase):
    def give(self, cluster, member, template=None, profile=None):
        """Files of its own, which may be none."""
        folder = cluster.room / f"files-of-{member.name}"
        folder.mkdir()
        member.plans, member.profile = folder, folder / "profile.yaml"
        self.write(member, template, profile)

    def write(self, member, template=None, profile=None):
        for name, text in (("server.yaml", template), ("profile.yaml", profile)):
            if text:
                (member.plans / name).write_text(text)

    def in_use(self, member):
        """The names of the server template's apps, and of the buckets."""
        rows = {row["file"]: row for row in member.get("/v1/templates").json}
        profile = member.get("/v1/bootstrap/profile").json
        return [app["name"] for app in rows["server.yaml"].get("apps", [])], [bucket["name"] for bucket in profile["storage"]]

    def test_a_new_leader_keeps_what_is_in_use(self):
        """[S2-15] [S2-16] Also one that has other files, or none; what is edited where it leads counts."""
        with RunningCluster(0) as cluster:
            first, other, bare = (cluster.add() for _ in range(3))
            self.give(cluster, first, TEMPLATE.format(name="one"), PROFILE)
            self.give(cluster, other, TEMPLATE.format(name="two"), "storage:\n  - {name: of-another}\n")
            self.give(cluster, bare)
            first.start().wait_ready()
            other.start().wait_ready()
            bare.start().wait_ready()
            cluster.whole()
            self.assertEqual(cluster.leader(), first)
            self.assertEqual(self.in_use(first), (["one"], ["media"]))
            for leads in (other, bare):
                self.hand_to(cluster, leads)
                self.registered(leads, f"while-{leads.name}-leads")
                self.assertEqual(self.in_use(leads), (["one"], ["media"]))
            self.write(bare, TEMPLATE.format(name="three"))
            bare.until(lambda: self.in_use(bare) == (["three"], ["media"]), "an edit counts")
            self.hand_to(cluster, first)
            self.registered(first, "while-the-first-leads-again")
            self.assertEqual(self.in_use(first), (["three"], ["media"]))
            self.write(first, profile="storage:\n  - {name: media}\n  - {name: more}\n")
            first.until(lambda: self.in_use(first) == (["three"], ["media", "more"]), "so does one here")

    def hand_to(self, cluster, member):
        leader = cluster.leader()
        leader.until(lambda: leader.verb(":leader", "transfer", member.node_id).returncode == 0, "it hands leadership on")
        cluster.until(lambda: cluster.agreed_leader() is member, f"{member.name} leads")
        member.wait_ready()


if __name__ == "__main__":
    unittest.main()

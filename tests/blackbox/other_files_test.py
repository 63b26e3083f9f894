"""Members with other plan templates and profiles than the one that leads: who leads next changes nothing by that."""
import os
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

    def test_an_edit_counts_at_the_next_leader(self):
        """[S2-15] Made while nobody leads, or where another one does; an older one than what is in use does not."""
        with RunningCluster(0) as cluster:
            members = [cluster.add() for _ in range(3)]
            for member in members:
                self.give(cluster, member, TEMPLATE.format(name="one"), PROFILE)
                member.start().wait_ready()
            cluster.whole()
            first, second, third = members
            first.kill()
            self.write(second, TEMPLATE.format(name="two"))
            self.write(third, TEMPLATE.format(name="two"))
            leader = cluster.leader()
            leader.until(lambda: self.in_use(leader) == (["two"], ["media"]), "the edit without a leader counts")
            other, = cluster.others(leader)
            self.write(other, profile="storage:\n  - {name: old}\n")
            os.utime(other.profile, (1_600_000_000, 1_600_000_000))
            self.write(other, TEMPLATE.format(name="three"))
            self.hand_to(cluster, other)
            other.until(lambda: self.in_use(other) == (["three"], ["media"]), "the newer edit counts, the older one does not")

    def hand_to(self, cluster, member):
        leader = cluster.leader()
        leader.until(lambda: leader.verb(":leader", "transfer", member.node_id).returncode == 0, "it hands leadership on")
        cluster.until(lambda: cluster.agreed_leader() is member, f"{member.name} leads")
        member.wait_ready()


if __name__ == "__main__":
    unittest.main()

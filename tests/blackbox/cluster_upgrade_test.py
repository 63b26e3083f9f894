"""This build and the next one in one cluster: members are replaced one by one under load, the level is raised when all know it."""
import json
import os
import unittest
from pathlib import Path

from history import HistoryCase, Load
from running_cluster import RunningCluster, count_of
from running_node import BINARY

NEXT = Path(os.environ.get("MUSTER_NEXT", BINARY.parent / "tests" / "blackbox" / "muster_next"))
PREVIOUS = os.environ.get("MUSTER_PREVIOUS", "")  # The binary of an earlier commit.


class UpgradeCase(HistoryCase):
    def replace(self, member, binary, cluster):
        """Stops it and starts the other build on its folder."""
        self.assertEqual(member.stop(), 0, member.said()[-2000:])
        member.binary = binary
        member.start().wait_ready()
        cluster.whole()

    def there_and_back(self, cluster, load, old, new, mixed):
        """All become `new`, one by one; on the way, once two are, `mixed()`, and one goes back for a while."""
        first, second, third = cluster.members
        for member in (first, second):
            self.replace(member, new, cluster)
            load.goes_on()
        mixed()
        self.replace(first, old, cluster)  # Nothing was written that it does not know.
        load.goes_on()
        for member in (third, first):
            self.replace(member, new, cluster)
            load.goes_on()

    def upgrade(self, member, *flags):
        return member.verb(":cluster", "upgrade", "--json", *flags)

    def levels(self, member):
        """The cluster's, and what each member's build knows."""
        said = member.cluster()
        return said["identity"]["feature_level"], {one["member"]: one["feature_level"] for one in said["members"]}


@unittest.skipUnless(NEXT.exists(), f"there is no {NEXT}")
class TwoBuildsTest(UpgradeCase):
    def test_members_are_upgraded_one_by_one(self):
        """[S0-08] Clients find nobody there, or are told 503, and try again; no request is dropped, and all have the same lines; while one has the old build the level stays; raised, the old
        build refuses the log and says why."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            level = self.levels(cluster[0])[0]
            with Load(cluster.members, 1) as load:
                self.there_and_back(cluster, load, BINARY, NEXT, lambda: self.mixed(cluster, level))
                cluster.until(lambda: set(self.levels(cluster[1])[1].values()) == {level + 1}, "all know the next level")
                done = self.upgrade(cluster[1], "--yes")
                self.assertEqual(json.loads(done.stdout), {"feature_level": level + 1, "before": level, "dry_run": False}, done)
                load.goes_on()
            self.judge(cluster, load)
            self.nothing_dropped(load)
            self.assertEqual(count_of(self.same_logs(cluster), "feature.raised", "cluster"), 1)
            self.too_old(cluster, level)

    def mixed(self, cluster, level):
        """Who lags is named, whichever build is asked."""
        lags = cluster[2].node_id
        for member in (cluster[0], cluster[2]):  # What a member's build knows is recorded some time after it is ready.
            cluster.until(lambda member=member: sorted(self.levels(member)[1].values()) == [level, level + 1, level + 1], "all builds are known")
        for member in (cluster[0], cluster[2]):
            refused = self.upgrade(member, "--level", str(level + 1), "--yes")
            self.assertEqual(refused.returncode, 4, refused)
            self.assertIn(lags, json.loads(refused.stderr)["detail"])
            self.assertEqual(json.loads(self.upgrade(member, "--yes").stdout)["feature_level"], level)
        now, known = self.levels(cluster[0])
        self.assertEqual((now, known[lags]), (level, level))

    def too_old(self, cluster, level):
        """The build before does not start on the raised log, and leaves it as it is."""
        old = cluster[0]
        self.assertEqual(old.stop(), 0)
        old.binary = BINARY
        old.start()
        self.assertEqual(old.process.wait(60), 4)
        self.assertIn(f"this log is at feature level {level + 1}, and this build knows levels up to {level}", old.said())
        old.binary = NEXT
        old.start().wait_ready()
        cluster.whole()
        self.same_logs(cluster)


if PREVIOUS:
    class EarlierBuildTest(UpgradeCase):
        def test_members_are_upgraded_one_by_one(self):
            """A cluster that an earlier build founded goes on while its members become this build, and go back as long as the level was not
            raised; at the end it is raised to what this build knows."""
            with RunningCluster(0) as cluster:
                for _ in range(3):
                    member = cluster.add()
                    member.binary = Path(PREVIOUS)
                    member.start().wait_ready()
                cluster.whole()
                level = self.levels(cluster[0])[0]
                with Load(cluster.members, 1) as load:
                    self.there_and_back(cluster, load, Path(PREVIOUS), BINARY, lambda: self.assertEqual(self.levels(cluster[2])[0], level))
                    newest = max(self.levels(cluster[1])[1].values())
                    cluster.until(lambda: set(self.levels(cluster[1])[1].values()) == {newest}, "all know the same level")
                    raised = json.loads(self.upgrade(cluster[1], "--yes").stdout)
                    self.assertEqual((raised["before"], raised["feature_level"]), (level, newest))
                    load.goes_on()
                self.judge(cluster, load)
                self.same_logs(cluster)


if __name__ == "__main__":
    unittest.main()

"""A member that is far behind takes lines in the rows they are stored in, and the checkpoints that they tell of."""
import subprocess
import unittest

from cluster_case import ClusterCase
from running_cluster import BINARY, RunningCluster

BATCH = 5  # An entry each: so many that those before are behind a snapshot.
FLAGS = ("--node-side=false", "--checkpoint-every", "1000")


def wrote(member, count, first=0):
    """So many nodes are registered there; the seq of the last one."""
    for start in range(first, first + count, BATCH):
        commands = [{"method": "POST", "path": "/v1/nodes/register", "body": {"node_id": f"node-{i % 700}", "versions": {"n": str(i)}}}
                    for i in range(start, start + BATCH)]
        answer = member.post("/v1/batch", {"commands": commands})
        assert answer.status == 200, answer
    return answer.seq


def checkpoints(member):
    """What a look at its folder says of the checkpoints in it."""
    done = subprocess.run([BINARY, ":audit", "verify", member.data], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                          timeout=120)
    return next(line for line in done.stdout.splitlines() if line.startswith("checkpoints:")).split(";")[0]


class CatchUpTest(ClusterCase):
    def made_checkpoints(self, member, count):
        member.until(lambda: len(member.cluster()["checkpoints"]) >= count, f"{count} checkpoints are made")

    def test_a_joiner_has_the_lines_the_views_and_the_checkpoints(self):
        """All as the first one has them, for any moment; and it goes on from there."""
        with RunningCluster(1, *FLAGS) as cluster:
            first = cluster[0]
            middle = wrote(first, 3_000)
            wrote(first, 3_000, first=3_000)
            self.made_checkpoints(first, 4)
            second = cluster.add().start().wait_ready()
            self.same_logs(cluster)
            for moment in ("", f"?as_of={middle}", "?as_of=1500"):
                digests = [member.get(f"/v1/digests{moment}") for member in cluster.members]
                self.assertEqual([answer.status for answer in digests], [200, 200])
                self.assertEqual(digests[0].json, digests[1].json, moment)
            seq = wrote(second, BATCH)
            self.assertEqual(first.get(f"/v1/nodes/node-0?after={seq}").status, 200)
            self.same_logs(cluster)
            for member in cluster.members:
                self.assertEqual(member.stop(), 0)
            self.assertRegex(checkpoints(second), r"checkpoints: (\d+) recorded, ([4-9]|1\d) stored here")

    def test_a_joiner_that_is_killed_on_the_way_goes_on_where_it_was(self):
        """Again and again, while others write."""
        with RunningCluster(1, *FLAGS) as cluster:
            first = cluster[0]
            wrote(first, 6_000)
            second = cluster.add()
            for kill in range(4):
                second.start()
                second.until(lambda: second.get("/healthz").status == 200, "serves")
                wrote(first, BATCH, first=kill * BATCH)
                second.kill()
            second.start().wait_ready()
            self.same_logs(cluster)
            digests = [member.get("/v1/digests").json for member in cluster.members]
            self.assertEqual(digests[0], digests[1])


if __name__ == "__main__":
    unittest.main()

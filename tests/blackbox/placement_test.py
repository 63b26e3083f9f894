"""Where a run goes in a cluster of nodes: by role, labels and load; its secrets go there sealed; and how everybody hears of all ends."""
import hashlib
import time
import unittest

from jobs_http_test import Jobs, WAITS, events_of
from running_cluster import RunningCluster
from waiting import PATIENCE_S, until

CANARY = "canary-40417-of-the-secret"


class Placed(Jobs):
    """Three nodes: n1 has no labels; n2 is a proxy in the north; n3 is in the north, too."""

    def cluster(self):
        cluster = RunningCluster(1, "--scripts-root", str(self.root))
        cluster.__enter__()
        self.addCleanup(cluster.__exit__, None)
        cluster.add("--labels", "site=north,rack=4", "--role-hint", "proxy").start()
        cluster.add("--labels", "site=north").start()
        cluster.whole()
        self.first = cluster[0]
        until(lambda: {row["node_id"]: row.get("role") for row in self.rows()}.get("n2") == "proxy" and len(self.rows()) == 3, "all are registered")
        return cluster

    def rows(self):
        return self.first.get("/v1/nodes").json

    def placed(self, job, at, **more):
        """The run, and the node that it went to."""
        run = self.accepted({"job_id": job, **more}, at)
        return run["id"], run["node_id"]

    def folder_of(self, cluster, node, run):
        return next(member for member in cluster.members if member.node_id == node).data / "runs" / run

    def let_go(self, cluster, node, run):
        folder = self.folder_of(cluster, node, run)
        until((folder / "starts").exists, f"{run} begins on {node}")
        (folder / "go").touch()
        self.assertEqual(self.ended(run, self.first)["status"], "completed")


class PlacementTest(Placed):
    def test_a_run_goes_where_its_placement_fits(self):
        """A role, labels, the fewest runs; whoever is asked and fits keeps it; nobody: refused, naming what is wanted."""
        for name, placement in (("north", "labels: {site: north}"), ("builds", "role: proxy"), ("both", "role: proxy, labels: {rack: 4}"),
                                ("south", "labels: {site: south}"), ("odd", "role: proxy, labels: {rack: 5}")):
            self.job(name, WAITS, f"interpreter: bash\nplacement: {{{placement}}}\n")
        cluster = self.cluster()
        runs = [self.placed("north", self.first) for _ in range(2)]
        self.assertEqual({node for _, node in runs}, {"n2", "n3"}, "each to the one with the fewest")
        runs.append(self.placed("builds", self.first))
        self.assertEqual(runs[-1][1], "n2")
        until(lambda: self.first.get("/runs").json[0]["status"] == "running", "it runs")
        runs.append(self.placed("north", self.first))
        self.assertEqual(runs[-1][1], "n3", "n2 has two")
        runs.append(self.placed("both", cluster[2]))
        self.assertEqual(runs[-1][1], "n2")
        runs.append(self.placed("north", cluster[1]))
        self.assertEqual(runs[-1][1], "n2", "the one that is asked fits, whatever it runs")
        for job, wanted in (("south", "site=south"), ("odd", "role proxy, rack=5")):
            answer = self.first.post("/runs", {"job_id": job})
            self.refused(answer, 422, "placement.impossible")
            self.assertIn(wanted, answer.json["detail"])
        for run, node in runs:
            self.let_go(cluster, node, run)


class SecretTest(Placed):
    def test_a_secret_reaches_the_node_that_runs_and_no_disk(self):
        """[S3-09] Asked at one node, read by the script on another; in no file of any node, while it runs, after it, and after all stopped."""
        self.job("reads", "sha256sum </run/secrets/key\n" + WAITS + "cat /run/secrets/key\n",
                 "interpreter: bash\nplacement: {role: proxy}\nargspec: {args: [{name: key, type: string, format: secret, required: true}]}\n")
        cluster = self.cluster()

        def nowhere():
            for path in cluster.room.rglob("*"):
                if path.is_file():
                    self.assertNotIn(CANARY.encode(), path.read_bytes(), path)
        run, node = self.placed("reads", self.first, args={"key": CANARY})
        self.assertEqual(node, "n2")
        until((self.folder_of(cluster, node, run) / "starts").exists, "it has read it")
        nowhere()
        self.let_go(cluster, node, run)
        said = [data["message"] for _, kind, data in events_of(self.stream(run, cluster[2])) if kind == "step.log"]
        self.assertIn(hashlib.sha256(CANARY.encode()).hexdigest(), said[0])
        self.assertEqual(said[-1], "[secret]")
        nowhere()
        for member in cluster.members:
            self.assertEqual(member.stop(), 0)
        nowhere()


class AllRunsTest(Placed):
    def events(self, member):
        """What GET /events tells, as it comes: a function that waits for the end of a run."""
        reply = self.enterContext(member.stream("/events"))
        text = ""

        def told(run):
            nonlocal text
            deadline = time.monotonic() + PATIENCE_S
            while not any(kind == "run.finish" and data["run_id"] == run for _, kind, data in events_of(text[:text.rfind("\n\n") + 2])):
                self.assertLess(time.monotonic(), deadline, text)  # Looked at after each keep-alive.
                text += reply.read1(65536).decode()
            return [(kind, data["status"]) for _, kind, data in events_of(text) if data["run_id"] == run and kind in ("run.canceled", "run.finish")]
        return told

    def test_every_end_is_told_however_it_came(self):
        """[S3-39] Of runs that began and ended while a member stood still, that were canceled in the queue, that are lost with their node."""
        self.job("quick", "echo x\n")
        self.job("one", WAITS, "interpreter: bash\nconcurrency: {group: g}\n")
        cluster = self.cluster()
        leader = cluster.leader()
        reader, gone = cluster.others(leader)
        told = self.events(reader)
        reader.pause()
        run = self.accepted({"job_id": "quick"}, leader)["id"]
        self.ended(run, leader)
        reader.resume()
        self.assertEqual(told(run), [("run.finish", "completed")])
        holder = self.accepted({"job_id": "one", "node": gone.node_id}, leader)["id"]
        waits = self.accepted({"job_id": "one"}, leader)["id"]
        self.assertEqual(leader.post(f"/runs/{waits}:cancel").status, 202)
        self.assertEqual(told(waits), [("run.canceled", "canceled"), ("run.finish", "canceled")])
        until((gone.data / "runs" / holder / "starts").exists, "it runs")
        until(lambda: leader.get(f"/runs/{holder}").json["status"] == "running", "that is known")
        gone.kill()
        self.assertEqual(leader.call("DELETE", f"/v1/nodes/{gone.node_id}").status, 204)
        self.assertEqual(told(holder), [("run.finish", "lost")])


if __name__ == "__main__":
    unittest.main()

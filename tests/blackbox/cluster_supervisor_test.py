"""The supervisor on three nodes: the quick start by curl at one node after the other, a runner, and a leader that dies on the way."""
import itertools
import secrets
import subprocess
import tempfile
import unittest
from pathlib import Path

from cluster_case import ClusterCase
from documents_test import first_json, sections
from planned import Runner, alive, app, pid_of, write_plan
from running_cluster import API_KEY, RunningCluster, count_of
from waiting import until

CURL_LIMIT_S = 60


class KeyedCluster(RunningCluster):
    """Serves an API key; its members hold one cluster key, as from one image. They run no services themselves."""

    def __init__(self, count, *flags):
        super().__init__(count, "--node-side=false", *flags, dev=False)
        key = self.room / "cluster.key"
        key.write_text(secrets.token_hex(32) + "\n")
        key.chmod(0o600)
        self._flags += ("--cluster-key-file", str(key))


class QuickStartTest(ClusterCase):
    def type_in(self, member, script):
        """What the shell prints for commands of the document, typed at one member."""
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", self.prelude.replace("http://127.0.0.1:8070", member.url) + script],
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CURL_LIMIT_S)
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stderr}\n{done.stdout}")
        return done.stdout

    def until_typed(self, cluster, members, script, words):
        """Typed again, at the next member, until the answer has the words; meanwhile every answer says when to come again."""
        def typed():
            printed = self.type_in(next(members), script)
            if words in printed:
                return printed
            self.assertIn('"retryable":true', printed)
            return None
        return cluster.until(typed, f"the answer has {words}")

    def test_by_curl_at_one_node_after_the_other(self):
        """[S1-14] [S1-15] [S1-16] [S1-17] [S2-01] Register at one, plan at another; the leader dies; beats and reports go to those that are left."""
        code = sections("docs/provisioning.md")
        start = code["1. Start the control plane"]
        self.prelude = start[start.index("URL="):] + "\n"
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        Path(self.folder, "api-key").write_text(API_KEY)
        with KeyedCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            one, other = cluster.others(leader)
            self.assertIs(first_json(self.type_in(one, code["2. Register a machine"]))["registered"], True)
            plans = self.type_in(other, code["3. Ask what it should run"])
            self.assertEqual((plans.count('"version":1'), plans.count('"node":"n1"')), (2, 2))
            leader.kill()
            members = itertools.cycle((one, other))
            # A heartbeat's good answer is empty: what follows in the document shows it.
            nodes = self.until_typed(cluster, members, code["4. Send heartbeats"], '"status":"healthy"')
            self.assertIn("edge-a", nodes)
            for member in (one, other):
                shown = self.until_typed(cluster, itertools.cycle((member,)), code["6. The environment they need"], '"g-1"')
                self.assertIn('"storage"', shown)
            plan = self.until_typed(cluster, members, code["3. Ask what it should run"], '"version":1')
            self.assertIn(f'"control_plane_url":"{cluster.leader().url}"', plan)
            leader.start().wait_ready()
            cluster.whole()
            self.assertEqual(count_of(self.same_logs(cluster), "node.registered", "node/n1"), 1)
            self.assertEqual(leader.get("/v1/nodes/n1").json["services_running"], ["capture-daemon"])


class RunnerTest(ClusterCase):
    def test_a_runner_goes_on_when_the_leader_dies(self):
        """[S1-03] [S2-07] [S2-12] [S2-13] [S2-43] It is told at any node what to run, and every node tells what runs."""
        plans = self.enterContext(tempfile.TemporaryDirectory())
        write_plan(plans, app("a"), app("b", after=["a"]))
        with KeyedCluster(3, "--plans-dir", plans) as cluster:
            cluster.whole()
            leader = cluster.leader()
            told, other = cluster.others(leader)
            with Runner(told.url, SUPERVISOR_API_KEY=API_KEY, RUNNER_EXECUTOR="process") as runner:
                self.until_running(cluster, ["a", "b"])
                first = {name: pid_of(runner.state, name) for name in "ab"}
                leader.kill()
                write_plan(plans, app("a"), app("c"))
                self.until_running(cluster, ["a", "c"])
                self.assertEqual(pid_of(runner.state, "a"), first["a"])
                until(lambda: not alive(first["b"]), "b is stopped")
                seq = other.get("/v1/nodes/r1").seq
                self.assertEqual(other.get(f"/v1/status?after={seq}").json["services"]["drift"], [])
                leader.start().wait_ready()
                cluster.whole()
                self.until_running(cluster, ["a", "c"])
            log = self.same_logs(cluster)
            self.assertEqual(count_of(log, "node.registered", "node/r1"), 1)
            self.assertEqual([count_of(log, "service.started", f"service/r1/{name}") for name in "abc"], [1, 1, 1])

    def until_running(self, cluster, names):
        """Until every member that runs shows that the runner beats and runs exactly these."""
        def shown(member):
            node, services = member.get("/v1/nodes/r1"), member.get("/v1/nodes/r1/services")
            if node.status != 200 or services.status != 200:
                return False
            return node.json.get("services_running") == names and services.json.get("applied") == services.json.get("planned")
        cluster.until(lambda: all(shown(member) for member in cluster.running()), f"all show that {names} run")


if __name__ == "__main__":
    unittest.main()

"""A node's own side: it starts what its plan says, keeps it running over its own restarts, and reports what happens."""
import json
import os
import signal
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from planned import alive, app, end_services, write_plan
from running_node import BINARY, RunningNode, free_port


class ServicesCase(unittest.TestCase):
    def serve(self, *apps, **environment):
        """A node that serves, and runs these apps."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.plans = Path(folder.name)
        write_plan(self.plans, *apps)
        node = RunningNode("--node-side", "--plans-dir", folder.name, "--dev", "--node-id", "n1", "--service-backoff", "10ms",
                           environment={"ROLE_HINT": "server", "RUNNER_EXECUTOR": "process", **environment})
        node.__enter__()
        self.state = node.folder / "data"
        self.addCleanup(self.end, node)
        self.caller = Caller(node.port, Authorization="Bearer dev-token")
        return node

    def end(self, node):
        node.stop()  # First: it would start them again.
        end_services(node.folder / "data")
        node.__exit__()

    def services(self):
        return {row["name"]: row for row in self.caller.get("/v1/services").json}

    def wait_for(self, good):
        """The services once good(them)."""
        self.caller.shown("/v1/services", lambda answer: good({row["name"]: row for row in answer.json}))
        return self.services()

    def running(self, *names):
        return self.wait_for(lambda all_: all(all_.get(name, {}).get("state") == "running" for name in names))

    def events(self, kind, name):
        lines = self.caller.get(f"/v1/events?type={kind}&stream=service/n1/{name}").body.splitlines()
        return [json.loads(line)["data"] for line in lines]

    def no_drift(self):
        return self.caller.shown("/v1/status", lambda answer: answer.json["services"]["drift"] == []).json


class LifeTest(ServicesCase):
    def test_services_follow_the_plan(self):
        """[S2-07] [S2-11] [S2-12] [S2-14] Registered, planned, started in order; changed, removed; each step an event; cluster.json says so."""
        node = self.serve(app("a"), app("b", after=["a"]), app("c"))
        before = self.running("a", "b", "c")
        starts = [json.loads(line)["data"]["name"] for line in
                  self.caller.get("/v1/events?type=service.started").body.splitlines()]
        self.assertEqual(starts, ["a", "b", "c"])
        self.no_drift()
        self.assertIn("n1", [row["id"] for row in self.caller.get("/v1/nodes").json])
        path = node.folder / "data" / "discovery" / "cluster.json"
        text = path.read_text()
        kept = json.loads(text)
        self.assertEqual((kept["node_id"], kept["services"]), ("n1", ["a", "b", "c"]))
        self.assertIn(kept["role"], ("worker", "leader"))
        self.assertEqual(kept["plan_generation"], self.caller.get("/v1/plans/n1").json["generation"])
        self.assertEqual((text[:4], stat.S_IMODE(path.stat().st_mode)), ('{\n  ', 0o600))

        write_plan(self.plans, app("a"), app("b", env={"V": "two"}))
        after = self.wait_for(lambda all_: set(all_) == {"a", "b"} and all_["b"]["state"] == "running" and all_["b"]["starts"] == 2)
        self.assertEqual((before["a"]["pid"], before["a"]["run"]), (after["a"]["pid"], after["a"]["run"]))
        self.assertNotEqual(before["b"]["pid"], after["b"]["pid"])
        self.assertFalse(alive(before["c"]["pid"]))
        self.assertFalse(alive(before["b"]["pid"]))
        self.assertEqual(self.events("service.stopped", "c")[0]["reason"], "removed")
        self.assertEqual(self.events("service.stopped", "b")[0]["reason"], "changed")
        self.no_drift()
        self.assertIn("started two", self.caller.get("/v1/services/b/logs").body.decode())

    def test_what_runs_is_left_alone_over_a_kill_of_the_node(self):
        """[S2-42] The same process before and after; one that ended meanwhile is started again and told of once."""
        node = self.serve(app("a"), app("b"))
        before = self.running("a", "b")
        self.no_drift()
        node.stop(signal.SIGKILL)
        self.assertTrue(alive(before["a"]["pid"]))
        os.killpg(before["b"]["pid"], signal.SIGKILL)
        node.__enter__()
        after = self.wait_for(lambda all_: all_["b"]["starts"] == 2 and all_["b"]["state"] == "running")
        self.assertEqual((after["a"]["pid"], after["a"]["starts"]), (before["a"]["pid"], 1))
        self.assertEqual([e["known"] for e in self.events("service.exited", "b")], [False])
        self.assertEqual(self.events("service.exited", "a"), [])
        write_plan(self.plans)
        self.wait_for(lambda all_: not all_)
        self.assertFalse(alive(before["a"]["pid"]))

    def test_who_does_not_stop_is_killed_with_all_it_started(self):
        """[S2-12] After its grace."""
        stubborn = ["/bin/sh", "-c", "trap '' TERM; tail -f /dev/null & echo $! > child; wait; tail -f /dev/null"]
        with tempfile.TemporaryDirectory() as folder:
            self.serve(app("s", stubborn, cwd=folder), MUSTER_SERVICE_GRACE="100ms")
            self.running("s")
            child = Path(folder, "child")
            self.caller.until("/healthz", lambda _: child.exists() and child.read_text().strip())
            write_plan(self.plans)
            self.wait_for(lambda all_: not all_)
            self.assertTrue(self.events("service.stopped", "s")[0]["killed"])
            self.assertFalse(alive(int(child.read_text())))


class FailingTest(ServicesCase):
    def test_five_ends_are_a_crash_loop_and_show_as_drift(self):
        """[S2-12] Each end is an event with its code; what comes after is held up; a mended plan mends it."""
        self.serve(app("bad", ["/bin/sh", "-c", "echo dying; exit 3"], restart="always", health={"http": f"http://127.0.0.1:{free_port()}/"}),
                   app("next"))
        row = self.wait_for(lambda all_: all_.get("bad", {}).get("reason") == "crash_loop")["bad"]
        self.assertEqual((row["state"], row["starts"]), ("failed", 5))
        self.assertEqual([e["code"] for e in self.events("service.exited", "bad")], [3] * 5)
        self.assertNotIn("next", self.services())
        drift = self.caller.get("/v1/status").json["services"]["drift"]
        self.assertEqual([(one["service"], one["problem"]) for one in drift], [("bad", "failed: crash_loop"), ("next", "not started")])
        self.assertEqual(drift, self.caller.get("/v1/nodes/n1/services").json["drift"])
        write_plan(self.plans, app("bad"), app("next"))
        self.running("bad", "next")
        self.no_drift()

    def test_a_command_that_is_not_there_is_named(self):
        """A start that fails says why."""
        self.serve(app("none", ["/nonexistent/program"], restart="no"), app("nowhere", cwd="/nonexistent", restart="no"))
        row = self.wait_for(lambda all_: all_.get("none", {}).get("state") == "failed")["none"]
        self.assertIn("/nonexistent/program", row["message"])

    def test_a_service_waits_for_the_health_of_the_one_before(self):
        """[S2-75] Nothing starts until the probe is answered."""
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            serve = ["/bin/sh", "-c", f"while [ ! -e go ]; do read x < pipe; done; exec python3 -m http.server --bind 127.0.0.1 {port}"]
            os.mkfifo(Path(folder, "pipe"))
            self.serve(app("web", serve, cwd=folder, health={"http": f"http://127.0.0.1:{port}/", "timeout_sec": 600}), app("after"))
            self.wait_for(lambda all_: all_.get("web", {}).get("state") == "starting")
            self.assertNotIn("after", self.services())
            Path(folder, "go").touch()
            fd = os.open(Path(folder, "pipe"), os.O_RDWR)
            os.write(fd, b"\n" * 8)
            self.addCleanup(os.close, fd)
            self.running("web", "after")
            self.assertLessEqual(self.services()["web"]["since"], self.services()["after"]["since"])


class CommandLineTest(ServicesCase):
    def muster(self, node, *words):
        return subprocess.run([BINARY, *words, "--server", node.url, "--token", "dev-token"], capture_output=True, text=True, timeout=60)

    def test_the_verb_lists_services_and_prints_logs(self):
        """muster :services, :services logs NAME, --follow, and a log of another node."""
        node = self.serve(app("talk", ["/bin/sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; exec tail -f /dev/null"]))
        self.running("talk")
        said = self.muster(node, ":services")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"n1 +talk +running")
        self.caller.until("/v1/services/talk/logs", lambda answer: b"line 5" in answer.body)
        self.assertEqual(self.muster(node, ":services", "logs", "talk", "--lines", "2").stdout, "line 4\nline 5\n")
        with subprocess.Popen([BINARY, ":services", "logs", "talk", "--follow", "--lines", "1", "--server", node.url, "--token", "dev-token"],
                              stdout=subprocess.PIPE, text=True) as follow:
            self.assertEqual(follow.stdout.readline(), "line 5\n")
            with open(node.folder / "data" / "services" / "talk" / "log", "a") as log:
                log.write("more\n")
            self.assertEqual(follow.stdout.readline(), "more\n")
            follow.kill()
        self.caller.post("/v1/nodes/register", {"node_id": "n2"})
        fact = {"type": "service.started", "name": "far", "local_seq": 1, "at": "2026-01-02T03:04:05.000Z", "run": "r"}
        answer = self.caller.until("/v1/nodes/n2", lambda one: one.status == 200)
        answer = self.caller.post("/v1/nodes/n2/services", {"source": "s", "facts": [fact]})
        self.assertEqual((answer.status, answer.json), (200, {"taken_to": 1}))
        self.caller.get(f"/v1/services?after={answer.seq}")
        refused = self.muster(node, ":services", "logs", "far")
        self.assertEqual(refused.returncode, 4)
        self.assertIn("n2", refused.stderr)
        again = self.caller.post("/v1/nodes/n2/services", {"source": "s", "facts": [fact]})
        self.assertEqual(again.json, {"taken_to": 1})
        self.assertEqual(len(self.caller.get("/v1/events?stream=service/n2/far").body.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()

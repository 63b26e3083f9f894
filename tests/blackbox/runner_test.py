"""muster :runner: a node without a log, told what to run by a control plane elsewhere, real or faked."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from caller import Caller
from environment_test import PROFILE, profile_file, put_profile
from planned import Runner, alive, app, pid_of, write_plan
from running_cluster import RunningCluster
from running_node import BINARY, RunningNode
from waiting import until


class FakeControlPlane:
    """Fake: answers as a test sets it, and remembers what it was asked. `answers` maps a path to a function of the body."""

    def __init__(self):
        self.asked = []  # (path, body, headers)
        self.answers = {
            "/v1/nodes/register": lambda body: (200, {"registered": True, "node_id": body["node_id"], "ttl_seconds": 3}),
            "/v1/nodes/plan": lambda body: (200, self.plan),
            "/v1/nodes/heartbeat": lambda body: (204, None),
        }
        self.plan = {"version": 1, "node": "r1", "apps": [], "role": "worker", "epoch": 7, "ttl_seconds": 3,
                     "control_plane_url": "http://c:1", "gateway_url": "http://g:1", "generation": "g-1"}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size) or b"null")
                fake.asked.append((self.path, body, dict(self.headers)))
                status, reply = fake.answers.get(self.path, lambda _: (404, {}))(body)
                text = b"" if reply is None else json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # A runner that stops hangs up.
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def paths(self):
        return [path for path, _, _ in list(self.asked) if path.startswith("/v1/nodes/") or path.startswith("/api/")]

    def count(self, path):
        return self.paths().count(path)


REGISTER, PLAN, BEAT = "/v1/nodes/register", "/v1/nodes/plan", "/v1/nodes/heartbeat"


class ConversationTest(unittest.TestCase):
    def test_it_registers_asks_and_beats(self):
        """[S1-03] [S1-04] [S2-07] [S2-11] [S2-13] By environment alone; three beats and more within a few TTLs; cluster.json."""
        with FakeControlPlane() as fake, Runner(fake.url, RUNNER_EXECUTOR="docker", SUPERVISOR_API_KEY="k", SUPERVISOR_TOKEN="t",
                                                LABELS="site=north,rack=4") as runner:
            runner.until(lambda: fake.count(BEAT) >= 3, "beats")
            self.assertEqual(fake.paths()[:2], [REGISTER, PLAN])
            self.assertEqual((runner.folder / "output").read_text().count("node profile error=status 404"), 1)
            by_path = {path: (body, headers) for path, body, headers in reversed(fake.asked)}
            self.assertEqual(by_path[REGISTER][0]["labels"], {"site": "north", "rack": "4"})
            self.assertEqual(by_path[PLAN][0]["role_hint"], "server")
            self.assertEqual(by_path[PLAN][1].get("Authorization"), "Bearer t")
            self.assertNotIn("X-Api-Key", {name.title() for name in by_path[PLAN][1]})
            kept = runner.cluster_file()
            self.assertEqual((kept["node_id"], kept["role"], kept["epoch"], kept["control_plane_url"], kept["plan_generation"], kept["ttl_seconds"]),
                             ("r1", "worker", 7, "http://c:1", "g-1", 3))

    def test_refused_it_registers_again(self):
        """[S2-48] [S2-49] 401 or 403 on a plan, 404 on a plan, 401 on a heartbeat: register, then ask again."""
        for path, status in ((PLAN, 401), (PLAN, 403), (PLAN, 404), (BEAT, 401), (BEAT, 403), (BEAT, 404)):
            with self.subTest(path=path, status=status), FakeControlPlane() as fake:
                good = fake.answers[path]
                first = iter([True])
                fake.answers[path] = lambda body: (status, {}) if next(first, False) else good(body)
                with Runner(fake.url) as runner:
                    runner.until(lambda: fake.count(REGISTER) == 2 and fake.paths()[-1] != REGISTER, "a second registration")
                    paths = fake.paths()
                    refused = paths.index(path)
                    self.assertIn(REGISTER, paths[refused:])
                    again = refused + paths[refused:].index(REGISTER)
                    self.assertNotIn(path, paths[refused + 1:again])
                    runner.until(lambda: path in fake.paths()[again:], "it asks again")

    def test_the_claim_comes_first_and_once(self):
        """[S2-07] CLAIM_TOKEN is used on the first boot, before the first plan; a refusal is only logged."""
        with FakeControlPlane() as fake, Runner(fake.url, CLAIM_TOKEN="c0") as runner:
            runner.until(lambda: fake.count(PLAN) >= 1, "a plan")
            self.assertEqual(fake.paths()[:3], ["/api/claims/fulfill", REGISTER, PLAN])
            self.assertEqual(fake.asked[0][1]["token"], "c0")
            runner.until(runner.cluster_file, "cluster.json")
            runner.stop()
            before = fake.count(PLAN)
            runner.__enter__()
            runner.until(lambda: fake.count(PLAN) > before, "a plan after the restart")
            self.assertEqual(fake.count("/api/claims/fulfill"), 1)

    def test_a_plan_for_another_node_is_not_applied(self):
        """[S2-17] A node applies only what is for it; the last good plan goes on."""
        with FakeControlPlane() as fake, Runner(fake.url, RUNNER_EXECUTOR="process") as runner:
            fake.plan = {**fake.plan, "node": "r2", "apps": [app("wrong")]}
            runner.until(lambda: fake.count(PLAN) >= 3, "plans")
            self.assertEqual(list((runner.state / "services").iterdir()), [])
            fake.plan = {**fake.plan, "node": "r1", "apps": [app("right")], "generation": "g-2"}
            runner.until(lambda: pid_of(runner.state, "right"), "its own plan")
            self.assertIsNone(pid_of(runner.state, "wrong"))

    def test_a_plan_of_a_leader_that_another_followed_is_not_applied(self):
        """[S2-10] Of the same cluster no older epoch counts, over a restart neither; another cluster counts from its own."""
        with FakeControlPlane() as fake:
            fake.plan = {**fake.plan, "cluster": "c", "epoch": 9, "apps": [app("new")], "generation": "g-9"}
            with Runner(fake.url, RUNNER_EXECUTOR="process") as runner:
                runner.until(lambda: runner.cluster_file().get("epoch") == 9 and pid_of(runner.state, "new"), "the plan is applied")
                fake.plan = {**fake.plan, "epoch": 8, "apps": [app("old")], "generation": "g-8"}
                for _ in range(2):
                    asked = fake.count(PLAN)
                    runner.until(lambda: fake.count(PLAN) >= asked + 3, "it is told the stale plan")
                    self.assertIsNone(pid_of(runner.state, "old"))
                    self.assertTrue(pid_of(runner.state, "new"))
                    self.assertEqual((runner.cluster_file()["cluster"], runner.cluster_file()["epoch"]), ("c", 9))
                    runner.stop()
                    runner.__enter__()
                fake.plan = {**fake.plan, "cluster": "d", "epoch": 1}
                runner.until(lambda: pid_of(runner.state, "old"), "the other cluster's plan is applied")

    def test_beats_go_on_while_a_service_is_waited_for(self):
        """[S2-65] A service that is never healthy holds nothing else up."""
        with FakeControlPlane() as fake:
            slow = app("slow", health={"http": "http://127.0.0.1:9/never", "timeout_sec": 3600})
            fake.plan = {**fake.plan, "apps": [slow]}
            with Runner(fake.url, RUNNER_EXECUTOR="process") as runner:
                runner.until(lambda: any(body["services_running"] == ["slow"] for path, body, _ in list(fake.asked) if path == BEAT), "it runs")
                before = fake.count(BEAT)
                runner.until(lambda: fake.count(BEAT) >= before + 3, "beats go on")


    def test_a_report_waits_for_nothing_that_is_refused(self):
        """[S2-31] Facts that a control plane does not record hold up no report; one that is too long for it holds up no other."""
        with FakeControlPlane() as fake:
            fake.plan = {**fake.plan, "apps": [app("a")]}
            fake.answers["/v1/bootstrap/profile"] = lambda _: (200, {"storage": [{"name": "media"}]})
            fake.answers["/v1/nodes/r1/services"] = lambda _: (409, {})
            fake.answers["/v1/bootstrap/events"] = lambda body: (413 if body["component"] == "storage" else 204, None)
            with Runner(fake.url, RUNNER_EXECUTOR="process") as runner:
                def told():
                    return [body["component"] for path, body, _ in list(fake.asked) if path == "/v1/bootstrap/events"]
                runner.until(lambda: fake.count("/v1/nodes/r1/services") >= 2, "facts are refused")
                runner.until(lambda: {"broker", "index"} <= set(told()), "reports are told")
                self.assertEqual(told().count("storage"), 2)  # What was intended, and what came of it.


class StartTest(unittest.TestCase):
    def start(self, **environment):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in environment.pop("files", {}).items():
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, name).write_text(text)
            return subprocess.run([BINARY, ":runner"], cwd=folder, env={"PATH": os.environ["PATH"], **environment}, capture_output=True,
                                  text=True, timeout=60)

    def test_without_a_control_plane_it_says_so(self):
        """[S1-03] SUPERVISOR_URL is named."""
        done = self.start()
        self.assertEqual(done.returncode, 2)
        self.assertIn("SUPERVISOR_URL", done.stderr)

    def test_what_it_does_not_serve_is_refused_by_name(self):
        """[S1-04] systemd; and a damaged cluster.json is an error, not a first boot."""
        done = self.start(SUPERVISOR_URL="http://127.0.0.1:9", RUNNER_EXECUTOR="systemd")
        self.assertEqual(done.returncode, 2)
        self.assertIn("RUNNER_EXECUTOR=systemd", done.stderr)
        done = self.start(SUPERVISOR_URL="http://127.0.0.1:9", RUNNER_NODE_ID="r", files={"data/runner/discovery/cluster.json": '{"node_id":'})
        self.assertEqual(done.returncode, 2)
        self.assertIn("cluster.json", done.stderr)


class AgainstANodeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.plans = Path(folder.name)
        write_plan(self.plans, app("a"), app("b", after=["a"]))
        self.node = RunningNode("--plans-dir", folder.name, environment={"SUPERVISOR_API_KEY": "k"})
        self.node.__enter__()
        self.addCleanup(self.node.__exit__)
        self.caller = Caller(self.node.port, X_API_Key="k")

    def runner(self, **more):
        return Runner(self.node.url, SUPERVISOR_API_KEY="k", RUNNER_EXECUTOR="process", **more)

    def rows(self, good):
        return self.caller.shown("/v1/services", lambda answer: good({row["name"]: row for row in answer.json})).json

    def test_what_runs_is_what_the_control_plane_says(self):
        """[S1-03] [S2-07] [S2-12] [S2-17] Services of a real node's plan, on another node."""
        with self.runner():
            self.rows(lambda all_: all(all_.get(name, {}).get("state") == "running" for name in "ab"))
            self.caller.shown("/v1/nodes/r1/services", lambda answer: answer.json.get("applied") == answer.json.get("planned"))
            self.assertEqual(self.caller.get("/v1/status").json["services"]["drift"], [])
            self.caller.shown("/v1/nodes", lambda answer: answer.json and answer.json[0].get("services_running") == ["a", "b"])

    def test_it_is_told_when_its_plan_changed(self):
        """[S2-14] It polls every hour only, and applies the new plan still."""
        with self.runner(MUSTER_POLL_EVERY="1h") as runner:
            runner.until(lambda: pid_of(runner.state, "b"), "the first plan is applied")
            write_plan(self.plans, app("a"), app("b", after=["a"]), app("c"))
            runner.until(lambda: pid_of(runner.state, "c"), "the second plan is applied")

    def test_offline_it_goes_on_and_what_happened_arrives_once(self):
        """[S2-42] [S2-43] The control plane is gone: the cached plan is kept up, over a restart of the runner, too; then facts come once, and the newest plan."""
        with self.runner() as runner:
            self.rows(lambda all_: all(all_.get(name, {}).get("state") == "running" for name in "ab"))
            first = {name: pid_of(runner.state, name) for name in "ab"}
            self.node.stop()
            os.killpg(first["a"], signal.SIGKILL)
            second = runner.until(lambda: (pid := pid_of(runner.state, "a")) not in (None, first["a"]) and pid, "a is started again")
            runner.stop(signal.SIGKILL)
            os.killpg(second, signal.SIGKILL)
            runner.__enter__()
            runner.until(lambda: (pid := pid_of(runner.state, "a")) not in (None, first["a"], second) and pid, "a is started from the cached plan")
            self.assertEqual(pid_of(runner.state, "b"), first["b"])
            write_plan(self.plans, app("a"))
            self.node.__enter__()
            self.rows(lambda all_: set(all_) == {"a"} and all_["a"]["state"] == "running")
            self.assertFalse(alive(first["b"]))
            lines = [json.loads(line) for line in self.caller.get("/v1/events?stream=service/r1/a").body.splitlines()]
            facts = [(line["data"]["source"], line["data"]["local_seq"]) for line in lines]
            self.assertEqual(len(facts), len(set(facts)))
            kinds = [line["type"] for line in lines]
            self.assertEqual(kinds.count("service.exited"), 2)
            self.assertEqual(kinds.count("service.started"), 3)


    def test_another_control_plane_is_told_what_runs(self):
        """[S2-51] It was started and ended before anybody there heard of it: it shows there all the same, without drift."""
        once = app("once", ["/bin/true"], restart="no")
        write_plan(self.plans, app("a"), once)
        states = {"a": "running", "once": "done"}
        with self.runner() as runner, RunningNode("--plans-dir", str(self.plans), environment={"SUPERVISOR_API_KEY": "k"}) as other:
            self.rows(lambda all_: {name: row["state"] for name, row in all_.items()} == states)
            before = pid_of(runner.state, "a")
            runner.stop()
            runner.environment["SUPERVISOR_URL"] = other.url
            runner.__enter__()
            there = Caller(other.port, X_API_Key="k")
            rows = there.shown("/v1/services", lambda answer: {row["name"]: row["state"] for row in answer.json} == states).json
            self.assertEqual([row.get("pid") for row in rows if row["name"] == "a"], [before])
            there.shown("/v1/status", lambda answer: answer.json["services"]["drift"] == [])
            started = there.get("/v1/events?type=service.started&stream=service/r1/a").body.splitlines()
            self.assertEqual(len(started), 1)


class EnvironmentTest(unittest.TestCase):
    """A control plane's profile, made and kept where a runner is."""

    def setUp(self):
        self.profile = self.enterContext(profile_file())
        self.node = self.enterContext(RunningNode("--profile", self.profile.name, environment={"SUPERVISOR_API_KEY": "k"}))
        self.caller = Caller(self.node.port, X_API_Key="k")

    def runner(self, **more):
        return Runner(self.node.url, SUPERVISOR_API_KEY="k", MUSTER_ENVIRONMENT_INTERVAL="200ms", LOG_LEVEL="debug", **more)

    def told(self, **statuses):
        """Until the control plane was told these statuses of its components."""
        def said():
            rows = self.caller.get("/v1/bootstrap/status?node_id=r1").json.get("components", {})
            return {name: row["status"] for name, row in rows.items()} == statuses and rows
        return until(said, f"it is told: {statuses}")

    def looks(self, runner, component):
        """How often it has looked."""
        lines = (runner.folder / "output").read_text().splitlines()
        return sum('"message":"environment"' in line and f'"component":"{component}"' in line for line in lines)

    def test_the_profile_is_made_and_kept(self):
        """[S2-16] [S2-28a] [S2-30] [S2-31] [S2-39] With nothing installed, and told; what is taken away comes back, and an edit and a pause are heard at once."""
        with self.runner(MUSTER_POLL_EVERY="1h") as runner:
            told = self.told(storage="ok", broker="ok", index="ok")
            self.assertEqual({row["generation"] for row in told.values()}, {self.caller.get("/v1/bootstrap/profile").json["generation"]})
            bucket = runner.state / "objects" / "media"
            self.assertTrue(bucket.is_dir())
            shutil.rmtree(bucket)
            runner.until(bucket.is_dir, "the bucket is back")
            self.assertEqual(self.caller.post("/v1/bootstrap/pause", {"components": ["storage"], "reason": "moving"}).status, 200)
            self.told(storage="skipped", broker="ok", index="ok")
            shutil.rmtree(bucket)
            looks = self.looks(runner, "index")
            runner.until(lambda: self.looks(runner, "index") > looks + 2, "it looks again")
            self.assertFalse(bucket.exists())
            put_profile(self.profile.name, PROFILE + "topics: [{name: t}]\n")
            self.told(storage="skipped", broker="ok", index="ok", topics="error")
            self.assertEqual(self.caller.post("/v1/bootstrap/resume", {}).status, 200)
            runner.until(bucket.is_dir, "the bucket is back")

    def test_offline_it_goes_on_by_the_profile_that_it_knew(self):
        """[S2-42] [S2-43] No control plane answers: over a restart of the runner, too, what is taken away is made again; that is told later."""
        with self.runner() as runner:
            self.told(storage="ok", broker="ok", index="ok")
            bucket = runner.state / "objects" / "media"
            self.node.stop()
            runner.stop(signal.SIGKILL)
            shutil.rmtree(bucket)
            runner.__enter__()
            runner.until(bucket.is_dir, "the bucket is back")
            shutil.rmtree(bucket)
            runner.until(bucket.is_dir, "the bucket is back again")
            self.node.__enter__()
            def applies():
                lines = self.caller.get("/v1/events?from=1&type=bootstrap.reported&stream=bootstrap/r1").body.splitlines()
                events = [json.loads(line)["data"] for line in lines]
                return [(event["action"], event["status"]) for event in events if event["component"] == "storage"]
            until(lambda: applies() == 3 * [("apply", "ok")], "all applies are told")

    def test_a_server_is_used_where_one_is_configured(self):
        """[S2-36] [S2-37] [S2-38] By the same settings as of a node that serves."""
        with self.runner(MINIO_ENDPOINT="http://127.0.0.1:9", WEAVIATE_URL="http://127.0.0.1:9") as runner:
            self.told(storage="error", broker="ok", index="error")
            self.assertFalse((runner.state / "objects").exists())
        with self.runner(AMQP_URL="amqp://u:canary@127.0.0.1:9") as runner:
            self.told(storage="ok", broker="error", index="ok")
            self.assertNotIn("canary", (runner.folder / "output").read_text())

    def test_two_runners_cannot_have_one_folder(self):
        """The second says so, and ends."""
        with self.runner() as runner:
            self.told(storage="ok", broker="ok", index="ok")
            done = subprocess.run([BINARY, ":runner"], cwd=runner.folder, env=runner.environment, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 5, done)
            self.assertIn("LOCK", done.stderr)


class AgainstAClusterTest(unittest.TestCase):
    def test_when_the_member_that_it_was_given_is_gone_it_asks_another(self):
        """[S2-51] It keeps who the members are, over a restart of its own, too."""
        with tempfile.TemporaryDirectory() as plans:
            write_plan(plans, app("a"))
            with RunningCluster(0) as cluster:
                for _ in range(3):
                    member = cluster.add()
                    member.plans = plans
                    member.start()
                cluster.whole()
                given = cluster.leader()
                with Runner(given.url, SUPERVISOR_TOKEN="dev-token", RUNNER_EXECUTOR="process") as runner:
                    urls = sorted(member.url for member in cluster.members)
                    runner.until(lambda: sorted(runner.cluster_file().get("members", [])) == urls, "it knows the members")
                    runner.until(lambda: pid_of(runner.state, "a"), "its plan is applied")
                    given.kill()
                    write_plan(plans, app("a"), app("b"))
                    runner.until(lambda: pid_of(runner.state, "b"), "another member gave it the new plan")
                    runner.stop()
                    write_plan(plans, app("a"), app("b"), app("c"))
                    runner.__enter__()
                    runner.until(lambda: pid_of(runner.state, "c"), "after a restart, too")


if __name__ == "__main__":
    unittest.main()

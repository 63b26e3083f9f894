"""A job on the command line that runs on a node: one that is named, or the one that serves the data folder."""
import json
import os
import signal
import subprocess
import unittest

from jobs_http_test import WAITS, Jobs
from running_cluster import RunningCluster
from running_node import BINARY
from waiting import PATIENCE_S, until

GREETS = 'echo "hello $ARG_NAME"; echo "from $ARG_GREETING" >&2\n'
GREETS_CONFIG = """interpreter: bash
argspec:
  args:
    - {name: name, type: string, required: true}
    - {name: greeting, type: string, default: me}
    - {name: pass, type: string, secret: true}
"""


class RemoteJobTest(Jobs):
    def setUp(self):
        super().setUp()
        self.job("greet", GREETS, GREETS_CONFIG)

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "MUSTER_TOKEN": "dev-token", **more}

    def muster(self, *words, cwd="/", **environment):
        return subprocess.run([BINARY, *words], env=self.environment(**environment), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE_S, cwd=cwd)

    def remote(self, *words):
        return self.muster(*words, MUSTER_REMOTE=f"http://127.0.0.1:{self.node.port}")

    def runs(self):
        return self.caller.get("/runs").json

    def test_the_node_that_is_named_runs_it(self):
        """[S3-09] [S3-54] With the node's scripts; output, events and exit status are as those of a run right here."""
        self.serve()
        done = self.remote("greet", "--name", "Ana", "--pass", "canary-7")
        self.assertEqual((done.returncode, done.stdout), (0, "hello Ana\n"), done)
        self.assertIn("from me\n", done.stderr)
        self.assertRegex(done.stderr, r"\[\d+\] run\.start run=run-\S+ data=\{\"job_id\":\"greet\"\}")
        self.assertRegex(done.stderr, r"\[\d+\] run\.finish run=run-\S+ data=\{\"status\":\"completed\"\}")
        run, = self.runs()
        self.assertEqual((run["status"], run["job_id"]), ("completed", "greet"))
        log = self.caller.get("/v1/events?type=run.accepted").body
        self.assertIn(b'"pass":"[secret]"', log)
        self.assertNotIn(b"canary-7", log)
        self.assertIn("--name", self.remote("greet", "--help").stdout)

    def test_it_has_names_of_before(self):
        """FLOWD_REMOTE or FLWD_API and FLOWD_TOKEN or FLWD_TOKEN name the node and the token, for jobs and verbs."""
        self.serve("--api-key", "unknown")
        token = self.caller.post("/v1/tokens", {"name": "ci", "scopes": ["jobs:read", "runs:read", "runs:write", "events:read"]}).json["token"]
        for node, secret in (("FLOWD_REMOTE", "FLOWD_TOKEN"), ("FLWD_API", "FLWD_TOKEN")):
            environment = {node: f"http://127.0.0.1:{self.node.port}", secret: token, "MUSTER_TOKEN": ""}
            done = self.muster("greet", "--name", "Ana", "-q", **environment)
            self.assertEqual((done.returncode, done.stdout), (0, "hello Ana\n"), done)
            for words in ((":jobs",), (":plan", "greet"), (":runs",)):
                done = self.muster(*words, **environment)
                self.assertEqual((done.returncode, "greet" in done.stdout), (0, True), done)
        self.assertEqual({run["requested_by"] for run in self.runs()}, {"ci"})

    def test_the_profile_is_kept_there(self):
        """-vvv goes with it."""
        self.serve()
        self.assertEqual(self.remote("greet", "--name", "Ana", "-vvv").returncode, 0)
        profile, = (self.folder / "data" / "runs").glob("*/*profile.sh")
        self.assertIn("export name='Ana'", profile.read_text())

    def test_verbs_find_the_node_that_serves_the_folder(self):
        """Wherever it listens; jobs are listed and planned by it, unless a flag names a folder of scripts."""
        self.serve()
        other = self.folder / "other" / "mine" / "config.d"
        other.mkdir(parents=True)
        (other / "config.yaml").write_text("interpreter: bash\n")
        here = {"MUSTER_DATA": str(self.folder / "data"), "MUSTER_SCRIPTS_ROOT": str(self.folder / "other")}
        said = lambda *words, status=0: (done := self.muster(*words, **here)).returncode == status and done.stdout + done.stderr
        self.assertIn("greet", said(":jobs"))
        self.assertIn("mine", said(":jobs", "--scripts-root", str(self.folder / "other")))
        self.assertNotIn("mine", said(":jobs"))
        self.assertIn("--greeting", said(":plan", "greet"))
        self.assertIn("one job", said(":plan", "greet", "more", status=2))
        self.assertIn("nosuch", said(":plan", "nosuch", status=4))
        self.assertIn("profile disabled", said(":plan", "greet", "--profile", "disabled"))
        self.assertIn("there are no runs", said(":runs"))
        self.assertIn("there are no sources", said(":sources"))
        self.assertIn("there are no runs", self.muster(":runs", "--data", str(self.folder / "data")).stdout)
        self.node.stop()
        self.assertIn("mine", said(":jobs"))

    def test_a_listing_there_is_as_it_is_here(self):
        """Each job's folder, what its aliases stand for, and those that collide or lead nowhere, for who may see them."""
        self.job("build", "echo built\n")
        (self.root / "flwd.yaml").write_text(
            "aliases: [{from: greet, to: hi, description: Short}, {from: greet, to: Both}, {from: build, to: both},"
            " {from: nothing, to: lost}, {from: greet, to: build}, {from: greet, to: ':own'}]\n")
        listed = lambda **where: json.loads(self.muster(":jobs", "--json", **where).stdout)
        here = listed(MUSTER_SCRIPTS_ROOT=str(self.root), MUSTER_DATA=str(self.folder / "nowhere"))
        self.assertEqual(sorted(here["alias_invalid"]), [":own", "build", "lost"])
        self.assertEqual([one["target_id"] for one in here["alias_collisions"]["both"]], ["build", "greet"])
        self.serve()
        url = f"http://127.0.0.1:{self.node.port}"
        self.assertEqual(listed(MUSTER_REMOTE=url), here)
        reads = self.caller.post("/v1/tokens", {"name": "ci", "scopes": ["jobs:read"]}).json["token"]
        self.assertEqual(listed(MUSTER_REMOTE=url, MUSTER_TOKEN=reads), {"jobs": here["jobs"]})
        self.assertEqual([row["id"] for row in self.caller.get("/jobs").json], ["both", "build", "greet", "hi"])
        self.assertFalse([row for row in self.caller.get("/jobs").json if {"path", "alias_id"} & set(row)])

    def test_a_hidden_alias_is_known_there_as_it_is_here(self):
        """Who may not see aliases may name them; one that collides or leads nowhere is refused as what it is."""
        (self.root / "flwd.yaml").write_text("aliases: [{from: greet, to: hi}, {from: greet, to: both}, {from: lost, to: both}, {from: nothing, to: lost}]\n")
        self.serve()
        token = self.caller.post("/v1/tokens", {"name": "ci", "scopes": ["jobs:read", "runs:read", "runs:write", "events:read"]}).json["token"]
        asked = lambda *words: self.muster(*words, MUSTER_REMOTE=f"http://127.0.0.1:{self.node.port}", MUSTER_TOKEN=token)
        self.assertNotIn("hi", asked(":jobs").stdout.split())
        done = asked("hi", "--name", "Ana", "-q")
        self.assertEqual((done.returncode, done.stdout), (0, "hello Ana\n"), done)
        self.assertIn("--greeting", asked("hi", "--help").stdout)
        self.assertIn("name", asked("hi").stderr)
        self.assertEqual(json.loads(asked(":plan", "hi", "--json").stdout)["provenance"]["alias"]["target_path"], "greet")
        for name, code in (("both", "alias.collision"), ("lost", "alias.target.invalid"), ("gret", "job.unknown")):
            self.assertIn(code, asked(":plan", name, "--json").stderr)
            self.assertIn(name, asked(name).stderr)

    def test_what_is_planned_is_what_is_run(self):
        """A flag --scripts-root that names the node's own folder asks the node; another one is of this machine, for :jobs, :plan and a run."""
        other = self.folder / "other" / "greet" / "config.d"
        other.mkdir(parents=True)
        (other / "config.yaml").write_text("job: {id: greet.other}\ninterpreter: bash\n")
        (other.parent / "000_main.sh").write_text("echo other\n")
        self.serve()
        here = ["--data", str(self.folder / "data"), "--scripts-root"]
        planned = lambda root, *flags: json.loads(self.muster(*here, str(root), *flags, ":plan", "greet", "--json").stdout)["job_id"]
        self.assertEqual(planned(self.root), "greet")
        (self.folder / "link").symlink_to(self.root)
        self.assertEqual(planned(self.folder / "link"), "greet")
        self.assertEqual(self.muster(*here, str(self.folder / "link"), "greet", "--name", "Ana", "-q").stdout, "hello Ana\n")
        self.assertEqual(planned(other.parent.parent), "greet.other")
        refused = self.muster(*here, str(other.parent.parent), "greet", "-q")
        self.assertEqual((refused.returncode, refused.stdout), (5, ""), refused)
        self.assertIn("a node runs on it", refused.stderr)
        away = ["--data", str(self.folder / "away"), "--scripts-root", str(other.parent.parent)]
        url = f"http://127.0.0.1:{self.node.port}"
        self.assertEqual(self.muster(*away, "greet", "-q", MUSTER_REMOTE=url, FLWD_PROFILE="disabled").stdout, "other\n")
        for words in ((":jobs",), (":plan", "greet"), ("greet",)):
            both = self.muster("--server", url, *away, *words)
            self.assertEqual((both.returncode, "which has its own" in both.stderr), (2, True), both)
        self.assertEqual(len(self.runs()), 1)

    def test_flags_go_with_it(self):
        """[S3-54] --json, --report, --exit-code, --on-error, --dry-run and -q do what they do right here."""
        self.job("fails", "exit 7\n")
        (self.root / "fails" / "100_more.sh").write_text("echo more\n")
        self.serve()
        lines = [json.loads(line) for line in self.remote("greet", "--name", "Ana", "--json").stdout.splitlines()]
        self.assertEqual([line["sequence"] for line in lines], sorted(line["sequence"] for line in lines))
        self.assertEqual([line["message"] for line in lines if line["type"] == "step.log" and line["channel"] == "stdout"], ["hello Ana"])
        self.assertEqual(lines[-1]["data"], {"status": "completed"})
        self.assertTrue(all({"timestamp", "run_id"} <= set(line) for line in lines))
        failed = self.remote("fails", "--exit-code", "--on-error", "abort", "-q")
        self.assertEqual((failed.returncode, failed.stdout, failed.stderr), (7, "", ""))
        went_on = self.remote("fails", "-q", "--on-error", "continue", "--report", "json")
        self.assertEqual((went_on.returncode, went_on.stdout.splitlines()[0]), (1, "more"))
        report = json.loads(went_on.stdout.partition("\n")[2])
        self.assertEqual([(row["Name"], row["ExitCode"]) for row in report], [("000_main.sh", 7), ("100_more.sh", 0)])
        dry = self.remote("greet", "--name", "Ana", "--dry-run")
        self.assertEqual((dry.returncode, dry.stdout), (0, ""))
        self.assertIn("step.start", dry.stderr)

    def test_what_is_refused_is_refused_before_it_runs(self):
        """A missing argument, a job that is none, no token, no node: each with its code and exit status; nothing is recorded."""
        self.serve()
        for words, environment, code, says in (
                (("greet",), {}, 1, "name"),
                (("greet", "--nmae", "x"), {}, 1, "nmae"),
                (("nosuch",), {}, 4, "nosuch"),
                (("greet", "--name", "x"), {"MUSTER_TOKEN": "wrong"}, 3, "token"),
                (("greet", "--name", "x"), {"MUSTER_REMOTE": "http://127.0.0.1:1"}, 5, "127.0.0.1:1")):
            with self.subTest(words=words):
                done = self.muster(*words, **{"MUSTER_REMOTE": f"http://127.0.0.1:{self.node.port}", **environment})
                self.assertEqual(done.returncode, code, done)
                self.assertIn(says, done.stderr)
        self.assertEqual(self.runs(), [])

    def test_the_node_that_serves_the_folder_runs_it(self):
        """Without being told of it; and when it is gone, the run is embedded again."""
        self.serve()
        words = ("--data", str(self.folder / "data"), "--scripts-root", str(self.root), "greet", "--name", "Ana", "-q")
        done = self.muster(*words)
        self.assertEqual((done.returncode, done.stdout), (0, "hello Ana\n"), done)
        self.assertEqual(self.runs()[0]["requested_by"], "dev")
        self.node.stop(signal.SIGKILL)
        self.assertTrue((self.folder / "data" / "serving.json").exists())
        done = self.muster(*words)
        self.assertEqual((done.returncode, done.stdout), (0, "hello Ana\n"), done)
        self.serve()
        self.assertEqual(len(self.runs()), 2)
        self.assertTrue(any(run["requested_by"].startswith("cli:") for run in self.runs()))

    def test_ctrl_c_cancels_it_there(self):
        self.job("waits", WAITS)
        self.serve()
        command = subprocess.Popen([BINARY, "waits"], env=self.environment(MUSTER_REMOTE=f"http://127.0.0.1:{self.node.port}"),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
        self.assertEqual(command.stdout.readline(), "here\n")
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=PATIENCE_S)
        self.assertEqual(command.returncode, 1)
        self.assertIn('"status":"canceled"', said)
        self.assertEqual(self.runs()[0]["status"], "canceled")

    def test_it_is_followed_over_a_restart_of_the_node(self):
        """kill -9, and start: the command shows the rest of the output, nothing twice."""
        self.job("waits", WAITS)
        self.serve()
        command = subprocess.Popen([BINARY, "waits", "-q"], env=self.environment(MUSTER_REMOTE=f"http://127.0.0.1:{self.node.port}"),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
        self.assertEqual(command.stdout.readline(), "here\n")
        run = self.runs()[0]["id"]
        self.node.stop(signal.SIGKILL)
        self.node.__enter__()
        until(lambda: self.caller.get(f"/runs/{run}").json["status"] == "running", "the run is found again")
        folder, = [path for path in (self.folder / "data" / "runs").glob(f"{run}*") if path.is_dir()]
        (folder / "go").touch()
        out, said = command.communicate(timeout=PATIENCE_S)
        self.assertEqual((command.returncode, out, said), (0, "done\n", ""))

    def test_another_member_runs_it(self):
        """--node names the member; the command asks any."""
        with RunningCluster(2, "--scripts-root", str(self.root)) as cluster:
            asked, other = cluster.wait_ready().members
            asked.until(lambda: asked.get(f"/v1/nodes/{other.node_id}").status == 200, "it knows the other one")
            done = self.muster("greet", "--name", "Ana", "-q", "--node", other.node_id, MUSTER_REMOTE=asked.url)
            self.assertEqual((done.returncode, done.stdout), (0, "hello Ana\n"), done)
            run, = asked.get("/runs").json
            self.assertEqual((run["node_id"], run["status"]), (other.node_id, "completed"))


if __name__ == "__main__":
    unittest.main()

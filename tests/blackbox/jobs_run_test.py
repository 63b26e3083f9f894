"""Jobs as commands, without a server: recorded in the data folder's log, run in their sandbox, shown as they go."""
import hashlib
import json
import os
import signal
import subprocess
import unittest
from pathlib import Path

from caller import Caller
from jobs_tree_test import SHIPPED, Folder
from running_node import BINARY, RunningNode
from waiting import until


class RunTest(Folder):
    def environment(self, **more):
        return {"MUSTER_SCRIPTS_ROOT": str(more.pop("root", SHIPPED)), "MUSTER_DATA": str(self.folder / "data"), "PATH": os.environ["PATH"], **more}

    def run_job(self, *words, status=0, **more):
        return self.muster(*words, environment=self.environment(**more), status=status)

    def job(self, name, script, config="interpreter: bash\n"):
        self.write(f"scripts/{name}/config.d/config.yaml", config)
        self.write(f"scripts/{name}/000_main.sh", script)
        return self.folder / "scripts"

    def recorded(self):
        """What a node says of the runs that the folder's log tells of, the newest first."""
        with RunningNode("--dev", "--data", str(self.folder / "data")) as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            return caller.get("/runs").json, caller.get("/v1/events").body.decode()

    def test_a_job_runs_and_is_recorded(self):
        """[S3-04] [S3-06] [S3-09] Its output on stdout, its events on stderr; the log tells of it, and neither tells the secret."""
        done = self.run_job("demo", "--name", "alice", "--tags", "alpha", "--secret_token", "canary-6613")
        self.assertIn("alice", done.stdout)
        self.assertRegex(done.stderr, r"(?m)^\[1\] run\.start run=run-\d+ data=\{\"job_id\":\"demo\"\}$")
        self.assertRegex(done.stderr, r"(?m)^\[\d+\] run\.finish .*completed")
        runs, events = self.recorded()
        self.assertEqual([(run["job_id"], run["status"]) for run in runs], [("demo", "completed")])
        for kind in ("run.accepted", "run.dispatched", "run.started", "step.started", "step.finished", "run.finished"):
            self.assertIn(f'"type":"{kind}"', events)
        for path in (self.folder / "data").rglob("*"):
            if path.is_file():
                self.assertNotIn(b"canary-6613", path.read_bytes(), path)

    def test_programs_get_one_json_line_for_each_event(self):
        """[S3-05] --json: numbered lines and nothing else on stdout."""
        lines = [json.loads(line) for line in self.run_job("demo", "--name", "bob", "--json").stdout.splitlines()]
        self.assertEqual([line["sequence"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual((lines[0]["type"], lines[0]["data"]), ("run.start", {"job_id": "demo"}))
        self.assertEqual((lines[-1]["type"], lines[-1]["data"]["status"]), ("run.finish", "completed"))
        said = [line for line in lines if line["type"] == "step.log"]
        self.assertTrue(any("bob" in line["message"] and line["channel"] == "stdout" and line["step"] for line in said))

    def test_an_alias_runs_as_its_job(self):
        """[S3-16] With the same arguments, under its own name."""
        self.assertIn("carol", self.run_job("hello-demo", "--name", "carol", "-q").stdout)

    def test_how_a_run_ended_is_the_exit_status(self):
        """1 when it did not complete; with --exit-code its own."""
        root = self.job("bad", "exit 42\n")
        self.run_job("bad", root=root, status=1)
        self.run_job("bad", "--exit-code", root=root, status=42)
        report = self.run_job("bad", "-q", "--report", "json", root=root, status=1).stdout
        self.assertEqual([(row["Name"], row["ExitCode"]) for row in json.loads(report)], [("000_main.sh", 42)])

    def test_a_report_is_json_or_yaml_and_may_go_to_a_file(self):
        """--report yaml reads as the same list; --report-file keeps it off stdout, and needs --report."""
        root = self.job("twice", "echo first\n")
        (root / "twice" / "100_more.sh").write_text("exit 3\n")
        shown = self.run_job("twice", "-q", "--report", "yaml", "--on-error", "continue", root=root, status=1).stdout
        self.assertRegex(shown, r'^first\n- Name: "000_main.sh"\n  ExitCode: 0\n  Duration: \d+\n  Err: ""\n- Name: "100_more.sh"\n  ExitCode: 3\n  Duration: \d+\n  Err: ""\n$')
        done = self.run_job("twice", "-q", "--report", "json", "--report-file", "report.json", "--on-error", "continue", root=root, status=1)
        self.assertEqual(done.stdout, "first\n")
        rows = json.loads((self.folder / "report.json").read_text())
        self.assertEqual([(row["Name"], row["ExitCode"]) for row in rows], [("000_main.sh", 0), ("100_more.sh", 3)])
        self.assertIn("--report", self.run_job("twice", "--report-file", "report.json", root=root, status=1).stderr)

    def test_verbose_says_when_and_all_and_keeps_the_profile_at_last(self):
        """-v: each event with its time and all of its members; -vvv: what bash read before the script is in the run's folder."""
        root = self.job("says", "echo x\n", "interpreter: bash\nargspec: {args: [{name: who, type: string}]}\n")
        self.assertRegex(self.run_job("says", "-v", root=root).stderr, r'(?m)^\[\d+\] 20\S+Z step\.start run=run-\d+ .*"started_at"')
        self.assertEqual(list((self.folder / "data" / "runs").glob("*/*profile.sh")), [])
        self.run_job("says", "-vvv", "--who", "me", root=root)
        profile, = (self.folder / "data" / "runs").glob("*/*profile.sh")
        self.assertIn("export who='me'", profile.read_text())
        self.assertEqual(profile.stat().st_mode & 0o777, 0o600)

    def test_wrong_arguments_start_nothing(self):
        """A missing one, one of another kind and one that nobody knows are refused by name, before anything is recorded."""
        for words, said in (([], 'required flag(s) "name" not set'), (["--name", "x", "--times", "many"], "times"), (["--nmae", "x"], "nmae")):
            self.assertIn(said, self.run_job("demo", *words, status=1).stderr)
        self.assertFalse((self.folder / "data").exists())

    def test_what_the_policy_denies_never_starts(self):
        """[S3-40] [S3-70] A process that asks for the network under `secure`: refused with the code, and the refusal is on record."""
        root = self.job("asks", "echo ran\n", "interpreter: bash\ncontainer: {network: host}\n")
        refused = self.run_job("asks", "--json", root=root, status=3)
        self.assertIn("policy.denied", refused.stdout + refused.stderr)
        self.assertNotIn("ran", refused.stdout)
        name = hashlib.sha256(str((self.folder / "data").resolve()).encode()).hexdigest()[:16]
        places = [Path("/run"), Path("/dev/shm")]
        self.assertFalse([place for place in places if (place / f"muster-{os.geteuid()}" / name).exists()], "what it needs is made")
        runs, events = self.recorded()
        self.assertEqual(runs, [])
        self.assertIn('"type":"policy.decided"', events)

    def test_a_run_is_canceled_by_an_interrupt(self):
        """Ctrl-C asks the script to end, and the run is recorded as canceled."""
        root = self.job("long", "trap 'echo goodbye; exit 0' TERM; echo here; while :; do tail -f /dev/null & wait; done\n")
        running = subprocess.Popen([BINARY, "long", "-q"], env=self.environment(root=root), cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.assertEqual(running.stdout.readline(), "here\n")
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.communicate(timeout=60)[0], "goodbye\n")
        self.assertEqual(running.returncode, 1)
        self.assertEqual([run["status"] for run in self.recorded()[0]], ["canceled"])

    def test_a_run_outlives_the_command_that_started_it(self):
        """Killed while its script runs, the next command goes on with the run: it ends as it ended, and was started once."""
        root = self.job("slow", "echo x >>$RUN_DIR/starts; echo here; until [ -e $RUN_DIR/go ]; do :; done; echo done\n")
        self.job("other", "echo other\n")
        running = subprocess.Popen([BINARY, "slow", "-q"], env=self.environment(root=root), cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.assertEqual(running.stdout.readline(), "here\n")
        running.kill()
        running.wait()
        running.stdout.close()
        starts = next((self.folder / "data" / "runs").glob("*/starts"))
        starts.with_name("go").touch()

        def ended():
            self.run_job("other", "-q", root=root)
            runs = self.recorded()[0]
            return [run["status"] for run in runs if run["job_id"] == "slow"] == ["completed"]
        until(ended, "the run is recorded as completed")
        self.assertEqual(starts.read_text(), "x\n")

    def test_a_folder_that_a_node_serves_is_left_to_it(self):
        """The node is asked, which wants a token; where it cannot be found, exit status 5 with what to do."""
        with RunningNode("--api-key", "a-key", "--data", str(self.folder / "data")):
            self.assertIn("Bearer token", self.run_job("demo", "--name", "dora", status=3).stderr)
            (self.folder / "data" / "serving.json").unlink()
            self.assertIn("--data", self.run_job("demo", "--name", "dora", status=5).stderr)

    def test_a_dry_run_shows_steps_and_starts_none(self):
        """--dry-run tells of each step."""
        root = self.job("touch", "echo ran; touch $RUN_DIR/ran\n")
        dry = self.run_job("touch", "--dry-run", root=root)
        self.assertIn("step.finish", dry.stderr)
        self.assertEqual(dry.stdout, "")
        self.assertEqual(list((self.folder / "data").rglob("ran")), [])
        self.run_job("touch", root=root)
        self.assertEqual(len(list((self.folder / "data").rglob("ran"))), 1)

    def test_steps_run_as_they_need_each_other(self):
        """The shipped steps: the mean of 1 to 10, in whole numbers."""
        self.assertIn("the mean of 10 numbers is 5", self.run_job("demo-steps", "--upto", "10").stdout)

    def test_help_tells_of_a_job(self):
        """Its arguments and the flags that all jobs have."""
        shown = self.run_job("demo", "--help").stdout
        for expected in ("--name", "string, required", "--dry-run"):
            self.assertIn(expected, shown)


if __name__ == "__main__":
    unittest.main()

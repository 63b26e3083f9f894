"""Runs again and followed again: what a retry keeps of the first run, cursors that lead nowhere, and logs across a restart."""
import os
import signal
import subprocess
import unittest

from jobs_http_test import Jobs, WAITS, events_of
from running_node import BINARY
from waiting import until

CONFIG = "interpreter: bash\nargspec: {args: [{name: code, type: integer, default: 3}]}\n"


class RetryTest(Jobs):
    """The first script fails: `continue` runs the second one, `abort` does not."""

    def setUp(self):
        super().setUp()
        self.job("two", "exit $ARG_CODE\n", CONFIG)
        (self.root / "two" / "100_next.sh").write_text("touch $RUN_DIR/ran\n")

    def statuses(self, **body):
        """Of the run's steps once it has ended, and its id."""
        run = self.accepted(body)["id"]
        return [step["status"] for step in self.ended(run)["steps"]], run

    def test_a_retry_keeps_how_the_first_run_was_asked_for(self):
        """on_error, strict and dry_run are the first run's until the retry says something else, over several retries."""
        self.serve()
        self.assertEqual(self.statuses(job_id="two")[0], ["failed", "skipped"])
        went_on, first = self.statuses(job_id="two", on_error="continue")
        self.assertEqual(went_on, ["failed", "completed"])
        again, second = self.statuses(of=first)
        self.assertEqual(again, ["failed", "completed"])
        self.assertEqual(self.statuses(of=second)[0], ["failed", "completed"])
        self.assertEqual(self.statuses(of=second, on_error="abort")[0], ["failed", "skipped"])
        tried, third = self.statuses(job_id="two", on_error="retry")
        self.assertEqual(self.caller.get(f"/runs/{third}").json["steps"][0]["attempt"], 2)
        _, fourth = self.statuses(of=third)
        self.assertEqual(self.caller.get(f"/runs/{fourth}").json["steps"][0]["attempt"], 2)
        self.assertEqual(self.caller.get(f"/runs/{fourth}").json["provenance"]["invoked_with"], {"on_error": "retry"})

    def test_a_retry_keeps_strict(self):
        """A job that says continue stops under strict, which is what is so when nothing is said."""
        config = self.root / "two" / "config.d" / "config.yaml"
        config.write_text(CONFIG + "error_handling: {policy: continue}\n")
        self.serve()
        self.assertEqual(self.statuses(job_id="two")[0], ["failed", "skipped"])
        loose, first = self.statuses(job_id="two", strict=False)
        self.assertEqual(loose, ["failed", "completed"])
        self.assertEqual(self.statuses(of=first)[0], ["failed", "completed"])
        self.assertEqual(self.statuses(of=first, strict=True)[0], ["failed", "skipped"])

    def test_a_dry_run_again_is_dry_and_resumed_is_not(self):
        """Whoever resumes wants what was not done."""
        self.serve()
        dry, first = self.statuses(job_id="two", dry_run=True, args={"code": 0})
        again, second = self.statuses(of=first)
        self.assertEqual((dry, again), (["skipped", "skipped"],) * 2)
        self.assertEqual(list((self.folder / "data").rglob("ran")), [])
        self.assertEqual(self.statuses(of=second, dry_run=False)[0], ["completed", "completed"])
        self.assertEqual(self.statuses(of=first, resume=True)[0], ["completed", "completed"])

    def test_the_command_line_does_the_same(self):
        """What was asked for by --on-error without a node is kept by :run retry at a node."""
        environment = {"MUSTER_SCRIPTS_ROOT": str(self.root), "MUSTER_DATA": str(self.folder / "data"), "PATH": os.environ["PATH"]}
        done = subprocess.run([BINARY, "two", "--on-error", "continue"], env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        node = self.serve()
        first = self.caller.get("/runs").json[0]["id"]
        asking = {**environment, "MUSTER_REMOTE": node.url, "MUSTER_TOKEN": "dev-token"}
        done = subprocess.run([BINARY, ":run", "retry", first], env=asking, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = self.ended(done.stdout.split()[0])
        self.assertEqual([step["status"] for step in shown["steps"]], ["failed", "completed"])


class ResumeTest(Jobs):
    """Three steps: the second one ends as the argument says."""

    def setUp(self):
        super().setUp()
        self.job("three", "", "interpreter: bash\nexecutor: proc\ncomposition: steps\nconcurrency: {group: g}\nargspec: {args: [{name: code, type: integer, default: 3}]}\n"
                 "steps: [{id: one, script: one.sh}, {id: two, script: two.sh, needs: [one]}, {id: three, script: one.sh, needs: [two]}]\n")
        (self.root / "three" / "one.sh").write_text("touch $RUN_DIR/ran\n")
        (self.root / "three" / "two.sh").write_text("exit $ARG_CODE\n")
        self.job("waits", WAITS, "interpreter: bash\nconcurrency: {group: g}\n")
        self.serve()

    def resumed(self, run, **body):
        """The run that goes on with it, once it has ended."""
        return self.ended(self.accepted({"of": run, "resume": True, **body})["id"])

    def test_a_resumed_run_is_resumed_where_it_failed(self):
        """What the first run did is done in all that go on with it, and :runs counts it."""
        first = self.accepted({"job_id": "three"})["id"]
        self.ended(first)
        second = self.resumed(first)
        self.assertEqual([step["status"] for step in second["steps"]], ["completed", "failed", "skipped"])
        third = self.resumed(second["id"], args={"code": 0})
        self.assertEqual((third["status"], third["from_step"]), ("completed", "two"))
        self.assertEqual([(step["status"], step.get("attempt", 0)) for step in third["steps"]], [("completed", 0), ("completed", 1), ("completed", 1)])
        self.assertFalse((self.folder / "data" / "runs" / second["id"] / "ran").exists())
        asking = {"MUSTER_REMOTE": self.node.url, "MUSTER_TOKEN": "dev-token", "PATH": os.environ["PATH"]}
        listed = subprocess.run([BINARY, ":runs"], env=asking, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
        self.assertEqual([line.count("3/3") for line in listed.splitlines() if third["id"] in line], [1], listed)

    def test_one_that_never_began_is_resumed_where_the_one_before_failed(self):
        """It was canceled in the queue."""
        first = self.accepted({"job_id": "three"})["id"]
        self.ended(first)
        waits = self.accepted({"job_id": "waits"})["id"]
        second = self.accepted({"of": first, "resume": True})["id"]
        self.assertEqual(self.caller.post(f"/runs/{second}:cancel").status, 202)
        self.caller.post(f"/runs/{waits}:cancel")
        self.ended(waits)
        third = self.resumed(second, args={"code": 0})
        self.assertEqual((third["from_step"], third["steps"][0].get("attempt", 0)), ("two", 0))


class CursorTest(Jobs):
    def test_a_cursor_beyond_the_newest_entry_of_a_run_that_goes_on_is_refused(self):
        """410, as of one that has ended; the newest entry itself is a cursor."""
        self.job("waits", WAITS)
        self.serve()
        run = self.accepted({"job_id": "waits"})["id"]
        folder = self.folder / "data" / "runs" / run
        until((folder / "starts").exists, "the script runs")
        with self.caller.stream(f"/runs/{run}/events") as reply:
            newest = 0
            while newest < 3:  # run.start, step.start, here
                line = reply.readline().decode()
                newest = int(line[4:]) if line.startswith("id: ") else newest
        for header in (str(newest + 1), "18446744073709551615"):
            self.refused(self.caller.get(f"/runs/{run}/events", Last_Event_ID=header), 410, "cursor.expired")
        (folder / "go").touch()
        rest = events_of(self.stream(run, Last_Event_ID=str(newest)))
        self.assertEqual(([number for number, _, _ in rest][0], rest[-1][1]), (newest + 1, "run.finish"))

    def test_a_cursor_into_a_journal_that_is_gone_is_refused(self):
        """410 for a cursor, and for lines of JSON; without a cursor the stream tells that it went, and the end."""
        self.job("much", "head -c 3000000 /dev/zero | tr '\\0' '\\n'\n")
        node = self.serve("--extension", "export")
        run = self.accepted({"job_id": "much"})["id"]
        last = self.ended(run)["output"]["last"]
        self.assertEqual(node.stop(), 0)
        self.serve("--extension", "export", "--max-journals", "1MiB")
        until(lambda: not (self.folder / "data" / "runs" / run).exists(), "the journal is gone")
        for cursor in (1, last - 1, last, last + 1):
            self.refused(self.caller.get(f"/runs/{run}/events", Last_Event_ID=str(cursor)), 410, "cursor.expired")
        self.refused(self.caller.get(f"/runs/{run}/events.ndjson"), 410, "cursor.expired")
        self.assertEqual([(kind, data.get("status")) for _, kind, data in events_of(self.stream(run))], [("journal.evicted", None), ("run.finish", "completed")])


class LogsTest(Jobs):
    def follow(self, run):
        environment = {"MUSTER_REMOTE": self.node.url, "MUSTER_TOKEN": "dev-token", "PATH": os.environ["PATH"]}
        following = subprocess.Popen([BINARY, ":run", "logs", run], env=environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(following.stderr.close)
        self.addCleanup(following.stdout.close)
        self.addCleanup(following.wait)
        self.addCleanup(following.kill)
        return following

    def test_logs_go_on_when_the_node_starts_again(self):
        """kill -9 while a script runs: the command shows the rest, nothing twice, and exits as the run ended."""
        self.job("waits", WAITS)
        node = self.serve()
        run = self.accepted({"job_id": "waits"})["id"]
        following = self.follow(run)
        self.assertEqual(following.stdout.readline(), "here\n")
        node.stop(signal.SIGKILL)
        with open(node.folder / "output", "ab") as output:  # At the same address.
            node._process = subprocess.Popen(node._command, cwd=node.folder, env=node._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        node._wait_ready()
        (self.folder / "data" / "runs" / run / "go").touch()
        rest, errors = following.communicate(timeout=60)
        self.assertEqual((following.returncode, rest), (0, "done\n"), errors)

    def test_logs_of_nothing_end_at_once(self):
        """A run that is not there, and a node that is not: the problem, not a wait."""
        self.serve()
        following = self.follow("nobody")
        self.assertIn("nobody", following.communicate(timeout=60)[1])
        self.assertEqual(following.returncode, 4)
        self.node.stop()
        following = self.follow("nobody")
        self.assertTrue(following.communicate(timeout=60)[1])
        self.assertEqual(following.returncode, 5)


if __name__ == "__main__":
    unittest.main()

"""What is kept of a run's output is compared with what the log says of it: edits show, and what went to make room is marked."""
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from jobs_http_test import Jobs, events_of
from running_cluster import RunningCluster
from running_node import BINARY
from waiting import until

PRINTS = "echo one; echo two; echo three\n"
# More than the eight segments of 8 MiB that a journal may have.
MUCH = "head -c 80000000 /dev/zero | tr '\\0' x | fold -w 1000\n"


class JournalCase(Jobs):
    def run_of(self, script):
        self.job("prints", script)
        self.serve()
        self.run_id = self.accepted({"job_id": "prints"})["id"]
        return self.ended(self.run_id)

    def segments(self):
        return sorted((self.folder / "data" / "runs" / self.run_id / "journal").iterdir())

    def edit(self, change):
        path = self.segments()[0]
        path.write_bytes(change(path.read_bytes()))

    def verb(self, *words):
        environment = {"MUSTER_REMOTE": self.node.url, "MUSTER_TOKEN": "dev-token", "PATH": os.environ["PATH"]}
        return subprocess.run([BINARY, ":run", *words, self.run_id], env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def events(self):
        return events_of(self.stream(self.run_id))


class EditedJournalTest(JournalCase):
    def test_a_journal_that_nobody_touched_is_as_it_was_written(self):
        """By the route and by the verb, with the hash that run.finished names."""
        output = self.run_of(PRINTS)["output"]
        checked = self.caller.get(f"/runs/{self.run_id}/journal")
        self.assertEqual(checked.status, 200, checked)
        self.assertEqual({name: checked.json[name] for name in output}, output)
        self.assertEqual(checked.json["oldest"], 1)
        done = self.verb("verify")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(output["digest"], done.stdout)
        self.assertNotIn("journal.corrupt", self.stream(self.run_id))

    def corrupt(self, shown):
        """The stream has `shown` lines, the mark, and the end as the log has it; the other readers say so, too."""
        events = self.events()
        said = [data["message"] for _, kind, data in events if kind == "step.log"]
        self.assertEqual(said, shown, events)
        self.assertEqual([kind for _, kind, _ in events[-2:]], ["journal.corrupt", "run.finish"], events)
        mark = events[-2][2]
        self.assertEqual((mark["run_id"], mark["job_id"], mark["code"]), (self.run_id, "prints", "journal.corrupt"))
        self.refused(self.caller.get(f"/runs/{self.run_id}/journal"), 500, "journal.corrupt")
        checked, logs = self.verb("verify"), self.verb("logs")
        for done in (checked, logs):
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("journal.corrupt", done.stderr)
        self.assertEqual(logs.stdout.split(), shown)

    def test_a_line_that_was_changed_is_not_shown(self):
        """Nor what is behind it."""
        self.run_of(PRINTS)
        self.edit(lambda data: data.replace(b"three", b"thief"))
        lines = [data["message"] for _, kind, data in self.events() if kind == "step.log"]
        self.assertNotIn("thief", lines)
        self.corrupt(lines)

    def test_an_end_that_was_cut_off_shows(self):
        """Each frame that is left is as it was written: the log knows that there were more."""
        self.run_of(PRINTS)
        self.edit(lambda data: data[:data.rindex(b"run.finish ") - 63])  # 63 bytes are a frame's numbers and hash.
        self.corrupt(["one", "two", "three"])

    def test_another_run_s_journal_shows(self):
        """It is whole in itself, with hashes that fit each other, and not the one that run.finished names."""
        self.run_of(PRINTS)
        other = self.accepted({"job_id": "prints"})["id"]
        self.ended(other)
        shutil.rmtree(self.segments()[0].parent)
        shutil.copytree(self.folder / "data" / "runs" / other / "journal", self.folder / "data" / "runs" / self.run_id / "journal")
        self.corrupt(["one", "two", "three"])

    def test_one_that_goes_on_is_not_checked_yet(self):
        """409; and there is no such run: 404."""
        self.job("waits", "until [ -e $RUN_DIR/go ] || [ ! -d $RUN_DIR ] || (( SECONDS > 120 )); do :; done\n")
        self.serve()
        run = self.accepted({"job_id": "waits"})["id"]
        self.refused(self.caller.get(f"/runs/{run}/journal"), 409, "conflict")
        self.refused(self.caller.get("/runs/run-0/journal"), 404, "not.found")
        self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 202)
        self.ended(run)


class EvictedTest(JournalCase):
    def test_what_went_to_make_room_is_marked_where_it_was(self):
        """In the stream, in GET /runs/{id}, and on the command line; what is left is as it was written."""
        shown = self.run_of(MUCH)
        first = int(self.segments()[0].name)
        self.assertGreater(first, 1)
        self.assertEqual(shown["journal"], {"oldest": first, "evicted": first - 1})
        events = self.events()
        self.assertEqual((events[0][0], events[0][1]), (first - 1, "journal.evicted"))
        self.assertEqual((events[0][2]["run_id"], events[0][2]["from"], events[0][2]["to"]), (self.run_id, 1, first - 1))
        self.assertEqual((events[1][0], events[-1][1]), (first, "run.finish"))
        self.assertEqual(self.caller.get(f"/runs/{self.run_id}/journal").json["oldest"], first)
        self.assertIn(f"entries 1 to {first - 1} of this run are not kept any more", self.verb("logs").stderr)
        self.assertIn(f"entries 1 to {first - 1} are not kept any more", self.verb("verify").stdout)

    def test_a_journal_of_which_nothing_is_kept_is_marked(self):
        """The mark, and the end as the log has it, at once."""
        last = self.run_of(PRINTS)["output"]["last"]
        shutil.rmtree(self.segments()[0].parent)
        events = self.events()
        self.assertEqual([kind for _, kind, _ in events], ["journal.evicted", "run.finish"])
        self.assertEqual((events[0][2]["from"], events[0][2]["to"], events[1][2]["status"]), (1, last, "completed"))
        self.assertEqual(self.caller.get(f"/runs/{self.run_id}").json["journal"], {"oldest": 0, "evicted": last})
        self.refused(self.caller.get(f"/runs/{self.run_id}/journal"), 410, "cursor.expired")


class OtherMembersTest(Jobs):
    def test_any_member_says_what_the_one_that_ran_it_finds(self):
        """Whole, then edited: the check and the stream of a run, asked of a member that does not have its journal."""
        self.job("prints", PRINTS)
        with RunningCluster(3, "--scripts-root", str(self.root)) as cluster:
            cluster.whole()
            asked, other, _ = cluster.members
            until(lambda: len(asked.get("/v1/nodes").json) == 3, "all nodes are registered")
            run = self.accepted({"job_id": "prints", "node": other.node_id}, asked)["id"]
            output = self.ended(run, asked)["output"]
            for reader in (asked, other):
                self.assertEqual(self.ended(run, reader)["output"], output)  # One may know later than the other.
                self.assertEqual(reader.get(f"/runs/{run}/journal").json["digest"], output["digest"])
            path, = (Path(other.data) / "runs" / run / "journal").iterdir()
            path.write_bytes(path.read_bytes().replace(b"three", b"thief"))
            for reader in (asked, other):
                self.refused(reader.get(f"/runs/{run}/journal"), 500, "journal.corrupt")
                told = events_of(self.stream(run, reader))
                self.assertEqual([kind for _, kind, _ in told[-2:]], ["journal.corrupt", "run.finish"], told)


if __name__ == "__main__":
    unittest.main()

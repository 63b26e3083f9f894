"""Scripts that mean harm, run by a served node: what they print, what they leave behind, what they fill, and how they end.

MUSTER_TEST_ROUNDS=5 prints the whole gigabyte in one line."""
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from jobs_http_test import Jobs, events_of
from waiting import until

CANARY = "canary-7302-of-this-test"
KEY = "interpreter: bash\nargspec: {args: [{name: key, type: string, secret: true}]}\n"
LINE = 200_000_000 * int(os.environ.get("MUSTER_TEST_ROUNDS", "1"))
JOURNAL = 9 * (8 << 20)  # Eight segments, and the one that is written.


def running(mark):
    """Processes of this machine that have the word among theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


class OutputTest(Jobs):
    def said(self, run):
        return [data["message"] for _, kind, data in events_of(self.stream(run)) if kind == "step.log"]

    def nowhere(self, *where):
        for folder in where:
            for path in folder.rglob("*"):
                if path.is_file():
                    self.assertNotIn(CANARY.encode(), path.read_bytes(), path)

    def test_a_secret_is_hidden_whole_and_in_parts(self):
        """Printed whole, within a line, over two writes, on both channels, without a line's end, as the name of what fails; no file on a disk has it."""
        half = len(CANARY) // 2
        self.job("prints", 'k=$(cat /run/secrets/key 2>/dev/null || cat "$RUN_DIR"/secrets/key)\n'
                 f'echo "$k"; echo "<$k>" >&2; printf %s "${{k:0:{half}}}"; /bin/true; printf "%s\\n" "${{k:{half}}}"\n'
                 'printf "%s" "${k:0:1}"; printf "%s" "${k:1}"; echo; cat "/$k"; printf "the end %s" "$k"\n', KEY)
        node = self.serve("--extension", "export")
        self.assertEqual(node.output().count(CANARY), 0)
        run = self.accepted({"job_id": "prints", "args": {"key": CANARY}})
        self.assertNotIn(CANARY, str(run))
        self.assertEqual(self.ended(run["id"])["status"], "completed")
        said = self.said(run["id"])
        shown = [line for line in said if "cat" not in line]  # The channels are not in one order.
        self.assertEqual((sorted(shown[:4]), "".join(shown[4:])), (["<[secret]>", "[secret]", "[secret]", "[secret]"], "the end [secret]"))
        for path in (f"/runs/{run['id']}", f"/runs/{run['id']}/events", f"/runs/{run['id']}/events.ndjson", "/runs", "/v1/events"):
            self.assertNotIn(CANARY.encode(), self.caller.get(path).body, path)
        self.nowhere(self.folder, node.folder)

    def test_a_secret_is_nowhere_on_disk_while_its_run_goes_on(self):
        """It is in memory alone, and gone from there when the run has ended; the script has it in a file that it cannot change."""
        self.job("holds", 'f=/run/secrets/key; cat $f >/dev/null && echo has it; echo x 2>/dev/null >$f || echo cannot change it\n'
                 'touch $RUN_DIR/here; until [ -e $RUN_DIR/go ] || [ ! -d $RUN_DIR ]; do :; done\n', KEY)
        node = self.serve()
        run = self.accepted({"job_id": "holds", "args": {"key": CANARY}})["id"]
        folder = self.folder / "data" / "runs" / run
        until((folder / "here").exists, "the script runs")
        self.nowhere(self.folder, node.folder)
        self.assertEqual(running(CANARY), [])  # Nor among any process's words.
        (folder / "go").touch()
        self.ended(run)
        self.assertEqual(self.said(run), ["has it", "cannot change it"])
        self.nowhere(self.folder, node.folder, Path("/dev/shm"))

    def test_one_line_without_end_takes_no_more_than_it_may(self):
        """Hundreds of megabytes in one line: counted, cut, the newest kept, and neither the node's memory nor its disk swells."""
        self.job("long", f"head -c {LINE} /dev/zero | tr '\\0' x; echo; echo done\n")
        node = self.serve()
        run = self.accepted({"job_id": "long"})["id"]
        until(lambda: self.caller.get(f"/runs/{run}").json["status"] == "completed", "it ends", limit_s=600)
        shown = self.ended(run)
        self.assertGreaterEqual(shown["output"]["bytes"], LINE)
        told = events_of(self.stream(run))
        self.assertGreater(told[0][0], 1, "the oldest entries are gone")
        self.assertEqual(told[-1][0], shown["output"]["last"])
        journal = sum(path.stat().st_size for path in (self.folder / "data" / "runs" / run).rglob("*") if path.is_file())
        self.assertLess(journal, JOURNAL)
        with open(f"/proc/{node._process.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self.assertLess(peak, 500_000, "kB at its largest")
        said = self.said(run)
        self.assertEqual((said[-1], set("".join(said[:-1]))), ("done", {"x"}))

    def test_bytes_that_are_no_text_are_told_as_text(self):
        """Every byte there is, cut sequences, NULs, control characters: the stream stays JSON, and what is text in it is as it was."""
        self.job("bytes", "printf '\\xff\\xfe ok \\xc3\\n\\xed\\xa0\\x80 two\\nnul \\000 end\\n\\x1b[31mred\\n'\n"
                 "for i in $(seq 0 255); do printf \"\\\\x$(printf %02x $i)\"; done; echo; echo last\n")
        self.serve("--extension", "export")
        run = self.accepted({"job_id": "bytes"})["id"]
        self.assertEqual(self.ended(run)["status"], "completed")
        said = self.said(run)
        self.assertEqual(said[0], "\ufffd\ufffd ok \ufffd")
        self.assertTrue(said[1].endswith(" two"), said[1])
        self.assertEqual(said[2:4], ["nul \0 end", "\x1b[31mred"])
        self.assertEqual(said[-1], "last")
        self.assertEqual(self.caller.get(f"/runs/{run}/events.ndjson").body.decode().count('"last"'), 1)


class EndsTest(Jobs):
    def test_a_fork_bomb_ends_with_its_run(self):
        """Canceled while it multiplies: nothing of it is left, and the node ran another job meanwhile."""
        self.job("bomb", "touch $RUN_DIR/here; f() { f | f & }; f 2>/dev/null; while :; do :; done # bomb-of-7302\n")
        self.job("good", "echo fine\n")
        self.serve()
        run = self.accepted({"job_id": "bomb"})["id"]
        until((self.folder / "data" / "runs" / run / "here").exists, "it runs")
        self.assertEqual(self.ended(self.accepted({"job_id": "good"})["id"])["status"], "completed")
        self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 202)
        self.assertEqual(self.ended(run)["status"], "canceled")
        until(lambda: not running(f"{self.root}/bomb/"), "nothing of it is left")

    def test_a_script_that_ignores_being_asked_is_killed(self):
        """Ten seconds after TERM, with what it started; the stream tells of the signal, the run is canceled."""
        for profile in ("secure", "disabled"):
            with self.subTest(profile):
                self.job(f"deaf-{profile}", "trap '' TERM INT HUP; touch $RUN_DIR/here; tail -f /dev/null /dev/null/deaf-of-7302 & while :; do wait; done\n")
                self.serve()
                run = self.accepted({"job_id": f"deaf-{profile}", "requested_security_profile": profile})["id"]
                until((self.folder / "data" / "runs" / run / "here").exists, "it runs")
                self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 202)
                self.assertEqual(self.ended(run)["status"], "canceled")
                told = [data for _, kind, data in events_of(self.stream(run)) if kind == "step.finish"]
                self.assertEqual((told[0]["exit_code"], told[0]["status"]), (-1, "failed"), told)
                until(lambda: not running("deaf-of-7302"), "nothing of it is left")
                self.node.stop()

    def test_daemons_do_not_outlive_their_run(self):
        """In a session of their own, twice forked, holding the output open: the run ends at once, and they with it."""
        self.job("leaves", "(setsid sh -c 'tail -f /dev/null /dev/null/daemon-of-7302 2>/dev/null &' &); nohup tail -f /dev/null /dev/null/daemon-of-7302 2>/dev/null & disown\n"
                 "until [ \"$(ps ax | grep -c '[d]aemon-of-7302')\" -ge 2 ]; do :; done; echo left\n")
        self.serve()
        run = self.accepted({"job_id": "leaves"})["id"]
        self.assertEqual(self.ended(run)["status"], "completed")
        self.assertIn("left", self.stream(run))
        until(lambda: not running("daemon-of-7302"), "the daemons are gone")


@unittest.skipUnless(os.geteuid() == 0, "a small disk can be mounted by root alone")
class FullDiskTest(Jobs):
    def setUp(self):
        super().setUp()
        self.runs = self.folder / "data" / "runs"
        self.runs.mkdir(parents=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.runs], capture_output=True).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.runs], check=True)

    def test_a_script_that_fills_the_disk_fails_alone(self):
        """Its own writes fail; the node goes on, tells how it ended, and runs the next job when there is room again."""
        self.job("fills", "head -c 100000000 /dev/zero >$RUN_DIR/fill && echo wrote it all; echo still here; exit 6\n")
        self.job("good", "echo fine; echo kept >$RUN_DIR/kept\n")
        self.serve()
        run = self.accepted({"job_id": "fills"})["id"]
        shown = self.ended(run)
        self.assertEqual((shown["status"], shown["exit_code"]), ("failed", 6), shown)
        self.assertGreater((self.runs / run / "fill").stat().st_size, 1 << 20)
        answer = self.caller.post("/runs", {"job_id": "good"})
        if answer.status == 201:
            self.assertIn(self.ended(answer.json["id"])["status"], ("completed", "failed"))
        else:
            self.assertIn("No space left", answer.json["detail"])
        (self.runs / run / "fill").unlink()
        good = self.accepted({"job_id": "good"})["id"]
        self.assertEqual(self.ended(good)["status"], "completed")
        self.assertIn("fine", self.stream(good))
        self.assertEqual(self.caller.get("/readyz").status, 200)


if __name__ == "__main__":
    unittest.main()

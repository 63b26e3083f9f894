"""Runs of jobs and sudden death: kill -9 of the node at every stage of a run, and again while it takes its runs up. Every run
ends as its scripts ended, and no attempt of a step begins twice [S0-05].

MUSTER_TEST_ROUNDS=10 makes 100 rounds; MUSTER_TEST_SEED repeats a run's choices."""
import contextlib
import glob
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), str(Path(__file__).resolve().parent.parent / "blackbox")]
from node import Node, has_failed, send, until  # noqa: E402
from podman_case import PodmanCase  # noqa: E402

ROUNDS = 10 * int(os.environ.get("MUSTER_TEST_ROUNDS", "1"))
SEED = int(os.environ.get("MUSTER_TEST_SEED", str(time.time_ns() & 0xFFFFFF)))
ROUNDS_A_FOLDER = 10
LOOKS = 100  # At files, for each time that the node is asked.
ENDED = ("completed", "failed", "canceled", "lost")

# Each attempt leaves a line when it begins and one when it ends, in the run's folder, which outlives everything here.
BEGINS = "name=${0##*/}; echo x >>$RUN_DIR/$name.began\nends() { echo $1 >>$RUN_DIR/$name.ended; exit $1; }\n"
GOOD = BEGINS + "echo good; ends 0\n"
THIRD = BEGINS + "[ $(wc -l <$RUN_DIR/$name.began) -ge 3 ] && ends 0; ends 5\n"
BAD = BEGINS + "echo bad; ends 7\n"
WAITS = BEGINS + "mkfifo $RUN_DIR/go.making && mv $RUN_DIR/go.making $RUN_DIR/go; read word <$RUN_DIR/go; ends 0\n"
TRAPS = BEGINS + "trap 'ends 0' TERM; mkfifo $RUN_DIR/never; while :; do read word <>$RUN_DIR/never; done\n"
STEPS = "interpreter: bash\nexecutor: proc\ncomposition: steps\n"
GROUP = "interpreter: bash\nconcurrency: {group: g, policy: queue}\n"

# name: (config.yaml, its scripts, how it ends, how often each script begins)
JOBS = {
    "quick": ("interpreter: bash\n", {"000_quick": GOOD}, "completed", {"000_quick": 1}),
    "graph": (STEPS + "error_handling: {policy: retry, retries: 2}\nsteps:\n- {id: one, script: one}\n- {id: two, script: two, needs: [one]}\n"
              "- {id: three, script: three, needs: [one]}\n- {id: four, script: four, needs: [two, three]}\n",
              {"one": GOOD, "two": THIRD, "three": GOOD, "four": GOOD}, "completed", {"one": 1, "two": 3, "three": 1, "four": 1}),
    "fails": (STEPS + "error_handling: {policy: retry, retries: 1}\nsteps:\n- {id: one, script: one}\n- {id: two, script: two, needs: [one]}\n",
              {"one": BAD, "two": GOOD}, "failed", {"one": 2, "two": 0}),
    "long": (GROUP, {"000_long": WAITS}, "completed", {"000_long": 1}),
    "queued": (GROUP, {"000_queued": WAITS}, "completed", {"000_queued": 1}),
    "canceled": ("interpreter: bash\n", {"000_canceled": TRAPS}, "canceled", None),
}

# Where Podman is: a job in a container, whose end is told by the command that waits for it.
IMAGE = "localhost/muster-crash:1"
BOXED = (f"interpreter: container:{IMAGE}\nexecutor: container\ncontainer: {{image: {IMAGE}}}\n", {"000_boxed": "#!/bin/sh\n" + GOOD}, "completed", {"000_boxed": 1})

# What is there, for any of the runs, when a stage is reached; the first folder is the one in memory.
STAGES = {
    "something is held": "*/order", "a run begins": "*/progress", "a script has its pipes": "*/pipes/*/out", "all of them": "*/pipes/*/hold",
    "it is about to run": "*/pipes/*/began", "it ended": "*/pipes/*/code", "an attempt begins": "/*/*.began", "it is over": "/*/*.ended",
    "a second attempt begins": "*/pipes/*-2", "a journal is opened": "/*/journal/*",
}


def memory_of(data):
    """Where a node of this machine keeps what no disk may see of the runs of `data`."""
    base = "/run" if os.geteuid() == 0 and os.statvfs("/run").f_fsid != os.statvfs("/").f_fsid else "/dev/shm"
    return Path(base) / f"muster-{os.geteuid()}" / hashlib.sha256(str(data).encode()).hexdigest()[:16]


class RunsCrashTest(unittest.TestCase):
    def setUp(self):
        self.room = Path(os.path.realpath(tempfile.mkdtemp(prefix="muster-runs-")))
        self.data = self.room / "data"
        self.rng = random.Random(SEED)
        self.jobs, self.box = dict(JOBS), PodmanCase("podman")
        self.addCleanup(self.box.doCleanups)
        try:
            self.box.setUp()
            self.box.make_image(IMAGE)
            self.jobs["boxed"] = BOXED
        except unittest.SkipTest as why:
            print(f"without a job in a container: {why}", file=sys.stderr)
        for name, (config, scripts, _, _) in self.jobs.items():
            (self.room / "scripts" / name / "config.d").mkdir(parents=True)
            (self.room / "scripts" / name / "config.d" / "config.yaml").write_text(config)
            for script, text in scripts.items():
                (self.room / "scripts" / name / script).write_text(text)
                (self.room / "scripts" / name / script).chmod(0o755)

    def tearDown(self):
        if has_failed(self):  # The folder that shows the fault is kept.
            print(f"\nkept {self.room}, MUSTER_TEST_SEED={SEED}", file=sys.stderr)
        else:
            shutil.rmtree(self.room)

    def start(self):
        node = Node(self.data, self.box.environment if "boxed" in self.jobs else None, str(self.room), ("--scripts-root", str(self.room / "scripts")))
        self.addCleanup(node.kill)
        return node.wait_ready()

    def kill_at(self, node, stage, count, over):
        """Kills the node when so many files tell of the stage, or when all is `over`. Whether it was the stage."""
        pattern = STAGES[stage]
        folder, pattern = (self.data / "runs", pattern[1:]) if pattern.startswith("/") else (memory_of(self.data), pattern)
        pattern = f"{folder}/{pattern}"
        seen = set(glob.glob(pattern))
        before, looks = len(seen), 0

        def look():
            nonlocal looks
            looks += 1
            seen.update(glob.glob(pattern))  # Which bears that folders go away.
            return len(seen) - before >= count or (looks % LOOKS == 0 and over())
        until(look, f"{stage} ({count})", on=[node.process], look_again_s=0)
        node.kill()
        return len(seen) - before >= count

    def post(self, node, job, key):
        """The run's id, or None when nobody answered any more."""
        try:
            connection = node.connect()
            try:
                asked = {"job_id": job, **({"requested_security_profile": "permissive"} if job == "boxed" else {})}
                status, body, _ = send(connection, "POST", "/runs", asked, key)
            finally:
                connection.close()
        except OSError:
            return None
        self.assertEqual(status, 201, body)
        return json.loads(body)["id"]

    def shown(self, node, run):
        status, body, _ = node.ask("GET", f"/runs/{run}")
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def cancel(self, node, run):
        try:
            status, body, _ = node.ask("POST", f"/runs/{run}:cancel")
            self.assertIn(status, (200, 202), body)
        except OSError:
            pass

    def let_go(self, run):
        """Writes the line that a waiting script reads, when it reads it."""
        try:
            pipe = os.open(self.data / "runs" / run / "go", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return
        os.write(pipe, b"go\n")
        os.close(pipe)

    def settle(self, node, runs):
        """Lets what waits go on until all runs have ended; each as it is shown then."""
        ended = {}

        def over():
            for job, run in runs.items():
                if run in ended:
                    continue
                row = self.shown(node, run)
                if row["status"] in ENDED and "finished_at" in row:
                    ended[run] = row
                elif job in ("long", "queued"):
                    self.let_go(run)
            return len(ended) == len(runs)
        try:
            until(over, "all runs end", on=[node.process], limit_s=20 if "boxed" not in self.jobs else 60)
        except AssertionError as error:
            raise AssertionError(f"{error}: {[self.shown(node, run) for run in runs.values() if run not in ended]} {node.said()}") from None
        return ended

    def lines(self, run, name):
        path = self.data / "runs" / run / name
        return path.read_text().split() if path.exists() else []

    def check(self, node, runs, ended):
        for job, run in runs.items():
            _, scripts, status, begins = self.jobs[job]
            row = ended[run]
            self.assertEqual(row["status"], status, row)
            for script in scripts:
                began, over = (len(self.lines(run, f"{script}.{mark}")) for mark in ("began", "ended"))
                step = next(step for step in row["steps"] if step["id"].split(".")[0] in (script, script.split("_")[-1]))
                if begins is None:  # It may have been canceled before it began, or before it could say how it ended.
                    self.assertLessEqual(began, 1, row)
                    continue
                self.assertEqual((began, over), (begins[script], begins[script]), f"{job} {script}: {row}")
                self.assertEqual(step.get("attempt", 0), begins[script], row)
            codes = [code for script in scripts for code in self.lines(run, f"{script}.ended")]
            self.assertEqual(row["exit_code"], 7 if status == "failed" else row["exit_code"] if begins is None else 0, (row, codes))
            code, body, _ = node.ask("GET", f"/runs/{run}/events")
            self.assertEqual(code, 200, body)
            last = json.loads(body.decode().rstrip().rsplit("data: ", 1)[1])
            self.assertEqual((last["run_id"], last["status"]), (run, status), body[-1000:])
        left = [str(path) for run in runs.values() for path in memory_of(self.data).glob(f"{run}/pipes/*")]
        self.assertEqual(left, [], "something is left of runs that have ended")

    def test_runs_end_as_their_scripts_do_when_the_node_is_killed(self):
        """[S0-05] kill -9 at a named stage, again and again on one folder: no attempt begins twice, no end is wrong, nothing is lost."""
        reached, kills = 0, 0
        node = None
        for done in range(ROUNDS):
            if done % ROUNDS_A_FOLDER == 0:
                if node:
                    self.assertEqual(node.stop(), 0)
                shutil.rmtree(self.data, ignore_errors=True)
                node = self.start()
            stage, again = self.rng.choice(list(STAGES)), self.rng.choice([None, None, *STAGES])
            counts = self.rng.randrange(1, 9), self.rng.randrange(1, 4)
            with self.told(f"round {done}: {stage} ({counts[0]}), {again} ({counts[1]})"):
                runs = {}
                posting = threading.Thread(target=self.post_all, args=(node, done, runs))
                posting.start()
                reached += self.kill_at(node, stage, counts[0], lambda: not posting.is_alive() and self.nothing_moves(node, runs))
                posting.join()
                node = self.start()
                self.post_all(node, done, runs)
                kills += 1
                if again:
                    reached += self.kill_at(node, again, counts[1], lambda: self.nothing_moves(node, runs))
                    node = self.start()
                    kills += 1
                self.cancel(node, runs["canceled"])
                self.check(node, runs, self.settle(node, runs))
                everything = json.loads(node.ask("GET", "/runs?per_page=200")[1])
                self.assertEqual(len(everything), len(self.jobs) * (done % ROUNDS_A_FOLDER + 1), "a run is there twice, or is not")
        if "boxed" in self.jobs:
            self.assertEqual(self.box.podman("ps", "--all", "--quiet").stdout, "", "a container is left")
        print(f"{ROUNDS} rounds, {kills} kills, {reached} of them at their stage", file=sys.stderr)
        self.assertGreater(reached, kills // 3)

    @contextlib.contextmanager
    def told(self, what):
        """The first round that fails ends the test, and is named."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None

    def post_all(self, node, done, runs):
        """Every job that has no answer yet, under its key; then the one is canceled."""
        for job in self.jobs:
            if job not in runs and (run := self.post(node, job, f"round-{done:04}-{job:-<20}")):
                runs[job] = run
        if "canceled" in runs:
            self.cancel(node, runs["canceled"])

    def nothing_moves(self, node, runs):
        """True when the runs that need no help have ended."""
        return all(self.shown(node, run)["status"] in ENDED for job, run in runs.items() if job in ("quick", "graph", "fails", "canceled"))


if __name__ == "__main__":
    unittest.main()
